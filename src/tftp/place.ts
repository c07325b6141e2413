/** Where a tree really is: design.md 7a. */
import fs from 'node:fs';
import path from 'node:path';

/** As the kernel has it. */
const MAX_LINKS = 40;
const { W_OK, X_OK } = fs.constants;

export interface Place {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** Changes when another directory takes its place. */
  readonly identity: string;
}

const componentsOf = (name: string) => name.split('/').filter((component) => component !== '');

function isTrusted(owner: number): boolean {
  return owner === 0 || owner === process.getuid?.();
}

/**
 * Follows the links of whoever may decide where a tree is: root's and our own anywhere, somebody else's within the
 * directory that the link is in, so that an account can move its tree in its home and nowhere else.
 *
 * @throws Error that says what is wrong; that of a system call has `code`
 */
function resolve(name: string): string {
  let found = '/';
  let rest = componentsOf(name);
  const fences: string[] = [];
  for (let links = 0; rest.length > 0; ) {
    const [component = '', ...more] = rest;
    rest = more;
    if (component === '.') continue;
    // Without links on the way, "..", too, is where it seems to be.
    const next = path.join(found, component);
    const stat = fs.lstatSync(next);
    if (!stat.isSymbolicLink()) {
      found = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new Error('too many symbolic links');
    if (!isTrusted(stat.uid)) fences.push(found);
    const target = fs.readlinkSync(next);
    rest = [...componentsOf(target), ...rest];
    if (target.startsWith('/')) found = '/';
  }
  if (fences.some((fence) => !found.startsWith(`${fence}/`))) {
    throw new Error('a symbolic link on the way must belong to root, or lead to its own directory');
  }
  return found;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such directory',
  ENOTDIR: 'not a directory',
  EACCES: 'not accessible for this account',
  EROFS: 'on a read-only file system',
};

/** @throws Error that says why nothing can be served from there */
export function findPlace(name: string): Place {
  return find(name, () => {});
}

/**
 * @param trees what is served
 * @throws Error that says why the boards' journals cannot be there
 */
export function findJournalPlace(name: string, trees: readonly string[]): Place {
  return find(name, (found, { uid, mode }) => {
    const tree = trees.find((each) => `${found}/`.startsWith(`${each}/`));
    if (tree !== undefined) throw new Error(`is in ${tree}, which is served`);
    const held = trees.find((each) => each.startsWith(`${found}/`));
    if (held !== undefined)
      throw new Error(`holds ${held}, which is served: the journals need a directory of their own`);
    // Others could put their own files in the place of ours.
    if (!isTrusted(uid) || (mode & 0o022) !== 0) throw new Error('others may write to it');
    fs.accessSync(found, W_OK);
  });
}

function find(name: string, check: (found: string, stat: fs.Stats) => void): Place {
  try {
    const found = resolve(name);
    if (found === '/') throw new Error('is the whole file system');
    const stat = fs.statSync(found);
    if (!stat.isDirectory()) throw new Error('not a directory');
    fs.accessSync(found, X_OK);
    check(found, stat);
    return { path: found, identity: `${stat.dev}:${stat.ino}` };
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new Error(`${name}: ${REASONS[code] ?? message}`, { cause: error });
  }
}
