/**
 * Makes a tree from an archive's entries, each as it is stored (owner.ts). Every file is reached by a directory's
 * descriptor and a single name that is no symbolic link, and links, devices and the like are regular files here: no
 * entry can lead out of the tree.
 */
import fs from 'node:fs';
import { check, FileError } from '../system/file-error.ts';
import {
  AT_REMOVEDIR,
  closeDescriptor,
  linkEntry,
  setDescriptorTimes,
  truncate,
  unlinkEntry,
  writeAt,
} from '../system/files.ts';
import { openEntry } from '../system/openat2.ts';
import { type TarEntry, TarError, type TarType, type TarVisitor } from '../tar/entry.ts';
import { shown } from '../tar/shown.ts';
import { Allowance } from './allowance.ts';
import { ArchivePath } from './archive-path.ts';
import { RootError } from './errors.ts';
import { attributesOf, type FileAttributes, storeAttributes } from './file-attributes.ts';
import { FileType } from './file-type.ts';
import { measure } from './measure.ts';
import { OpenDirectories, type OpenDirectory } from './open-directories.ts';
import { type Ids, isPlain, type Owner, realMode } from './owner.ts';
import { storeOwner, writeAttribute } from './ownership.ts';
import type { Figures } from './quota.ts';

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
const NEW_FILE = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
const EPERM = -1;
const ENOENT = -2;
const EEXIST = -17;
const ENOTDIR = -20;
const EISDIR = -21;
const ENOTEMPTY = -39;

/** Bytes of a symbolic link's target: PATH_MAX without its NUL. */
const MAX_TARGET = 4095;

const TYPES: Readonly<Record<TarType, FileType>> = {
  file: FileType.regular,
  hardlink: FileType.regular,
  directory: FileType.directory,
  symlink: FileType.symlink,
  character: FileType.character,
  block: FileType.block,
  fifo: FileType.fifo,
};

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: "the disk quota of the board's account is used up",
  EMLINK: 'too many hard links to one file',
  EFBIG: 'the file is larger than the file system allows',
  EOPNOTSUPP: "the file system can't hold extended attributes, which tell owners and types",
};

export interface ExtractOptions {
  /** The new tree's top directory. */
  readonly fd: number;
  readonly unattributed: Ids;
  /** What the tree may take. */
  readonly limits: Figures;
  /** Is told each name, as it is in the archive. */
  readonly named: ((name: Buffer) => void) | undefined;
  /** Is told what is left out. */
  readonly warn: (message: string) => void;
}

/** Methods throw a RootError that names the entry which can't be made. */
export class Extraction implements TarVisitor {
  /** Entries of the archive, and bytes of their content. */
  entries = 0;
  bytes = 0;
  private readonly options: ExtractOptions;
  private readonly allowance: Allowance;
  private readonly directories: OpenDirectories;
  private readonly path = new ArchivePath();
  private readonly target = new ArchivePath();
  private current: TarEntry | undefined;
  /** The regular file that is written, and how far. */
  private fd = -1;
  private written = 0;
  private hasWarned = false;

  constructor(options: ExtractOptions) {
    this.options = options;
    this.allowance = new Allowance(options.limits, () => measure(`/proc/self/fd/${options.fd}/.`));
    this.directories = new OpenDirectories({ ...options, allowance: this.allowance });
  }

  entry(entry: TarEntry): void {
    this.current = entry;
    this.entries += 1;
    this.options.named?.(entry.name);
    this.inWords(() => this.make(entry));
  }

  data(offset: number, chunk: Buffer): void {
    this.bytes += chunk.length;
    this.inWords(() => this.write(offset, chunk));
  }

  end(): void {
    this.inWords(() => this.complete());
    this.current = undefined;
  }

  /** The archive is complete. */
  finish(): void {
    this.inWords(() => this.directories.finish());
  }

  /** Closes what is open, also after a failure. */
  close(): void {
    this.closeFile();
    this.directories.discard();
  }

