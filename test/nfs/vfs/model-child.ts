/**
 * Random operations by several users on the VFS and, with the users' real identities, on the real file system beside
 * it. Runs as root. Prints what differed, one line each; nothing when all was the same.
 *
 * Arguments: a number to begin with, how many operations.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Changes, Credentials } from '../../../src/nfs/vfs/attributes.ts';
import type { Vfs } from '../../../src/nfs/vfs/vfs.ts';
import { defineRaw } from '../../../src/system/libc.ts';
import { ALICE, at, BOB, bytes, codeOf, makePlace, ROOT, user } from './fixture.ts';

const mknod = defineRaw<[path: string, mode: number, device: number]>(
  'int mknod(const char *path, unsigned int mode, uint64_t dev)',
);
const CAROL = user(3000, 50, 1000);
const CALLERS = [ROOT, ALICE, ALICE, BOB, CAROL];
const IDS = [0, 50, 1000, 2000, 3000];
const MODES = [0o644, 0o755, 0o700, 0o777, 0o1777, 0o2775, 0o4711, 0o6750, 0o000, 0o070, 0o007, 0o2644];
const NAMES = ['a', 'b', 'c', 'd'];
// Whoever walks through it, or lists it, learns that it is no directory: as a client that takes names one by one.
const TARGET = bytes('/dev/null');
const S_IFIFO = 0o010000;
const ERRNO: Record<number, string> = { 1: 'EPERM', 2: 'ENOENT', 13: 'EACCES', 17: 'EEXIST', 20: 'ENOTDIR' };

let state = Number(process.argv[2]) >>> 0;
/** A number below `limit` (mulberry32). */
function random(limit: number): number {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
}

function pick<T>(choices: readonly T[]): T {
  return choices[random(choices.length)] as T;
}

/** Of up to three names below the root; a directory where there is one. */
function somewhere(): string {
  return Array.from({ length: random(3) }, () => pick(NAMES)).join('/');
}

/** Runs a call with a user's real identity. */
async function as({ uid, gid, groups }: Credentials, call: () => unknown): Promise<string> {
  process.setgroups?.([...groups]);
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    return await codeOf(call);
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.([]);
  }
}

const eaccess = defineRaw<[path: string, mode: number]>('int eaccess(const char *path, int mode)');
const W_OK_X_OK = 3;

/** An NFS server refuses for the directory's sake before it looks at the entry. */
function writable(directory: string): void {
  if (!fs.lstatSync(directory).isDirectory())
    throw Object.assign(new Error('no directory'), { code: 'ENOTDIR' });
  raw(eaccess(directory, W_OK_X_OK));
}

function raw(result: number): void {
  if (result < 0) throw Object.assign(new Error('mknod'), { code: ERRNO[-result] ?? String(result) });
}

interface Step {
  readonly text: string;
  ours(vfs: Vfs): unknown;
  real(): unknown;
}

const place = makePlace();
const realTree = path.join(place.top, 'real');
fs.chmodSync(place.top, 0o755);
for (const directory of [place.base, realTree]) {
  fs.mkdirSync(directory, { recursive: true });
  fs.chmodSync(directory, 0o777);
}

const real = (...parts: string[]) => path.join(realTree, ...parts);

/** Walks down with the caller's rights, as a client does. */
function down(vfs: Vfs, caller: Credentials, below: string) {
  let inode = vfs.root;
  for (const name of below.split('/').filter((part) => part !== '')) {
    vfs.begin();
    inode = vfs.lookup(caller, inode, bytes(name));
  }
  vfs.begin();
  return inode;
}

function changesOfOwner(): Changes {
  const kind = random(3);
  return {
    mode: kind === 0 ? pick(MODES) : undefined,
    uid: kind === 1 ? pick(IDS) : undefined,
    gid: kind === 2 ? pick(IDS) : undefined,
  };
}

