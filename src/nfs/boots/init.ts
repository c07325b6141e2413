/** Which program the kernel of a board runs first: its own search, in the root file system that it has mounted. */
import { FileType } from '../../rootfs/file-type.ts';
import { FileError } from '../../system/file-error.ts';
import { PutOff } from '../put-off.ts';
import type { Inode, Vfs } from '../vfs/vfs.ts';

/** In the order of Linux, without init= (init/main.c). */
const NAMES = ['/sbin/init', '/etc/init', '/bin/init', '/bin/sh'];
/** Names on the way to one, with those of links, and still to be followed; and links, as Linux has it. */
const MAX_STEPS = 256;
const MAX_LINKS = 40;
const SUPERUSER = { uid: 0, gid: 0, groups: [] };
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);

export interface Init {
  /** As the kernel calls it. */
  readonly name: string;
  /** Inode number of the file, behind all links. */
  readonly ino: number;
}

/** @returns null for none, undefined if that cannot be told just now */
export function findInit(vfs: Vfs, root: Inode): Init | null | undefined {
  try {
    for (const name of NAMES) {
      const file = find(vfs, root, name);
      if (file && vfs.attributes(file).type === FileType.regular) return { name, ino: file.ino };
    }
    return null;
  } catch (error) {
    if (error instanceof FileError || error instanceof PutOff) return undefined;
    throw error;
  }
}

/** Follows links, and never leaves the root. @throws FileError, PutOff */
function find(vfs: Vfs, root: Inode, name: string): Inode | undefined {
  const way = [root];
  let rest = componentsOf(name);
  let links = 0;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const [component, ...more] = rest;
    const directory = way.at(-1) ?? root;
    if (component === undefined) return directory;
    rest = more;
    if (component === '..') {
      if (way.length > 1) way.pop();
      continue;
    }
    const found = entry(vfs, directory, component);
    if (found === undefined) return undefined;
    if (vfs.attributes(found).type !== FileType.symlink) {
      way.push(found);
      continue;
    }
    const target = vfs.readlink(SUPERUSER, found).toString('latin1');
    if (target.startsWith('/')) way.length = 1;
    rest = [...componentsOf(target), ...rest];
    links += 1;
    // Whoever made the links may want us to be busy with them.
    if (links > MAX_LINKS || rest.length > MAX_STEPS) return undefined;
  }
  return undefined;
}

function componentsOf(name: string): string[] {
  return name.split('/').filter((component) => component !== '' && component !== '.');
}

function entry(vfs: Vfs, directory: Inode, name: string): Inode | undefined {
  try {
    return vfs.lookup(SUPERUSER, directory, Buffer.from(name, 'latin1'));
  } catch (error) {
    if (error instanceof FileError && ABSENT.has(error.code)) return undefined;
    throw error;
  }
}
