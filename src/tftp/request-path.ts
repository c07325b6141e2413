/** The file name of a request. */
import { ErrorCode, TftpError } from './errors.ts';

/** Characters stand for bytes (latin1), as a file name has them. */
export type Component = string;

/**
 * The components of a path, relative to some tree.
 *
 * @throws TftpError for one that would lead out of it, and for control characters
 */
export function parsePath(name: Buffer): Component[] {
  const text = name.toString('latin1');
  if (/[\0-\x1f\x7f]/.test(text)) {
    throw new TftpError(ErrorCode.accessViolation, 'Control character in the file name');
  }
  const components = text.split('/').filter((component) => component !== '' && component !== '.');
  if (components.includes('..')) throw new TftpError(ErrorCode.accessViolation, '.. in the file name');
  return components;
}
