/** Names of entries: bytes without `/` and NUL, at most 255. RFC 1813 §3.2.3 */
import { refuse } from '../../system/file-error.ts';

const NAME_MAX = 255;
const SLASH = 0x2f;
const DOT = 0x2e;

/** The entry of a directory that is the directory itself. */
export function isSelf(name: Buffer): boolean {
  return name.length === 1 && name[0] === DOT;
}

export function isParent(name: Buffer): boolean {
  return name.length === 2 && name[0] === DOT && name[1] === DOT;
}

/** @throws FileError ENAMETOOLONG; EACCES for what is no name, as RFC 1813 §3.2.3 has it */
export function checkName(name: Buffer): void {
  if (name.length > NAME_MAX) refuse('ENAMETOOLONG');
  if (name.length === 0 || name.includes(SLASH) || name.includes(0)) refuse('EACCES');
}

/** The same for an entry to be made, removed or renamed. @param dots the error for `.` and `..` */
export function checkEntryName(name: Buffer, dots: 'EEXIST' | 'EINVAL'): void {
  if (isSelf(name) || isParent(name)) refuse(dots);
  checkName(name);
}
