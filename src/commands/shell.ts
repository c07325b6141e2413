/** An interactive shell on the server, for administrators. */
import fs from 'node:fs';
import tty from 'node:tty';
import type { Session } from '../shell/command.ts';
import { writeOut } from '../shell/output.ts';
import { replaceProcess } from '../system/process.ts';

const SHELLS = ['/bin/bash', '/bin/sh'] as const;

export function run({ env, softFileLimit }: Session): never {
  if (!tty.isatty(0)) writeOut("novaboot-shell: Consider starting the shell with 'ssh -t'\n");
  const file = SHELLS.find((shell) => fs.existsSync(shell)) ?? '/bin/sh';
  // Editors and the like start $SHELL, which is novaboot-shell for this account.
  return replaceProcess({ file, args: [file], env: { ...env, SHELL: file } }, [], softFileLimit);
}
