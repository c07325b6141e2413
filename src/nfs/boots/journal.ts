/** Writes down what clients do when they boot (src/system/boot-records.ts): how far they come shows what they lack. */
import { type BootRecord, visible } from '../../system/boot-records.ts';
import { JournalFile } from '../../system/journal-file.ts';
import type { Log } from '../../system/log.ts';
import type { Boots } from '../procedures/boots.ts';
import type { Inode, Vfs } from '../vfs/vfs.ts';
import { findInit, type Init } from './init.ts';

/** A board that has not read its init by then has another one, or none. */
const BOOT_MS = 10 * 60_000;
/** Clients that are waited for. */
const MAX_BOOTS = 256;
/** The same of a client is told once in that time. */
const AGAIN_MS = 60_000;
const MAX_TOLD = 1024;
/** Directories on the way to a file. */
const MAX_DEPTH = 256;

const PROGRAMS: Readonly<Record<number, 'nfs' | 'mount'>> = { 100003: 'nfs', 100005: 'mount' };

/** A client that has mounted something. */
interface Boot {
  readonly root: Inode;
  readonly init: Init | null | undefined;
  readonly timer: NodeJS.Timeout;
  hasRead: boolean;
}

/** A record without what all have. */
type Entry = BootRecord extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'version' | 'time'>
    : never
  : never;

export interface BootJournalOptions {
  readonly file: string;
  readonly vfs: Vfs;
  readonly log: Log;
  /** The user who has the board, if it is another one. */
  readonly holder: () => string | undefined;
}

export class BootJournal implements Boots {
  areReading = false;
  private readonly options: BootJournalOptions;
  private readonly file: JournalFile;
  private readonly boots = new Map<string, Boot>();
  /** When what was told last. */
  private readonly told = new Map<string, number>();

  constructor(options: BootJournalOptions) {
    this.options = options;
    this.file = new JournalFile(options);
  }

  mount(client: string, path: Buffer, status: string, mounted?: Inode): void {
    const { vfs, holder } = this.options;
    const init = mounted && findInit(vfs, mounted);
    this.append({
      event: 'mount',
      client,
      path: visible(path.toString('latin1')),
      status,
      ...(status === 'put-off' && { holder: visible(holder() ?? '?') }),
      ...(init !== undefined && { init: init?.name ?? null }),
    });
    if (mounted !== undefined) this.begin(client, mounted, init);
  }

  read(client: string, file: Inode): void {
    const boot = this.boots.get(client);
    if (boot === undefined) return;
    const { root, init, hasRead } = boot;
    if (!hasRead) {
      const path = pathIn(root, file);
      // Of another root: what the client ran before.
      if (path === undefined) return;
      boot.hasRead = true;
      this.append({ event: 'first-read', client, path: visible(path) });
    }
    if (file.ino === init?.ino) this.append({ event: 'init-read', client, path: init.name });
    else if (init) return;
    this.end(client);
  }

  /** A client may not connect. */
  refused(client: string, reason: string): void {
    if (this.isNews(`refused ${client}`)) this.append({ event: 'refused', client, reason });
  }

  /** A client called a version of a program that there is not. */
  mismatch(client: string, program: number, asked: number): void {
    const name = PROGRAMS[program];
    if (name === undefined || !this.isNews(`${name} ${client}`)) return;
    this.append({ event: 'version', client, program: name, asked });
  }

  close(): void {
    for (const client of [...this.boots.keys()]) this.end(client);
  }

  private begin(client: string, root: Inode, init: Boot['init']): void {
    this.end(client);
    const [oldest = ''] = this.boots.keys();
    if (this.boots.size >= MAX_BOOTS) this.end(oldest);
    const timer = setTimeout(() => this.end(client), BOOT_MS).unref();
    this.boots.set(client, { root, init, timer, hasRead: false });
    this.areReading = true;
  }

  private end(client: string): void {
    clearTimeout(this.boots.get(client)?.timer);
    this.boots.delete(client);
    this.areReading = this.boots.size > 0;
  }

  private isNews(what: string): boolean {
    const now = performance.now();
    if (now - (this.told.get(what) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return false;
    if (this.told.size >= MAX_TOLD) this.told.clear();
    this.told.set(what, now);
    return true;
  }

  private append({ event, ...entry }: Entry): void {
    const record = () => ({ version: 1, event, time: new Date().toISOString(), ...entry }) as BootRecord;
    this.file.append(event, record);
  }
}

/** In a mounted directory; undefined for what is not in it, or too deep. Characters stand for bytes (latin1). */
function pathIn(root: Inode, file: Inode): string | undefined {
  const names: string[] = [];
  for (let inode = file; names.length < MAX_DEPTH; ) {
    if (inode.ino === root.ino) return `/${names.join('/')}`;
    if (inode.parent === undefined) return undefined;
    names.unshift(inode.name);
    inode = inode.parent;
  }
  return undefined;
}
