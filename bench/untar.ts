/**
 * How long `untar` takes beside `tar -xf` by root followed by `sync -f`, on the same file system: 20,000 files of 500 MB.
 * The two take turns. Ours is the whole command from the built program, as a user's ssh starts it, and ends with the new
 * root in its place and on disk. Then its memory, with archives of all kinds. Needs root.
 *
 * Arguments: rounds; a directory on the file system to measure; the name of one kind of archive for the memory.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TarEntry } from '../src/tar/entry.ts';
import { END_MARKER, headerOf, padding } from '../src/tar/writer.ts';

const FILES = 20_000;
const DIRECTORIES = 2000;
const BYTES = 500e6;
const UID = '64124';
const shell = path.resolve(import.meta.dirname, '../dist/novaboot-shell');
const [rounds = '5', place = os.tmpdir(), only] = process.argv.slice(2);

const directory = fs.mkdtempSync(path.join(fs.realpathSync(place), 'novaboot-untar-'));
fs.chmodSync(directory, 0o755);
const at = (...names: string[]) => path.join(directory, ...names);
const home = at('home');
const uploads = path.join(home, 'nfsroot/alice');

const ENTRY: TarEntry = {
  name: Buffer.from('x'),
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  major: 0,
  minor: 0,
  size: 0,
  mtime: { seconds: 1_700_000_000, nanoseconds: 0 },
  link: Buffer.alloc(0),
  xattrs: new Map(),
  acl: {},
};
const NOISE = Buffer.alloc(32 * 1024 * 1024);
for (let index = 0; index < NOISE.length; index += 1)
  NOISE[index] = (Math.imul(index, 2654435761) >>> 15) & 0x3f;

class Archive {
  private readonly fd: number;

  constructor(name: string) {
    this.fd = fs.openSync(path.join(uploads, name), 'w');
  }

  add(name: string, entry: Partial<TarEntry> = {}): this {
    const whole = { ...ENTRY, ...entry, name: Buffer.from(name) };
    fs.writeSync(this.fd, headerOf(whole));
    for (let left = whole.size; left > 0; left -= NOISE.length) {
      fs.writeSync(this.fd, NOISE, (left * 7) % 4096, Math.min(left, NOISE.length - 4096));
      left += 4096;
    }
    fs.writeSync(this.fd, padding(whole.size));
    return this;
  }

  end(): void {
    fs.writeSync(this.fd, END_MARKER);
    fs.closeSync(this.fd);
  }
}

/** Sizes as in a system: many small files, few large ones. */
function makeUsual(): void {
  const weights = Array.from({ length: FILES }, (_, index) => Math.exp(((index * 7919) % 1000) / 140));
  const sum = weights.reduce((total, weight) => total + weight);
  const archive = new Archive('usual.tar').add('./', { type: 'directory', mode: 0o755 });
  for (let index = 0; index < FILES; index += 1) {
    const parent = `./usr/d${Math.floor(index / 200)}`;
    const group = `${parent}/e${Math.floor(index / (FILES / DIRECTORIES))}`;
    if (index % 200 === 0) archive.add(`${parent}/`, { type: 'directory', mode: 0o755 });
    if (index % (FILES / DIRECTORIES) === 0) archive.add(`${group}/`, { type: 'directory', mode: 0o755 });
    const uid = index % 20 === 0 ? 33 : 0;
    archive.add(`${group}/file-${index}`, { uid, size: Math.round(((weights[index] ?? 0) / sum) * BYTES) });
  }
  archive.end();
}

