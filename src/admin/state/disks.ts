/** The file systems that boards are on, and what boards take there. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { CommandError } from '../../shell/errors.ts';

export interface FileSystem {
  /** Where it is mounted. */
  readonly mountPoint: string;
  readonly bytes: number;
  /** For users other than root. */
  readonly freeBytes: number;
  readonly files: number;
  readonly freeFiles: number;
}

/** The topmost directory of the same file system. */
function mountPointOf(directory: string): string {
  const { dev } = fs.statSync(directory);
  let top = directory;
  while (top !== '/' && fs.statSync(path.dirname(top)).dev === dev) top = path.dirname(top);
  return top;
}

/** Each once. @param directories those that are missing are passed over */
export function fileSystemsOf(directories: readonly string[]): FileSystem[] {
  const found = new Set<string>();
  for (const directory of directories) {
    try {
      found.add(mountPointOf(fs.realpathSync(directory)));
    } catch {
      // Its board has a problem of its own.
    }
  }
  return [...found].sort().map((mountPoint) => {
    const { bsize, blocks, bavail, files, ffree } = fs.statfsSync(mountPoint);
    return { mountPoint, bytes: blocks * bsize, freeBytes: bavail * bsize, files, freeFiles: ffree };
  });
}

/**
 * What each directory takes on disk, in bytes, by one walk of du(1), which follows no links and stays on the file system.
 *
 * @param directories absolute
 */
export function diskUsage(directories: readonly string[]): ReadonlyMap<string, number> {
  const { stdout, error } = spawnSync('du', ['-sx0', '--block-size=1', '--files0-from=-'], {
    input: directories.map((directory) => `${directory}\0`).join(''),
    // What vanishes meanwhile is no error.
    stdio: ['pipe', 'pipe', 'ignore'],
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
  if (error) throw new CommandError(`du: ${error.message}`, undefined, { cause: error });
  const sizes = stdout.split('\0').flatMap((line) => {
    const [bytes = '', ...name] = line.split('\t');
    return name.length > 0 ? [[name.join('\t'), Number(bytes)] as const] : [];
  });
  return new Map(sizes);
}