const STEPS: readonly ((caller: Credentials) => Step)[] = [
  (caller) => {
    const [directory, name, mode] = [somewhere(), pick(NAMES), pick(MODES)];
    return {
      text: `create ${directory}/${name} ${mode.toString(8)}`,
      ours: (vfs) =>
        vfs.create(caller, down(vfs, caller, directory), bytes(name), { mode: 'guarded', changes: { mode } }),
      real: () => fs.closeSync(fs.openSync(real(directory, name), 'wx', mode)),
    };
  },
  (caller) => {
    const [directory, name, mode] = [somewhere(), pick(NAMES), pick(MODES)];
    return {
      text: `mkdir ${directory}/${name} ${mode.toString(8)}`,
      ours: (vfs) => vfs.mkdir(caller, down(vfs, caller, directory), bytes(name), { mode }),
      real: () => fs.mkdirSync(real(directory, name), mode),
    };
  },
  (caller) => {
    const [directory, name] = [somewhere(), pick(NAMES)];
    return {
      text: `symlink ${directory}/${name}`,
      ours: (vfs) => vfs.symlink(caller, down(vfs, caller, directory), bytes(name), {}, TARGET),
      real: () => fs.symlinkSync('/dev/null', real(directory, name)),
    };
  },
  (caller) => {
    const [directory, name, mode] = [somewhere(), pick(NAMES), pick(MODES)];
    return {
      text: `mkfifo ${directory}/${name}`,
      ours: (vfs) => vfs.mknod(caller, down(vfs, caller, directory), bytes(name), 7, { mode }, 0, 0),
      real: () => raw(mknod(real(directory, name), S_IFIFO | mode, 0)),
    };
  },
  (caller) => {
    const [directory, name] = [somewhere(), pick(NAMES)];
    return {
      text: `remove ${directory}/${name}`,
      ours: (vfs) => vfs.remove(caller, down(vfs, caller, directory), bytes(name)),
      real: () => {
        writable(real(directory));
        fs.unlinkSync(real(directory, name));
      },
    };
  },
  (caller) => {
    const [directory, name] = [somewhere(), pick(NAMES)];
    return {
      text: `rmdir ${directory}/${name}`,
      ours: (vfs) => vfs.rmdir(caller, down(vfs, caller, directory), bytes(name)),
      real: () => {
        writable(real(directory));
        fs.rmdirSync(real(directory, name));
      },
    };
  },
  (caller) => {
    const [from, fromName, to, toName] = [somewhere(), pick(NAMES), somewhere(), pick(NAMES)];
    return {
      text: `rename ${from}/${fromName} ${to}/${toName}`,
      ours: (vfs) => {
        const [fromDirectory, toDirectory] = [down(vfs, caller, from), down(vfs, caller, to)];
        return vfs.rename(caller, fromDirectory, bytes(fromName), toDirectory, bytes(toName));
      },
      real: () => {
        fs.lstatSync(real(from));
        fs.lstatSync(real(to));
        writable(real(from));
        writable(real(to));
        fs.renameSync(real(from, fromName), real(to, toName));
      },
    };
  },
  () => {
    // Links by root: others are held back by a setting of the kernel that no NFS server has.
    const [from, fromName, to, toName] = [somewhere(), pick(NAMES), somewhere(), pick(NAMES)];
    return {
      text: `link ${from}/${fromName} ${to}/${toName}`,
      ours: (vfs) => {
        const source = down(vfs, ROOT, `${from}/${fromName}`);
        return vfs.link(ROOT, source, down(vfs, ROOT, to), bytes(toName));
      },
      real: () => {
        const stat = fs.lstatSync(real(from, fromName));
        fs.lstatSync(real(to));
        // RFC 1813 §3.3.15 has a word of its own for it.
        if (stat.isDirectory()) throw Object.assign(new Error('link'), { code: 'EISDIR' });
        fs.linkSync(real(from, fromName), real(to, toName));
      },
    };
  },
  (caller) => {
    const [where, changes] = [`${somewhere()}/${pick(NAMES)}`, changesOfOwner()];
    const { mode, uid, gid } = changes;
    return {
      text: `setattr ${where} ${JSON.stringify(changes)}`,
      ours: (vfs) => {
        const inode = down(vfs, caller, where);
        // No kernel changes the mode of a symbolic link.
        if (mode === undefined || vfs.attributes(inode).type !== 5) void vfs.setattr(caller, inode, changes);
      },
      real: () => {
        if (mode === undefined) fs.lchownSync(real(where), uid ?? -1, gid ?? -1);
        else if (!fs.lstatSync(real(where)).isSymbolicLink()) fs.chmodSync(real(where), mode);
      },
    };
  },
  (caller) => {
    const [where, size] = [`${somewhere()}/${pick(NAMES)}`, random(10_000)];
    const isRegular = () => fs.lstatSync(real(where), { throwIfNoEntry: false })?.isFile() === true;
    return {
      text: `truncate ${where} ${size}`,
      ours: (vfs) => {
        const inode = down(vfs, caller, where);
        if (vfs.attributes(inode).type !== 1) return;
        // The owner of an open file may write whatever its mode: what truncate(2) by name has no share in.
        if ((vfs.access(caller, inode, 4) & 4) === 0) throw Object.assign(new Error(), { code: 'EACCES' });
        return vfs.setattr(caller, inode, { size });
      },
      real: () => (fs.lstatSync(real(where)) && isRegular() ? fs.truncateSync(real(where), size) : undefined),
    };
  },
  (caller) => {
    const where = `${somewhere()}/${pick(NAMES)}`;
    return {
      text: `touch ${where}`,
      ours: (vfs) => vfs.setattr(caller, down(vfs, caller, where), { atime: 'now', mtime: 'now' }),
      real: () => raw(touch(real(where))),
    };
  },
  (caller) => {
    const where = somewhere();
    return {
      text: `readdir ${where}`,
      ours: (vfs) => vfs.readdir(caller, down(vfs, caller, where), 0n).next(),
      real: () => fs.readdirSync(real(where)),
    };
  },
];

