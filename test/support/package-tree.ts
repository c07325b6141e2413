/** Our Debian package's files in a Debian of its own, where nothing of this repository is: no node_modules either. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { asRoot, CACHE, debianTree } from './debian-tree.ts';
import { packageFile } from './package-file.ts';

/** A Debian over which the given directories lie, with what changes in memory; then a command in it. */
const ENTER = `base=$1 directory=$2 user=$3; shift 3
mount -t tmpfs -o mode=755 none "$directory"
mkdir "$directory/upper" "$directory/work" "$directory/root"
mount -t overlay -o "lowerdir=$base,upperdir=$directory/upper,workdir=$directory/work" none "$directory/root"
mount --rbind /proc "$directory/root/proc"
mount --rbind /dev "$directory/root/dev"
exec chroot --userspec="$user" "$directory/root" "$@"`;

const NOBODY = '65534:65534';

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface PackageTree {
  /** What dpkg unpacks. */
  readonly directory: string;
  /** Runs a program of it in the environment, as a user whose home is /home/board. */
  run(argv: readonly string[], env?: Readonly<Record<string, string>>, input?: string): Result;
  remove(): void;
}

function runAsRoot(argv: readonly string[]): void {
  const [file = '', ...args] = [...asRoot, ...argv];
  execFileSync(file, args);
}

function enter(
  lower: readonly string[],
  user: string,
  argv: readonly string[],
  { env = {}, input = '' }: { env?: Readonly<Record<string, string>>; input?: string } = {},
): Result {
  const directory = fs.mkdtempSync(path.join(CACHE, 'tree-'));
  try {
    const words = ['unshare', '-m', 'sh', '-ec', ENTER, 'sh', lower.join(':'), directory, user];
    const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const all = [...asRoot, ...words, '/usr/bin/env', '-i', ...assignments, ...argv];
    return spawnSync(all[0] ?? '', all.slice(1), { encoding: 'utf8', input });
  } finally {
    fs.rmdirSync(directory);
  }
}

/** Runs a script of root in a fresh Debian, with files in /packages. Nothing of what it does stays. */
export function inFreshDebian(script: string, packages: Readonly<Record<string, string>>): Result {
  const files = fs.mkdtempSync(path.join(CACHE, 'files-'));
  try {
    fs.mkdirSync(path.join(files, 'packages'));
    for (const [name, file] of Object.entries(packages)) {
      fs.copyFileSync(file, path.join(files, 'packages', name));
    }
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C' };
    return enter([files, debianTree()], '0:0', ['/bin/sh', '-ec', script], { env });
  } finally {
    fs.rmSync(files, { recursive: true });
  }
}

/** @param home what is in /home/board */
export function unpackPackage(home: Readonly<Record<string, string>> = {}): PackageTree {
  const base = debianTree();
  const directory = fs.mkdtempSync(path.join(CACHE, 'package-'));
  execFileSync('dpkg-deb', ['-x', packageFile(), directory]);
  fs.chmodSync(directory, 0o755);
  const board = path.join(directory, 'home/board');
  fs.mkdirSync(board, { recursive: true });
  for (const [name, text] of Object.entries(home)) fs.writeFileSync(path.join(board, name), text);
  runAsRoot(['chown', '-R', NOBODY, board]);
  return {
    directory,
    run: (argv, env = {}, input = '') =>
      enter([directory, base], NOBODY, argv, { env: { HOME: '/home/board', ...env }, input }),
    remove: () => runAsRoot(['rm', '-rf', directory]),
  };
}
