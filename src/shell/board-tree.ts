/** A board's tree of files in the home directory, and places beneath it, where users may have put symbolic links. */
import fs from 'node:fs';
import path from 'node:path';
import { O_PATH, openBeneath } from '../system/openat2.ts';
import { CommandError, ExitCode } from './errors.ts';
import { isBeneath } from './paths.ts';

/** A directory that is held open, so that nobody can put another in its place. */
export interface Tree {
  readonly fd: number;
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** As users know it: `~/tftproot`. */
  readonly name: string;
}

/** Where rsync is to work: in `directory`, on `rest`, which is beneath it. */
export interface Place {
  readonly directory: number;
  /** `.` or a relative path that begins with `./`. */
  readonly rest: string;
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** The directory, open for use in paths only. */
export function inside(fd: number, name = ''): string {
  return `/proc/self/fd/${fd}/${name}`;
}

/**
 * design.md 7a: a symbolic link in the place of the tree is the administrator's, so root's, or the account's if it
 * stays in the home directory.
 */
function checkLink(owner: number, target: string, home: string, name: string): void {
  if (owner === 0) return;
  if (owner === process.getuid?.() && isBeneath(target, home)) return;
  const rule = 'must belong to root, or to the account and lead into its home directory';
  throw new CommandError(`${name} is a symbolic link, which ${rule}`, ExitCode.configuration);
}

/** Opens the tree, which is made if it is missing. */
export function openTree(homePath: string, base: string): Tree {
  const name = `~/${base}`;
  const file = path.join(homePath, base);
  try {
    fs.mkdirSync(file, { mode: 0o755 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') {
      throw new CommandError(`Cannot make ${name}: ${codeOf(error)}`, ExitCode.failed, { cause: error });
    }
  }
  try {
    const home = fs.realpathSync(homePath);
    const stat = fs.lstatSync(file);
    const target = fs.realpathSync(file);
    if (stat.isSymbolicLink()) checkLink(stat.uid, target, home, name);
    if (target === home || isBeneath(home, target)) {
      throw new CommandError(`${name} must not contain the home directory`, ExitCode.configuration);
    }
    const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;
    const fd = fs.openSync(target, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    return { fd, path: fs.readlinkSync(inside(fd).slice(0, -1)), name };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`Cannot use ${name}: ${codeOf(error)}`, ExitCode.configuration, { cause: error });
  }
}

/** Puts the kernel's refusal in words. */
function explained(error: unknown, shown: string, tree: Tree): CommandError {
  const code = codeOf(error) ?? String(error);
  const reasons: Record<string, string> = {
    ELOOP: 'it leads through a symbolic link',
    EXDEV: `it leads out of ${tree.name}`,
    ENOTDIR: 'it leads through a file that is no directory',
    ENOENT: 'there is no such directory',
    EACCES: 'permission denied',
    ENOSYS: 'the kernel lacks openat2(2)',
  };
  return new CommandError(`rsync: cannot use ${shown}: ${reasons[code] ?? code}`, ExitCode.failed, {
    cause: error,
  });
}

/** The directory `components` beneath `parent`, or undefined if it is missing. Throws for anything else. */
function openDirectory(parent: number, components: readonly string[]): number | undefined {
  const { O_DIRECTORY } = fs.constants;
  try {
    return openBeneath(parent, components.join('/') || '.', O_PATH | O_DIRECTORY);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Makes the directory, which somebody else may have made meanwhile, and opens it. */
function makeDirectory(parent: number, name: string): number {
  try {
    fs.mkdirSync(inside(parent, name));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  return openBeneath(parent, name, O_PATH | fs.constants.O_DIRECTORY);
}

export interface Destination {
  readonly path: string;
  /** Change nothing. */
  readonly dryRun: boolean;
  /** Make all missing directories, not only the last. */
  readonly makePath: boolean;
}

/** A missing destination, or a file: what stands behind the last slash names a file, or a directory for many files. */
function beneathParent(parent: number, last: string, wantsDirectory: boolean, dryRun: boolean): Place {
  const stat = fs.lstatSync(inside(parent, last), { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) throw Object.assign(new Error('symbolic link'), { code: 'ELOOP' });
  if (!wantsDirectory) return { directory: parent, rest: `./${last}` };
  if (dryRun && stat === undefined) return { directory: parent, rest: `./${last}/` };
  return { directory: makeDirectory(parent, last), rest: '.' };
}

function placeOf(tree: Tree, { path: given, dryRun, makePath }: Destination): Place {
  const components = given.split('/').filter((component) => component !== '' && component !== '.');
  const wantsDirectory = /(?:^|\/)\.?$/.test(given);
  const last = components.at(-1);
  if (last === undefined) return { directory: tree.fd, rest: '.' };
  const parents = components.slice(0, -1);
  let parent = openDirectory(tree.fd, parents);
  if (parent === undefined) {
    if (!makePath) throw Object.assign(new Error('no parent'), { code: 'ENOENT' });
    parent = tree.fd;
    for (const [index, component] of parents.entries()) {
      const next = openDirectory(parent, [component]);
      if (next === undefined && dryRun) {
        return {
          directory: parent,
          rest: `./${components.slice(index).join('/')}${wantsDirectory ? '/' : ''}`,
        };
      }
      parent = next ?? makeDirectory(parent, component);
    }
  }
  const stat = fs.lstatSync(inside(parent, last), { throwIfNoEntry: false });
  if (stat?.isDirectory()) {
    return { directory: openBeneath(parent, last, O_PATH | fs.constants.O_DIRECTORY), rest: '.' };
  }
  return beneathParent(parent, last, wantsDirectory, dryRun);
}

/**
 * The place that an upload goes to. As with rsync: an existing directory receives files; otherwise the last
 * component is made, a directory if a slash follows, else whatever rsync finds right for one file or many.
 */
export function openDestination(tree: Tree, destination: Destination): Place {
  try {
    return placeOf(tree, destination);
  } catch (error) {
    throw explained(error, destination.path, tree);
  }
}

/** Refuses a source of a download that leads through a symbolic link. rsync itself tells which ones are missing. */
export function checkSource(tree: Tree, source: string): void {
  const follows = /\/\.?$/.test(source);
  const parent = follows ? source : path.posix.dirname(source);
  try {
    openDirectory(tree.fd, [parent]);
  } catch (error) {
    throw explained(error, source, tree);
  }
}

function leadsOut(link: string, tree: Tree): boolean {
  const target = fs.readlinkSync(link);
  const lexical = path.resolve(path.dirname(link), target);
  if (lexical !== tree.path && !isBeneath(lexical, tree.path)) return true;
  try {
    const real = fs.realpathSync(link);
    return real !== tree.path && !isBeneath(real, tree.path);
  } catch {
    return false;
  }
}

/** The first symbolic link that leads out of the tree, relative to it. Others may add one at any time. */
export function findLinkOut(tree: Tree): string | undefined {
  for (const entry of fs.readdirSync(tree.path, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink() && leadsOut(file, tree)) return path.relative(tree.path, file);
  }
  return undefined;
}
