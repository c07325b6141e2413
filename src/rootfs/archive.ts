/**
 * A root file system as a tar archive, while others may change it: what vanishes is left out, and what shrinks is filled
 * up with zeros, as GNU tar does it.
 */
import fs from 'node:fs';
import { check, expect, FileError } from '../system/file-error.ts';
import { readAt, seekData, seekHole } from '../system/files.ts';
import { type Stat, statDescriptor } from '../system/statx.ts';
import { formatAcl } from '../tar/acl.ts';
import type { TarEntry, TarExtent, TarType } from '../tar/entry.ts';
import { parseRsyncAcl } from '../tar/rsync-acl.ts';
import { END_MARKER, headerOf, padding } from '../tar/writer.ts';
import { entryNames, isTooDeep, joinPath, openDirectory, TOO_DEEP } from './entries.ts';
import { FileType } from './file-type.ts';
import type { Ids } from './owner.ts';
import { openContent, readAttributes, readStored, readTarget, type StoredFile } from './stored-file.ts';

/** Where the archive goes. */
export interface ArchiveSink {
  write(data: Buffer): void;
  /** The archive misses something. @param path from the top */
  lack(path: Buffer, what: string): void;
  /** The format has no place for it. */
  skip(path: Buffer, what: string): void;
}

const TYPES: Readonly<Record<Exclude<FileType, typeof FileType.socket>, TarType>> = {
  [FileType.regular]: 'file',
  [FileType.directory]: 'directory',
  [FileType.block]: 'block',
  [FileType.character]: 'character',
  [FileType.symlink]: 'symlink',
  [FileType.fifo]: 'fifo',
};

const SELF = Buffer.from('.\0');
const TOP = Buffer.from('./');
const SLASH = Buffer.from('/');
const NOTHING = Buffer.alloc(0);
const CHUNK = 1 << 20;
const BLOCK = 512;
/** A file system that tells no holes: EINVAL; what follows is a hole: ENXIO. */
const ENXIO = -6;

/** The name of a file in the archive. */
function nameOf(path: Buffer, isDirectory: boolean): Buffer {
  return Buffer.concat([TOP, path, ...(isDirectory && path.length > 0 ? [SLASH] : [])]);
}

/** The parts of a sparse file that have data; undefined for a file without holes. */
function extentsOf(fd: number, { size, blocks }: Stat): TarExtent[] | undefined {
  if (blocks * BLOCK >= size) return undefined;
  const extents: TarExtent[] = [];
  let end = 0;
  while (end < size) {
    const offset = seekData(fd, end);
    if (offset === ENXIO || offset >= size) break;
    const hole = offset < 0 ? offset : seekHole(fd, offset);
    if (hole < 0) return undefined;
    end = Math.min(hole, size);
    extents.push({ offset, length: end - offset });
  }
  // GNU tar learns from the last part how long the file is.
  if (end < size) extents.push({ offset: size, length: 0 });
  return extents;
}

class Archive {
  private readonly sink: ArchiveSink;
  private readonly unattributed: Ids;
  private readonly chunk = Buffer.allocUnsafeSlow(CHUNK);
  /** Names in the archive of files that have several, by inode number. */
  private readonly links = new Map<number, Buffer>();

  constructor(sink: ArchiveSink, unattributed: Ids) {
    this.sink = sink;
    this.unattributed = unattributed;
  }

  /** An entry with all beneath it. */
  add(dirFd: number, name: Buffer, path: Buffer): void {
    try {
      const file = readStored(dirFd, name, this.unattributed);
      if (file === undefined) this.sink.lack(path, 'vanished');
      else if (file.owner.type === FileType.socket) this.sink.skip(path, 'a socket, left out');
      else this.addFile(dirFd, name, path, file);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.sink.lack(path, error.code === 'ENOENT' ? 'vanished' : `cannot be read: ${error.code}`);
    }
  }

