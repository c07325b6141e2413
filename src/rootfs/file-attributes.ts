/** Extended attributes and ACLs as an unprivileged account stores them: in the form of rsync's --fake-super. */
import fs from 'node:fs';
import { setAttribute } from '../system/extended-attributes.ts';
import { check, type FileError } from '../system/file-error.ts';
import { parseAcl } from '../tar/acl.ts';
import type { TarEntry } from '../tar/entry.ts';
import { permissionsOf, rsyncAccessAcl, rsyncDefaultAcl } from '../tar/rsync-acl.ts';

/** What the account may use itself, and what all other names are stored behind. rsync(1), --fake-super */
const OWN = 'user.';
const PREFIX = 'user.rsync.';

export interface FileAttributes {
  /** What the file's mode is with its ACL; 12 bits. */
  readonly mode: number;
  /** As stored. Bytes of the names as latin1 characters. */
  readonly stored: ReadonlyMap<string, Buffer>;
  /** Names that would be taken for ours. */
  readonly refused: readonly string[];
}

const NONE: Pick<FileAttributes, 'stored' | 'refused'> = { stored: new Map(), refused: [] };

/** @throws TarError for an ACL that can't be read */
export function attributesOf({ xattrs, acl, mode }: TarEntry): FileAttributes {
  if (xattrs.size === 0 && acl.access === undefined && acl.default === undefined) return { mode, ...NONE };
  const stored = new Map<string, Buffer>();
  const refused: string[] = [];
  for (const [name, value] of xattrs) {
    if (name.startsWith(PREFIX)) refused.push(name);
    else stored.set(name.startsWith(OWN) ? name : `${PREFIX}${name}`, value);
  }
  if (acl.default !== undefined) stored.set(`${PREFIX}%dacl`, rsyncDefaultAcl(parseAcl(acl.default)));
  if (acl.access === undefined) return { mode, stored, refused };
  const access = parseAcl(acl.access);
  const value = rsyncAccessAcl(access);
  if (value !== undefined) stored.set(`${PREFIX}%aacl`, value);
  return { mode: (mode & 0o7000) | permissionsOf(access), stored, refused };
}

/** File systems say ENOSPC, too, when an attribute does not fit beside the others. */
const TOO_LARGE = new Set(['E2BIG', 'ERANGE', 'ENOSPC']);

/** @returns what is wrong with an attribute that the file system can't hold @throws FileError */
export function storeAttributes(fd: number, { stored }: FileAttributes): string | undefined {
  for (const [name, value] of stored) {
    try {
      check(setAttribute(fd, Buffer.from(`${name}\0`, 'latin1'), value));
    } catch (error) {
      const { code } = error as FileError;
      if (!TOO_LARGE.has(code) || isFull(fd)) throw error;
      const shown = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
      return `the file system can't hold its attribute ${shown} (${value.length} bytes)`;
    }
  }
  return undefined;
}

function isFull(fd: number): boolean {
  return fs.statfsSync(`/proc/self/fd/${fd}`).bavail === 0;
}
