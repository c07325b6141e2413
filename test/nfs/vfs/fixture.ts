/** A VFS on a real temporary directory, and what its tests ask again and again. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PutOff } from '../../../src/nfs/put-off.ts';
import type { Credentials } from '../../../src/nfs/vfs/attributes.ts';
import { type Inode, type ReadResult, Vfs } from '../../../src/nfs/vfs/vfs.ts';
import type { VolumeOptions } from '../../../src/nfs/vfs/volume.ts';

export const ROOT: Credentials = { uid: 0, gid: 0, groups: [] };
export const ALICE: Credentials = { uid: 1000, gid: 1000, groups: [50] };
export const BOB: Credentials = { uid: 2000, gid: 2000, groups: [] };

/** A caller in the groups given. */
export function user(uid: number, gid: number, ...groups: number[]): Credentials {
  return { uid, gid, groups };
}

export function bytes(name: string | Buffer): Buffer {
  return Buffer.from(name as string);
}

export interface Place {
  /** Above the base: for canaries. */
  readonly top: string;
  readonly base: string;
  readonly vfs: Vfs;
  path(...names: string[]): string;
  /** Stops the VFS and starts another one on the same directory. */
  restart(options?: Partial<VolumeOptions>): void;
  remove(): void;
}

export function makePlace(options: Partial<VolumeOptions> = {}, parent = os.tmpdir()): Place {
  const top = fs.mkdtempSync(path.join(parent, 'vfs-'));
  const base = path.join(top, 'base');
  fs.mkdirSync(base, { mode: 0o700 });
  const open = (more: Partial<VolumeOptions>) =>
    Vfs.open({
      exportPath: base,
      base,
      ownership: 'xattr',
      unattributed: { uid: 0, gid: 0 },
      sync: false,
      ...options,
      ...more,
    });
  let vfs = open({});
  return {
    top,
    base,
    get vfs() {
      vfs.begin();
      return vfs;
    },
    path: (...names) => path.join(base, ...names),
    restart(more = {}) {
      vfs.close();
      vfs = open(more);
    },
    remove() {
      vfs.close();
      // Deeper trees than Node's own removal can take.
      execFileSync('rm', ['-rf', top]);
    },
  };
}

/** Runs a call as the dispatcher does: again after what it waits for. Fails when it waits for ever. */
export async function patiently<T>(call: () => T | Promise<T>): Promise<T> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof PutOff)) throw error;
      await error.until;
    }
  }
  throw new Error('put off again and again');
}

/** The code of the error that a call throws. */
export async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    if (error instanceof PutOff) return 'PutOff';
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return code;
  }
  return 'ok';
}

/** The inode at the end of a path below the export. */
export function at(vfs: Vfs, below: string): Inode {
  let inode = vfs.root;
  for (const name of below.split('/').filter((part) => part !== '')) {
    inode = vfs.lookup(ROOT, inode, bytes(name));
  }
  return inode;
}

/** Makes a file with content and says who owns it. */
export async function put(
  vfs: Vfs,
  directory: Inode,
  name: string,
  { mode = 0o644, uid = 0, gid = 0, content = '' } = {},
): Promise<Inode> {
  const inode = await vfs.create(ROOT, directory, bytes(name), {
    mode: 'guarded',
    changes: { mode, uid, gid },
  });
  if (content !== '') await vfs.write(ROOT, inode, 0, bytes(content), 0);
  vfs.begin();
  return inode;
}

/** A copy of what a READ answers with. */
export function bytesOf({ data }: ReadResult): Buffer {
  return Buffer.from(data);
}

/** The begin of a file. */
export async function readAll(vfs: Vfs, inode: Inode, who = ROOT): Promise<string> {
  return bytesOf(await vfs.read(who, inode, 0, 65_536)).toString('latin1');
}

/** All entries from a cookie on, `.` and `..` included. */
export function list(
  vfs: Vfs,
  directory: Inode,
  cookie = 0n,
  most = Number.POSITIVE_INFINITY,
): { name: string; cookie: bigint; fileid: number }[] {
  const found: { name: string; cookie: bigint; fileid: number }[] = [];
  const entries = vfs.readdir(ROOT, directory, cookie);
  while (found.length < most) {
    const entry = entries.next();
    if (entry === undefined) break;
    found.push({ name: entry.name.toString('latin1'), cookie: entry.cookie, fileid: entry.fileid });
  }
  return found;
}

export function names(vfs: Vfs, directory: Inode): string[] {
  return list(vfs, directory)
    .map(({ name }) => name)
    .filter((name) => name !== '.' && name !== '..')
    .sort();
}

/** Runs a program that the tests need. @throws Error that says which one is missing */
export function run(file: string, ...args: string[]): string {
  try {
    return execFileSync(file, args, { encoding: 'latin1', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error(`this test needs ${file}`);
    throw error;
  }
}

/** How many descriptors this process has. */
export function openDescriptors(): string[] {
  return fs.readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${fs.readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return [];
    }
  });
}

const asRoot = process.getuid?.() === 0;

/** Words before a command that is to run as root. */
export const SUDO: readonly string[] = asRoot ? [] : ['sudo', '-n'];
