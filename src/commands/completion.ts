/** Prints a script by which the user's shell completes what stands behind `ssh BOARD`. */
import os from 'node:os';
import { usage } from '../shell/arguments.ts';
import type { CommandTable, Session } from '../shell/command.ts';
import type { Host } from '../shell/completion/board.ts';
import { boardCompletion, isShell, type Shell } from '../shell/completion/shells.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { writeOut } from '../shell/output.ts';
import { printable } from '../shell/text.ts';

/** What ssh(1) takes: an alias, a name, an address, with a user or without. It goes into a script. */
const HOST = /^[A-Za-z0-9_][A-Za-z0-9_.@:-]{0,255}$/;

const INSTALL: Readonly<Record<Shell, string>> = {
  bash: 'ssh BOARD completion bash >>~/.bashrc',
  zsh: 'ssh BOARD completion zsh >>~/.zshrc (behind compinit)',
  fish: 'ssh BOARD completion fish >~/.config/fish/conf.d/BOARD.fish',
};

/** The client knows the board by a name of its own, which is most likely the account's. */
function hostsOf(words: readonly string[]): [Host, ...Host[]] {
  const [first = os.userInfo().username, ...others] = words;
  for (const word of [first, ...others]) {
    if (!HOST.test(word)) {
      throw new CommandError(
        `completion: ${printable(word)} is no name of a host for ssh; say how you call the board behind ssh: completion SHELL HOST`,
        ExitCode.usage,
      );
    }
  }
  const hosts = others.map((text) => ({ text, isStart: false }));
  const account = words.length === 0 ? [{ text: `${first}@`, isStart: true }] : [];
  return [{ text: first, isStart: false }, ...hosts, ...account];
}

export function run({ admin }: Session, args: readonly string[], table: CommandTable): void {
  const [shell = '', ...words] = args;
  if (!isShell(shell)) throw usage('completion', table);
  const hosts = hostsOf(words);
  const [{ text: name }] = hosts;
  const known = table.filter((command) => admin || !command.admin);
  const title = hosts.map(({ text, isStart }) => text + (isStart ? '...' : '')).join(', ');
  writeOut(`# Completes the commands of the board behind ssh, for ${title}: ${INSTALL[shell]}
${boardCompletion(shell, { name, hosts }, known)}`);
}
