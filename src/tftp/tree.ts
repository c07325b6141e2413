/** Files of a tree whose owner may put anything into it, at any time: links that lead out, devices, FIFOs. */
import fs from 'node:fs';
import { O_PATH, openBeneath, openInside } from '../system/openat2.ts';
import { ErrorCode, TftpError } from './errors.ts';

const { O_DIRECTORY, O_NOCTTY, O_NONBLOCK, O_RDONLY } = fs.constants;

/** Nothing of that name is here. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);

const REFUSED: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied: the server may not read it',
  EXDEV: 'A symbolic link leads out of the tree',
  ELOOP: 'Too many symbolic links',
  // A socket.
  ENXIO: 'Not a regular file',
};

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

function refusal(code: string): TftpError {
  const refused = REFUSED[code];
  if (refused === undefined) return new TftpError(ErrorCode.undefined, `Cannot be read: ${code}`);
  return new TftpError(ErrorCode.accessViolation, refused);
}

let root: number | undefined;

/** Opens a tree where it is now; undefined where there is none, or a symbolic link that nobody has checked yet. */
function openTree(tree: string): number | undefined {
  root ??= fs.openSync('/', O_PATH | O_DIRECTORY);
  try {
    return openBeneath(root, `.${tree}`, O_PATH | O_DIRECTORY);
  } catch (error) {
    const code = codeOf(error);
    if (ABSENT.has(code) || code === 'EACCES' || code === 'ELOOP') return undefined;
    throw refusal(code);
  }
}

function openPath(tree: number, path: string): number | undefined {
  try {
    // Bytes, as the client sent them. Without O_NONBLOCK a FIFO would keep us.
    return openInside(tree, Buffer.from(path, 'latin1'), O_RDONLY | O_NONBLOCK | O_NOCTTY);
  } catch (error) {
    const code = codeOf(error);
    if (ABSENT.has(code)) return undefined;
    throw refusal(code);
  }
}

/**
 * Opens a regular file for reading.
 *
 * @param tree absolute, without symbolic links
 * @param path relative; characters stand for bytes (latin1)
 * @returns undefined if it does not exist
 * @throws TftpError for what is there but cannot be had
 */
export function openFile(tree: string, path: string): { fd: number; size: number } | undefined {
  const directory = openTree(tree);
  if (directory === undefined) return undefined;
  try {
    const fd = openPath(directory, path || '.');
    if (fd === undefined) return undefined;
    const stat = fs.fstatSync(fd);
    if (stat.isFile()) return { fd, size: stat.size };
    fs.closeSync(fd);
    throw new TftpError(
      ErrorCode.accessViolation,
      stat.isDirectory() ? 'Is a directory' : 'Not a regular file',
    );
  } finally {
    fs.closeSync(directory);
  }
}
