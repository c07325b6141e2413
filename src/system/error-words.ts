/** Errors of the system in the words that administrators know. */

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EEXIST: 'there is something already',
  EFBIG: 'the file is too large',
  EISDIR: 'is a directory',
  ELOOP: 'leads through too many symbolic links',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'leads through a file that is no directory',
  ENOTREG: 'is not a regular file',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
};

export function errorWords(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code !== undefined && WORDS[code]) || message;
}

/** The message of the system, which names the file; of a full disk, words. */
export function refusalWords(error: Error): string {
  return isFull(error) ? errorWords(error) : error.message;
}

/** Whether the disk, or the account's quota of it, has no room. */
export function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
