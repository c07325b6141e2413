/**
 * All that a tree of files holds, read by means of the kernel and getfattr(1) alone, for a strict comparison of two
 * trees. As a program (as root: `node tree-listing.ts DIRECTORY`) it prints a listing.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** What two copies of a file have in common. */
export interface Entry {
  /** File type and 12 bits, octal. */
  readonly mode: string;
  readonly owner: string;
  /** Of devices. */
  readonly device?: string;
  /** Of regular files. */
  readonly size?: string;
  readonly content?: string;
  /** Of symbolic links; bytes as latin1. */
  readonly target?: string;
  /** Nanoseconds since 1970. */
  readonly mtime: string;
  /** Other names of the same file. */
  readonly links: readonly string[];
  /** Extended attributes with ACLs and capabilities, in hex. */
  readonly attributes: readonly string[];
  /** Of regular files: KiB on disk. */
  readonly allocated?: number;
}

/** By path, bytes as latin1; the tree itself is ''. */
export type Listing = Readonly<Record<string, Entry>>;

const TYPES = { regular: 0o100000n, link: 0o120000n, character: 0o020000n, block: 0o060000n } as const;
const MAX_OUTPUT = 1 << 28;

/** Reads a file in pieces: holes of a sparse one are not held in memory. */
function hashOf(file: Buffer): string {
  const hash = createHash('sha256');
  const fd = fs.openSync(file, 'r');
  const piece = Buffer.allocUnsafe(1 << 20);
  for (;;) {
    const count = fs.readSync(fd, piece);
    if (count === 0) break;
    hash.update(piece.subarray(0, count));
  }
  fs.closeSync(fd);
  return hash.digest('hex');
}

/** makedev(3) of the GNU C library */
function deviceOf(device: bigint): string {
  const major = ((device >> 32n) & 0xfffff000n) | ((device >> 8n) & 0xfffn);
  const minor = ((device >> 12n) & 0xffffff00n) | (device & 0xffn);
  return `${major},${minor}`;
}

/** getfattr(1) prints "# file: PATH" and NAME=VALUE lines, with \OOO for odd bytes. */
function attributesOf(directory: string): Map<string, string[]> {
  const argv = ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '.'];
  const output = execFileSync('getfattr', argv, {
    cwd: directory,
    encoding: 'latin1',
    maxBuffer: MAX_OUTPUT,
  });
  const found = new Map<string, string[]>();
  for (const block of output.split('\n\n').filter((text) => text !== '')) {
    const [header = '', ...lines] = block
      .split('\n')
      .map((line) =>
        line.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
      );
    found.set(header.replace(/^# file: (\.\/?)?/, ''), lines.sort());
  }
  return found;
}

export function listTree(directory: string): Listing {
  const attributes = attributesOf(directory);
  const entries: Record<string, Entry> = {};
  const names = new Map<bigint, string[]>();
  const visit = (name: string) => {
    const file = Buffer.from(path.join(directory, name), 'latin1');
    const stat = fs.lstatSync(file, { bigint: true });
    const type = stat.mode & 0o170000n;
    const links = names.get(stat.ino) ?? [];
    names.set(stat.ino, links);
    if (!stat.isDirectory()) links.push(name);
    entries[name] = {
      mode: stat.mode.toString(8),
      owner: `${stat.uid}:${stat.gid}`,
      ...(type === TYPES.character || type === TYPES.block ? { device: deviceOf(stat.rdev) } : {}),
      ...(type === TYPES.regular
        ? { size: String(stat.size), content: hashOf(file), allocated: Number(stat.blocks) / 2 }
        : {}),
      ...(type === TYPES.link ? { target: fs.readlinkSync(file, 'latin1') } : {}),
      mtime: String(stat.mtimeNs),
      links,
      attributes: attributes.get(name) ?? [],
    };
    if (!stat.isDirectory()) return;
    for (const child of fs.readdirSync(file, 'latin1').sort())
      visit(name === '' ? child : `${name}/${child}`);
  };
  visit('');
  return entries;
}

/** How much more of a disk a copy of a sparse file may take, KiB. */
const MORE_ALLOCATED = 1024;

function changedFields(from: Entry, to: Entry): string[] {
  const fields = [
    'mode',
    'owner',
    'device',
    'size',
    'content',
    'target',
    'mtime',
    'links',
    'attributes',
  ] as const;
  const changed: string[] = fields.filter(
    (field) => JSON.stringify(from[field]) !== JSON.stringify(to[field]),
  );
  if ((to.allocated ?? 0) > (from.allocated ?? 0) + MORE_ALLOCATED) changed.push('allocated');
  return changed;
}

/** In what the second tree differs, by path: "new", "missing", or the fields that differ. */
export function compareTrees(from: Listing, to: Listing): Record<string, string> {
  const differences: Record<string, string> = {};
  for (const name of [...new Set([...Object.keys(from), ...Object.keys(to)])].sort()) {
    const [before, after] = [from[name], to[name]];
    const changed =
      before === undefined ? ['new'] : after === undefined ? ['missing'] : changedFields(before, after);
    if (changed.length > 0) differences[name] = changed.join(' ');
  }
  return differences;
}

/** @param asRoot a program before the command that makes it root's, or none */
export function listTreeAsRoot(asRoot: readonly string[], directory: string): Listing {
  const [file = '', ...args] = [...asRoot, process.execPath, import.meta.filename, directory];
  return JSON.parse(execFileSync(file, args, { encoding: 'utf8', maxBuffer: MAX_OUTPUT }));
}

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(JSON.stringify(listTree(process.argv[2] ?? '.')));
}
