/**
 * Owners, types and modes that an unprivileged account cannot give a file, in the format of rsync's --fake-super: the
 * extended attribute `user.rsync.%stat` holds `OCTAL_MODE MAJOR,MINOR UID:GID`. Symbolic links, devices, FIFOs and
 * sockets are regular files whose attribute tells the type. No attribute means: as the real file says, and root's.
 */
import { S_IFDIR, S_IFMT, S_IFREG } from '../system/files.ts';
import { FileType } from './file-type.ts';

/** Its name, for system calls. */
export const ATTRIBUTE = Buffer.from('user.rsync.%stat\0');

/** What the attribute tells. */
export interface Owner {
  readonly type: FileType;
  /** 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly major: number;
  readonly minor: number;
}

/** Bits of S_IFMT for each type. */
const TYPE_BITS: Readonly<Record<FileType, number>> = {
  [FileType.regular]: S_IFREG,
  [FileType.directory]: S_IFDIR,
  [FileType.block]: 0o060000,
  [FileType.character]: 0o020000,
  [FileType.symlink]: 0o120000,
  [FileType.socket]: 0o140000,
  [FileType.fifo]: 0o010000,
};

const TYPES = new Map(Object.entries(TYPE_BITS).map(([type, bits]) => [bits, Number(type) as FileType]));

/** The type that a mode's bits stand for. */
export function typeOf(mode: number): FileType | undefined {
  return TYPES.get(mode & S_IFMT);
}

const FORMAT = /^([0-7]{1,6}) (\d{1,10}),(\d{1,10}) (\d{1,10}):(\d{1,10})\0?$/;
const MAX_ID = 0xffffffff;

/**
 * @param realMode st_mode of the file that carries the attribute
 * @returns undefined for an attribute that is not ours to understand: it counts as none
 */
export function parseOwner(text: string, realMode: number): Owner | undefined {
  const match = FORMAT.exec(text);
  if (match === null) return undefined;
  const mode = Number.parseInt(match[1] ?? '', 8);
  const [major = 0, minor = 0, uid = 0, gid = 0] = match.slice(2).map(Number);
  const type = typeOf(mode);
  if (type === undefined || Math.max(major, minor, uid, gid) > MAX_ID) return undefined;
  // A directory stays one, and what can be read as a file never becomes one.
  const isDirectory = (realMode & S_IFMT) === S_IFDIR;
  if (isDirectory !== (type === FileType.directory)) return undefined;
  return { type, mode: mode & 0o7777, uid, gid, major, minor };
}

export function formatOwner({ type, mode, uid, gid, major, minor }: Owner): string {
  return `${(TYPE_BITS[type] | mode).toString(8)} ${major},${minor} ${uid}:${gid}`;
}

/** The real mode of what is stored with `mode`: the account can always read and write it, and nobody gains by it. */
export function realMode({ type, mode }: Pick<Owner, 'type' | 'mode'>): number {
  return (mode & 0o777) | (type === FileType.directory ? 0o700 : 0o600);
}

/** Owner and group of files without the attribute. */
export interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/** Whether the real file, made with `realMode`, says it all. */
export function isPlain(owner: Owner, unattributed: Ids): boolean {
  const { type, mode, uid, gid } = owner;
  return (
    (type === FileType.regular || type === FileType.directory) &&
    uid === unattributed.uid &&
    gid === unattributed.gid &&
    mode === realMode(owner)
  );
}
