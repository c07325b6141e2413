/** Where and as whom a request runs. */
import fs from 'node:fs';
import os from 'node:os';
import type { Session } from './command.ts';
import { configPath } from './config.ts';
import { commandEnvironment } from './environment.ts';
import { CommandError, ExitCode } from './errors.ts';

/** The lock's place when there is no home: only a directory that is ours alone. */
function fallbackDirectory(): string {
  const directory = `/tmp/novaboot-shell@${os.userInfo().username}`;
  try {
    fs.mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const stat = fs.lstatSync(directory);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o777) !== 0o700) {
    throw new CommandError(`The home directory is missing, and ${directory} does not belong to us alone`);
  }
  return directory;
}

function isDirectory(home: string): boolean {
  try {
    return fs.statSync(home, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (error) {
    const message = `Cannot use the home directory ${home}: ${(error as Error).message}`;
    throw new CommandError(message, ExitCode.configuration, { cause: error });
  }
}

/** Node raises the limit of open files, so the wrapper tells what it was. */
export function softFileLimit(env: NodeJS.ProcessEnv): bigint | undefined {
  const text = env.NOVABOOT_NOFILE;
  return text !== undefined && /^\d{1,10}$/.test(text) ? BigInt(text) : undefined;
}

/** @param parent the process that sshd gave the connection */
export function openSession(
  { user, admin }: Pick<Session, 'user' | 'admin'>,
  env: NodeJS.ProcessEnv,
  parent: number,
): Session {
  const home = env.HOME ?? os.userInfo().homedir;
  const isThere = isDirectory(home);
  return {
    user,
    admin,
    home,
    parent,
    softFileLimit: softFileLimit(env),
    lockDirectory: isThere ? home : fallbackDirectory(),
    configPath: configPath(env, home),
    env: commandEnvironment(env, user, parent),
  };
}