  private addFile(dirFd: number, name: Buffer, path: Buffer, file: StoredFile): void {
    const entry = this.describe(dirFd, name, path, file);
    const { nlink, ino } = file.stat;
    if (entry.type !== 'directory' && nlink > 1) {
      const link = this.links.get(ino);
      if (link !== undefined) {
        this.sink.write(headerOf({ ...entry, type: 'hardlink', link, size: 0 }));
        return;
      }
    }
    if (entry.type === 'file') this.addContent(dirFd, name, path, entry);
    else this.sink.write(headerOf(entry));
    if (entry.type === 'directory') this.addEntries(dirFd, name, path);
    else if (nlink > 1) this.links.set(ino, entry.name);
  }

  private describe(dirFd: number, name: Buffer, path: Buffer, file: StoredFile): TarEntry {
    const { type, ...owner } = file.owner;
    const { xattrs, accessAcl, defaultAcl } = readAttributes(dirFd, name, file);
    const acl = (value: Buffer | undefined) => {
      const parsed = value && parseRsyncAcl(value, owner.mode);
      if (value && !parsed) this.sink.lack(path, 'has an ACL that cannot be read');
      return parsed && formatAcl(parsed);
    };
    const [access, byDefault] = [acl(accessAcl), acl(defaultAcl)];
    return {
      ...owner,
      name: nameOf(path, type === FileType.directory),
      type: TYPES[type as keyof typeof TYPES],
      size: 0,
      mtime: file.stat.mtime,
      link: type === FileType.symlink ? readTarget(dirFd, name, file) : NOTHING,
      xattrs,
      acl: { ...(access && { access }), ...(byDefault && { default: byDefault }) },
    };
  }

  private addEntries(dirFd: number, name: Buffer, path: Buffer): void {
    const fd = openDirectory(dirFd, name);
    try {
      const names = entryNames(fd);
      if (names.length > 0 && isTooDeep(path)) this.sink.lack(path, TOO_DEEP);
      else for (const entry of names) this.add(fd, entry, joinPath(path, entry));
    } finally {
      fs.closeSync(fd);
    }
  }

  private addContent(dirFd: number, name: Buffer, path: Buffer, entry: TarEntry): void {
    const { fd, stat } = openContent(dirFd, name);
    try {
      const extents = extentsOf(fd, stat);
      this.sink.write(headerOf({ ...entry, size: stat.size, mtime: stat.mtime }, extents));
      let stored = 0;
      let lacking = 0;
      for (const extent of extents ?? [{ offset: 0, length: stat.size }]) {
        lacking += this.copy(fd, extent);
        stored += extent.length;
      }
      this.sink.write(padding(stored));
      if (lacking > 0) this.sink.lack(path, `shrank by ${lacking} bytes, which are zeros now`);
      else if (this.isChanged(fd, stat)) this.sink.lack(path, 'changed while it was read');
    } finally {
      fs.closeSync(fd);
    }
  }

  private isChanged(fd: number, { size, mtime }: Stat): boolean {
    const now = expect(statDescriptor(fd));
    return (
      now.size !== size || now.mtime.seconds !== mtime.seconds || now.mtime.nanoseconds !== mtime.nanoseconds
    );
  }

  /** @returns bytes that were not there */
  private copy(fd: number, { offset, length }: TarExtent): number {
    for (let done = 0; done < length; ) {
      const count = check(readAt(fd, this.chunk, Math.min(CHUNK, length - done), offset + done));
      if (count === 0) return this.fillUp(length - done);
      this.sink.write(this.chunk.subarray(0, count));
      done += count;
    }
    return 0;
  }

  private fillUp(bytes: number): number {
    this.chunk.fill(0);
    for (let done = 0; done < bytes; done += CHUNK) {
      this.sink.write(this.chunk.subarray(0, Math.min(CHUNK, bytes - done)));
    }
    return bytes;
  }
}

/**
 * Writes the tree beneath an open directory: `./` first, each directory before what is in it, names in the order of
 * bytes.
 *
 * @param unattributed owner and group of files without a stored owner
 */
export function writeArchive(directory: number, unattributed: Ids, sink: ArchiveSink): void {
  new Archive(sink, unattributed).add(directory, SELF, NOTHING);
  sink.write(END_MARKER);
}
