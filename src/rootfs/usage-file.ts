/**
 * How much a user's trees take, kept in a file that commands and the NFS server change together: each reads, changes and
 * writes it under a lock of the kernel's. It is rewritten in place; what a kill or a full disk leaves half written is no
 * JSON, and counts as missing. Trees are known by what they are (identity.ts), not by where: a root that is exchanged takes its figures
 * along.
 */
import fs from 'node:fs';
import * as z from 'zod/mini';
import { flock, LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN } from '../system/descriptors.ts';
import { isFull } from '../system/error-words.ts';
import { type Figures, NOTHING } from './quota.ts';

const { O_RDWR, O_CREAT, O_NOFOLLOW } = fs.constants;

const count = z.number().check(z.minimum(0));
const figures = z.object({ bytes: count, files: count });

const schema = z.object({
  /** Moves when a field changes its meaning. */
  version: z.literal(1),
  /** The machine's boot that the figures are of. */
  boot: z.string(),
  /** 0: the figures are right. Else they are the best that is known, and the number moves with each change unseen. */
  dirty: count,
  /** A server counts in memory and writes now and then; its sudden end makes the figures wrong. */
  served: z.boolean(),
  /** All of the base but the live root and the replaced ones. */
  uploads: figures,
  /** The live root and those that it replaced. */
  roots: z.record(z.string(), figures),
  saved: z.record(z.string(), figures),
});

export interface UsageRecord {
  boot: string;
  dirty: number;
  served: boolean;
  uploads: Figures;
  roots: Record<string, Figures>;
  saved: Record<string, Figures>;
}

function bootId(): string {
  return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

/** Who makes room on a full disk needs no record. @returns undefined where there is no space for what `run` does */
function unlessFull<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (isFull(error)) return undefined;
    throw error;
  }
}

function openUploadLock(file: string): number {
  return fs.openSync(`${file}.upload`, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
}

/** From now on the tree may change unseen, as long as the descriptor is open. */
export function lockForUpload(file: string): number {
  const fd = openUploadLock(file);
  flock(fd, LOCK_SH);
  return fd;
}

/** @returns undefined for what is no such file */
export function parseUsage(text: string): UsageRecord | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function unknownUsage(): UsageRecord {
  return { boot: bootId(), dirty: 1, served: false, uploads: NOTHING, roots: {}, saved: {} };
}

/** Where a record is kept. */
export interface UsageStore {
  /** Tells two states of it apart. */
  readonly version: string;
  /** Reads, changes and writes it while nobody else does. @returns the record after it */
  update(change: (record: UsageRecord) => void): UsageRecord;
  /** Whether nobody changes the tree unseen just now. */
  isQuiet(): boolean;
  close(): void;
}

/** For a server that nobody else has to know of. */
export function usageInMemory(): UsageStore {
  const record = unknownUsage();
  return {
    version: '',
    update(change) {
      change(record);
      return record;
    },
    isQuiet: () => true,
    close() {},
  };
}

export class UsageFile implements UsageStore {
  private readonly file: string;
  private fd: number | undefined;

  /** @param file made when it is first changed */
  constructor(file: string) {
    this.file = file;
  }

  get version(): string {
    const stat = fs.statSync(this.file, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? '' : `${stat.ino} ${stat.mtimeNs}`;
  }

  update(change: (record: UsageRecord) => void): UsageRecord {
    const fd = unlessFull(() => this.open());
    if (fd === undefined) return this.changed('', change);
    // Nobody has it longer than some microseconds.
    flock(fd, LOCK_EX);
    try {
      const before = this.read(fd);
      const record = this.changed(before, change);
      const text = `${JSON.stringify({ version: 1, ...record })}\n`;
      if (text !== before) this.write(fd, text, before.length);
      return record;
    } finally {
      flock(fd, LOCK_UN);
    }
  }

  private changed(before: string, change: (record: UsageRecord) => void): UsageRecord {
    const record = this.current(before);
    change(record);
    return record;
  }

  /** On a full disk, what it said is wrong now: better nothing, so that the next one walks. */
  private write(fd: number, text: string, formerLength: number): void {
    // Blanks up to the former length: one write call leaves no end of the former text.
    const padded = text.padEnd(formerLength);
    const written = unlessFull(() => fs.writeSync(fd, padded, 0, 'latin1'));
    if (written !== padded.length) fs.ftruncateSync(fd);
  }

  private current(text: string): UsageRecord {
    const record = parseUsage(text) ?? unknownUsage();
    const boot = bootId();
    if (record.boot === boot) return record;
    // Nobody knows what reached the disk.
    return { ...record, boot, dirty: record.dirty + 1, served: false };
  }

  private read(fd: number): string {
    const { size } = fs.fstatSync(fd);
    const text = Buffer.alloc(size);
    return text.toString('latin1', 0, fs.readSync(fd, text, 0, size, 0));
  }

  /** It may have been removed meanwhile, for who has no quota has no figures. */
  private open(): number {
    if (this.fd !== undefined && fs.fstatSync(this.fd).nlink > 0) return this.fd;
    this.close();
    this.fd = fs.openSync(this.file, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
    return this.fd;
  }

  /** Who changes it unseen shares a lock on a file beside this one. */
  isQuiet(): boolean {
    const fd = unlessFull(() => openUploadLock(this.file));
    if (fd === undefined) return false;
    try {
      flock(fd, LOCK_EX | LOCK_NB);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
      throw error;
    } finally {
      fs.closeSync(fd);
    }
  }

  close(): void {
    if (this.fd !== undefined) fs.closeSync(this.fd);
    this.fd = undefined;
  }
}