  private inWords(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (error instanceof TarError) throw this.failure(error.message, error);
      if (error instanceof FileError) throw this.failure(WORDS[error.code] ?? error.code, error);
      throw error;
    }
  }

  private failure(problem: string, cause?: Error): RootError {
    const name = this.current === undefined ? '' : `${shown(this.current.name)}: `;
    return new RootError(`${name}${problem}`, 1, { cause });
  }

  private refuse(problem: string): never {
    throw this.failure(problem);
  }

  private make(entry: TarEntry): void {
    const { path } = this;
    const problem = path.set(entry.name);
    if (problem !== undefined) this.refuse(problem);
    if (entry.type === 'hardlink') this.hardLink(entry);
    else if (entry.type === 'directory') this.directory(entry);
    else if (path.length === 0) this.refuse('the top of the tree must be a directory');
    else if (entry.type === 'symlink') this.symlink(entry);
    else this.create(entry);
  }

  private directory(entry: TarEntry): void {
    const { path, directories } = this;
    const attributes = this.attributes(entry);
    const owner = this.ownerOf(entry, attributes.mode);
    if (path.length === 0) {
      this.describe(directories.top, entry, owner, attributes);
      return;
    }
    const parent = this.parent();
    const make = () => directories.make(parent, path.text, path.name, owner, entry.mtime);
    let made = make();
    if (made === undefined) {
      const there = directories.find(path.text);
      if (there !== undefined) {
        this.describe(there, entry, owner, attributes);
        return;
      }
      check(unlinkEntry(parent.fd, path.name, 0));
      made = make();
    }
    if (made !== undefined) this.storeAttributes(made.fd, attributes);
  }

  /** Gives a directory that is there what an entry says. */
  private describe(
    directory: OpenDirectory,
    entry: TarEntry,
    owner: Owner,
    attributes: FileAttributes,
  ): void {
    storeOwner(directory.fd, owner, this.options.unattributed);
    this.storeAttributes(directory.fd, attributes);
    directory.mtime = entry.mtime;
    directory.changed = true;
  }

  private symlink(entry: TarEntry): void {
    const { link } = entry;
    if (link.length > MAX_TARGET) this.refuse(`a symbolic link to a name of ${link.length} bytes`);
    this.create(entry);
    this.write(0, link);
  }

  /** Makes and opens a file of which nothing is there but its owner and attributes. */
  private create(entry: TarEntry): void {
    const attributes = this.attributes(entry);
    const owner = this.ownerOf(entry, entry.type === 'symlink' ? 0o777 : attributes.mode);
    const parent = this.parent();
    const { name } = this.path;
    const make = () => openEntry(parent.fd, name, NEW_FILE, realMode(owner));
    let fd = make();
    if (fd === EEXIST) {
      this.makeWay(parent);
      fd = make();
    }
    this.fd = check(fd);
    this.written = 0;
    parent.changed = true;
    this.allowance.file();
    this.allowance.name(this.path.length - this.path.parentLength);
    if (!isPlain(owner, this.options.unattributed)) writeAttribute(fd, owner);
    this.storeAttributes(fd, attributes);
  }

  private write(offset: number, data: Buffer): void {
    this.allowance.part(offset, offset + data.length);
    let rest = data;
    for (let at = offset; rest.length > 0; ) {
      const count = check(writeAt(this.fd, rest, rest.length, at));
      at += count;
      rest = rest.subarray(count);
    }
    this.written = offset + data.length;
  }

  private complete(): void {
    const { current, fd } = this;
    if (fd < 0 || current === undefined) return;
    // A hole at the end.
    if (this.written < current.size) check(truncate(fd, current.size));
    check(setDescriptorTimes(fd, undefined, current.mtime));
    this.closeFile();
  }

  private closeFile(): void {
    if (this.fd >= 0) closeDescriptor(this.fd);
    this.fd = -1;
  }

  private hardLink({ link }: TarEntry): void {
    const { target, path } = this;
    const problem = target.set(link);
    if (problem !== undefined) this.refuse(`a hard link to ${shown(link)}: ${problem}`);
    if (target.length === 0 || path.length === 0) this.refuse('a hard link to a directory');
    const parent = this.parent();
    const make = () => linkEntry(this.options.fd, target.bytes, parent.fd, path.name);
    let made = make();
    if (made === EEXIST) {
      if (target.text === path.text) return;
      this.makeWay(parent);
      made = make();
    }
    if (made === ENOENT || made === ENOTDIR) {
      this.refuse(`a hard link to ${shown(link)}, which is not in the archive before it`);
    }
    if (made === EPERM) this.refuse(`a hard link to ${shown(link)}, which is a directory`);
    check(made);
    this.allowance.name(path.length - path.parentLength);
    parent.changed = true;
  }

  /** Of entries with one name the last one counts. A directory gives way only if nothing is in it. */
  private makeWay(parent: OpenDirectory): void {
    const { name, text } = this.path;
    let removed = unlinkEntry(parent.fd, name, 0);
    if (removed === EISDIR) {
      removed = unlinkEntry(parent.fd, name, AT_REMOVEDIR);
      if (removed === ENOTEMPTY) this.refuse('it would replace a directory that is not empty');
      this.directories.forget(text);
    }
    check(removed);
  }

  private parent(): OpenDirectory {
    return this.directories.need(this.path.parent);
  }

  private ownerOf({ type, uid, gid, major, minor }: TarEntry, mode: number): Owner {
    return { type: TYPES[type], mode, uid, gid, major, minor };
  }

  private storeAttributes(fd: number, attributes: FileAttributes): void {
    this.allowance.attributes(attributes.stored);
    const problem = storeAttributes(fd, attributes);
    if (problem !== undefined) this.refuse(problem);
  }

  private attributes(entry: TarEntry): FileAttributes {
    const attributes = attributesOf(entry);
    if (attributes.refused.length > 0 && !this.hasWarned) {
      this.hasWarned = true;
      const names = 'attributes user.rsync.* tell how files are stored here, and are left out of archives';
      this.options.warn(`${shown(entry.name)}: ${names}`);
    }
    return attributes;
  }
}
