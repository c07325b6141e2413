/** bin/novaboot-root.ts: work on root file systems in a process of its own, behind or beside another program. */
import path from 'node:path';
import type { Program } from '../system/process.ts';
import type { Session } from './command.ts';
import { withHiddenLocale } from './environment.ts';

/** @param options of Node's */
export function rootProgram(
  words: readonly string[],
  session: Session,
  options: readonly string[] = [],
): Program {
  const own = process.argv[1] ?? '';
  const script = path.join(path.dirname(own), `novaboot-root${path.extname(own)}`);
  const args = ['novaboot-root', ...options, script, ...words];
  return { file: process.execPath, args, env: withHiddenLocale(session.env) };
}
