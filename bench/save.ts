/**
 * How long `root save` takes on file systems with reflink, beside `cp -a --reflink=always` by the same account: 20,000
 * files of 500 MB with owners in attributes, on loop devices. The two take turns, each with a tree of its own making;
 * ours ends with the save on disk, cp's with nothing on disk. Needs root, for the mounts only.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const FILES = 20_000;
const DIRECTORIES = 400;
const FILE_BYTES = 25_000;
const UID = '64123';
const IMAGE_BYTES = 4 * 1024 ** 3;
const MAKE = { btrfs: ['mkfs.btrfs', '-q'], xfs: ['mkfs.xfs', '-q', '-m', 'reflink=1'] } as const;
const shell = path.resolve(import.meta.dirname, '../dist/novaboot-shell');
const rounds = Number(process.argv[2] ?? 5);

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-save-'));
fs.chmodSync(directory, 0o755);
const at = (...names: string[]) => path.join(directory, ...names);

function run(file: string, ...args: string[]): void {
  execFileSync(file, args, {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Runs a program as the account. @returns seconds */
function timed(home: string, words: readonly string[], command = ''): number {
  const start = process.hrtime.bigint();
  execFileSync('setpriv', [`--reuid=${UID}`, `--regid=${UID}`, '--clear-groups', ...words], {
    cwd: home,
    env: { HOME: home, PATH: '/usr/bin:/bin', SSH_ORIGINAL_COMMAND: command },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return Number(process.hrtime.bigint() - start) / 1e9;
}

const novaboot = (home: string, command: string) => timed(home, [shell, '-c', 'user bob'], command);

/** An archive of files as they are stored. */
function makeArchive(): string {
  const tree = at('root');
  const content = Buffer.alloc(FILE_BYTES + FILES);
  for (let index = 0; index < content.length; index += 1) content[index] = (index * 2654435761) >>> 13;
  for (let index = 0; index < FILES; index += 1) {
    const name = path.join(tree, `d${index % DIRECTORIES}`);
    fs.mkdirSync(name, { recursive: true });
    fs.writeFileSync(path.join(name, `f${index}`), content.subarray(index, index + FILE_BYTES));
  }
  run('sh', '-c', `find ${tree} -type f -exec setfattr -n user.rsync.%stat -v "100644 0,0 33:44" {} +`);
  run('tar', '-C', directory, '--xattrs', '-cf', at('tree.tar'), 'root');
  fs.rmSync(tree, { recursive: true });
  return at('tree.tar');
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const seconds = (values: readonly number[]) => values.map((value) => value.toFixed(2)).join(' ');

/** A home directory with a root file system that was extracted just now. */
function extract(home: string, archive: string, onDisk: boolean): void {
  const base = path.join(home, 'nfsroot/bob');
  for (const name of ['nfsroot/bob', 'nfsroot/.saved', 'copy']) run('rm', '-rf', path.join(home, name));
  run('sync', '-f', home);
  timed(home, ['mkdir', '-m', '700', '-p', path.join(home, 'nfsroot'), base]);
  timed(home, ['tar', '-C', base, '--xattrs', '--xattrs-include=*', '-xf', archive]);
  if (onDisk) run('sync', '-f', home);
}

function measure(home: string, archive: string, onDisk: boolean): void {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    extract(home, archive, onDisk);
    ours.push(novaboot(home, 'root save a'));
    extract(home, archive, onDisk);
    theirs.push(timed(home, ['cp', '-a', '--reflink=always', '-T', 'nfsroot/bob/root', 'copy']));
  }
  const ratio = (median(ours) / median(theirs)).toFixed(2);
  const [state, target] = onDisk ? ['on disk', '< 2 s'] : ['dirty  ', 'ratio <= 1.5'];
  console.log(
    `  ${state}: root save ${seconds(ours)} s; cp ${seconds(theirs)} s; ratio of medians ${ratio} (target ${target})`,
  );
}

const archive = makeArchive();
for (const [type, make] of Object.entries(MAKE)) {
  const [image, home] = [at(`${type}.img`), at(type)];
  fs.writeFileSync(image, '');
  fs.truncateSync(image, IMAGE_BYTES);
  run(make[0], ...make.slice(1), image);
  fs.mkdirSync(home);
  run('mount', '-o', 'loop', image, home);
  try {
    run('chown', `${UID}:${UID}`, home);
    fs.writeFileSync(path.join(home, '.novaboot-nfs'), 'allowed_clients=127.0.0.1\n');
    console.log(type);
    for (const onDisk of [true, false]) measure(home, archive, onDisk);
  } finally {
    run('umount', home);
  }
}
fs.rmSync(directory, { recursive: true });