function sh(script: string): void {
  execFileSync('/bin/sh', ['-ec', script], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
}

const account = ['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups', '--'];

function ours(file: string): ReturnType<typeof spawn> {
  return spawn(account[0] ?? '', [...account.slice(1), shell, '-c', 'user alice'], {
    cwd: home,
    env: { HOME: home, USER: 'board', PATH: '/usr/bin:/bin', SSH_ORIGINAL_COMMAND: `untar ${file}` },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** @returns seconds */
async function timeOurs(file: string): Promise<number> {
  const start = performance.now();
  const child = ours(file);
  const said: Buffer[] = [];
  child.stderr?.on('data', (data) => said.push(data));
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`untar ${file}: ${Buffer.concat(said)}`);
  return (performance.now() - start) / 1000;
}

function timeTar(file: string): number {
  const start = performance.now();
  sh(`mkdir tar; tar -C tar -xf ${uploads}/${file}; sync -f tar`);
  return (performance.now() - start) / 1000;
}

function clean(): void {
  sh(`rm -rf tar ${uploads}/root ${uploads}/.replaced; sync -f .`);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const seconds = (values: readonly number[]) => values.map((value) => value.toFixed(2)).join(' ');

async function measureTime(): Promise<void> {
  const [untar, tar, again]: number[][] = [[], [], []];
  for (let round = 0; round < Number(rounds); round += 1) {
    clean();
    tar?.push(timeTar('usual.tar'));
    clean();
    untar?.push(await timeOurs('usual.tar'));
    again?.push(await timeOurs('usual.tar'));
  }
  clean();
  const ratio = (median(untar ?? []) / median(tar ?? [])).toFixed(2);
  console.log(`untar                      ${seconds(untar ?? [])} s`);
  console.log(`tar -xf; sync -f           ${seconds(tar ?? [])} s`);
  console.log(`ratio of medians           ${ratio} (target <= 1.5)`);
  console.log(`untar, and an old root goes ${seconds(again ?? [])} s`);
}

const KINDS: Readonly<Record<string, () => void>> = {
  'usual.tar': () => {},
  'usual.tar.gz': () => sh(`gzip -1 -k ${uploads}/usual.tar`),
  'usual.tar.zst': () => sh(`zstd -q -3 -k ${uploads}/usual.tar`),
  'usual.tar.xz': () => sh(`xz -T2 -0 -k ${uploads}/usual.tar`),
  'huge-file.tar': () => new Archive('huge-file.tar').add('file', { size: 1e9 }).end(),
  'many-entries.tar': () => {
    const archive = new Archive('many-entries.tar');
    for (let index = 0; index < 200_000; index += 1) archive.add(`d${index % 1000}/file-${index}`);
    archive.end();
  },
  'many-directories.tar': () => {
    const archive = new Archive('many-directories.tar');
    for (let index = 0; index < 100_000; index += 1) {
      archive.add(`d${index % 100}/e${index % 10_000}/f${index}`, { type: 'directory', mode: 0o755 });
    }
    archive.end();
  },
  'big-headers.tar': () => {
    const archive = new Archive('big-headers.tar');
    const value = Buffer.alloc(3000, 'x');
    for (let index = 0; index < 20_000; index += 1) {
      archive.add(`${'directory/'.repeat(300)}file-${index}`, { xattrs: new Map([['user.test', value]]) });
    }
    archive.end();
  },
};

/** VmHWM of a user's processes by name, while they run. MB */
function peaks(found: Map<string, number>): void {
  for (const pid of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const status = fs.readFileSync(`/proc/${pid}/status`, 'latin1');
      if (!new RegExp(`^Uid:\\s+${UID}\\s`, 'm').test(status)) continue;
      const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
      const name = path.basename(words.find((word) => /novaboot-root\.js$|\/xz$/.test(word)) ?? 'others');
      const peak = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
      found.set(name, Math.max(found.get(name) ?? 0, peak));
    } catch {
      // It has ended.
    }
  }
}

async function measureMemory(file: string): Promise<void> {
  clean();
  const found = new Map<string, number>();
  const start = performance.now();
  const child = ours(file);
  let isOver = false;
  const end = once(child, 'exit').then(() => {
    isOver = true;
  });
  while (!isOver) {
    peaks(found);
    await sleep(20);
  }
  await end;
  const took = ((performance.now() - start) / 1000).toFixed(1);
  const list = [...found].map(([name, peak]) => `${name} ${peak.toFixed(0)} MB`).join(', ');
  console.log(`${file.padEnd(26)} ${list} (${took} s, status ${child.exitCode})`);
}

try {
  fs.mkdirSync(uploads, { recursive: true });
  fs.writeFileSync(path.join(home, '.novaboot-nfs'), 'allowed_clients=127.0.0.1\n');
  makeUsual();
  sh(`chmod -R go= home; chown -R ${UID}:${UID} home`);
  spawnSync('sync', ['-f', directory]);
  if (Number(rounds) > 0) await measureTime();
  for (const [file, make] of Object.entries(KINDS)) {
    if (only !== undefined && file !== only) continue;
    make();
    sh(`chown ${UID} ${uploads}/${file}`);
    await measureMemory(file);
    if (file !== 'usual.tar') fs.rmSync(path.join(uploads, file));
  }
} finally {
  fs.rmSync(directory, { recursive: true });
}
