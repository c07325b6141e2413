/** What a user of the demo types into a shell: lines that the greeting prints, and that --boot runs. */
import { basename, join, relative } from 'node:path';
import { type State, shellWord } from '../state.ts';

/** What a board needs to run Linux, as files on the user's side. */
export interface BootFiles {
  readonly kernel: string;
  readonly ramdisk: string;
  /** The root file system, as a tar archive. */
  readonly root: string;
}

/** The shorter of the absolute path and the one from here. */
export function fromHere(file: string): string {
  const path = relative(process.cwd(), file);
  return shellWord(path.startsWith('..') ? file : path);
}

/** The words before a user's name. Each such command has a connection of its own. */
export function sshCommand(state: State): string {
  return `ssh -F ${fromHere(state.sshConfig)}`;
}

export function getConfig(state: State, user: string): string {
  return `${sshCommand(state)} ${user} get-config`;
}

/** The same over the connection of sharedConsole(), if there is one. */
function sharedSshCommand(state: State): string {
  return `${sshCommand(state)} -S ${fromHere(join(state.directory, 'ctl'))}`;
}

/** @param terminal ssh's option for a terminal on the server: `-t`, or `-tt` where there is none here */
export function sharedConsole(state: State, user: string, terminal: '-t' | '-tt'): string {
  return `${sharedSshCommand(state)} ${terminal} -M ${user} console`;
}

export function resetCommand(state: State, user: string): string {
  return `${sharedSshCommand(state)} ${user} reset`;
}

/** Brings the root file system to the server, as a whole. */
export function rootUpload(state: State, user: string, { root }: BootFiles): string {
  return `${sharedSshCommand(state)} ${user} untar - < ${fromHere(root)}`;
}

/** Brings kernel and ramdisk to where the board can load them. */
export function bootUpload(state: State, user: string, { kernel, ramdisk }: BootFiles): string {
  const rsh = shellWord(sharedSshCommand(state));
  return `rsync -L --rsh=${rsh} ${fromHere(kernel)} ${fromHere(ramdisk)} ${user}:`;
}

/** What the board has to ask for. */
export function uploadedName(file: string): string {
  return basename(file);
}