const utimensat = defineRaw<[dirFd: number, path: string, times: null, flags: number]>(
  'int utimensat(int dirfd, const char *path, void *times, int flags)',
);
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;

function touch(name: string): number {
  return utimensat(AT_FDCWD, name, null, AT_SYMLINK_NOFOLLOW);
}

const TYPES = new Map([
  [0o100000, 1],
  [0o040000, 2],
  [0o120000, 5],
  [0o010000, 7],
]);

/** Both trees, an entry a line. */
function compare(below: string, lines: string[]): void {
  const { vfs } = place;
  const directory = at(vfs, below);
  const ours: string[] = [];
  const entries = vfs.readdir(ROOT, directory, 0n);
  for (let entry = entries.next(); entry !== undefined; entry = entries.next()) {
    ours.push(entry.name.toString('latin1'));
  }
  const found = ours.filter((name) => !name.startsWith('.')).sort();
  const theirs = fs.readdirSync(real(below)).sort();
  if (found.join() !== theirs.join()) lines.push(`${below}: ${found} instead of ${theirs}`);
  for (const name of theirs.filter((entry) => found.includes(entry))) {
    const where = `${below}/${name}`;
    const { type, mode, uid, gid, size, nlink } = place.vfs.attributes(at(place.vfs, where));
    const stat = fs.lstatSync(real(where));
    const isDirectory = stat.isDirectory();
    const sizes = isDirectory ? [0, 0] : [size, stat.size];
    const a = [type, mode.toString(8), uid, gid, sizes[0], nlink].join(' ');
    const format = TYPES.get(stat.mode & 0o170000);
    const b = [format, (stat.mode & 0o7777).toString(8), stat.uid, stat.gid, sizes[1], stat.nlink].join(' ');
    if (a !== b) lines.push(`${where}: ${a} instead of ${b}`);
    if (isDirectory) compare(where, lines);
  }
}

/** A directory into itself, by somebody who may not move it at all: the kernel looks at the former first. */
function isOtherOrder(text: string, ours: string, theirs: string): boolean {
  return (
    text.startsWith('rename') && /^(EPERM|EACCES|ENOTDIR)$/.test(ours) && /^(EINVAL|ENOTEMPTY)$/.test(theirs)
  );
}

const lines: string[] = [];
const recent: string[] = [];
let done = 0;
const outcomes = new Map<string, number>();
for (let index = 0; index < Number(process.argv[3]) && lines.length === 0; index += 1) {
  const caller = pick(CALLERS);
  const step = pick(STEPS)(caller);
  const theirs = await as(step.text.startsWith('link') ? ROOT : caller, () => step.real());
  const ours = await codeOf(() => step.ours(place.vfs));
  recent.push(`${caller.uid}: ${step.text}: ${theirs}`);
  done += ours === 'ok' ? 1 : 0;
  outcomes.set(ours, (outcomes.get(ours) ?? 0) + 1);
  if (ours !== theirs && !isOtherOrder(step.text, ours, theirs))
    lines.push(`operation ${index} by ${caller.uid}, ${step.text}: ${ours} instead of ${theirs}`);
  if (index % 20 === 0 || lines.length > 0) compare('', lines);
  if (index % 500 === 499) place.restart();
}
if (lines.length > 0) console.log([...recent.slice(-12), ...lines].join('\n'));
console.error(`${done} succeeded; ${JSON.stringify(Object.fromEntries(outcomes))}`);
place.remove();
