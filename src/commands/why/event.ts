/** What happened to a board, one thing at a time, whoever noted it down. */
import type {
  MountRecord,
  ReadRecord,
  RefusedRecord,
  TftpRecord,
  VersionRecord,
} from '../../system/boot-records.ts';
import type { Marker } from './markers.ts';

interface Timed {
  /** Milliseconds since 1970. */
  readonly time: number;
}

type Noted<Entry> = Omit<Entry, 'version' | 'time'> & Timed;

/** By the NFS server of a user. */
interface ByServer {
  readonly user: string;
}

export type TftpEvent = Noted<TftpRecord>;
export type MountEvent = Noted<MountRecord> & ByServer;
export type ReadEvent = Noted<ReadRecord> & ByServer;
export type NfsEvent = MountEvent | ReadEvent | ((Noted<RefusedRecord> | Noted<VersionRecord>) & ByServer);

/** The shell switched the board. */
export interface PowerEvent extends Timed {
  readonly event: 'power';
  readonly action: 'on' | 'off' | 'reset';
  readonly user: string | null;
  /** The exit status; null while it runs, and where it was killed. */
  readonly status: number | null;
}

/** A console began to be recorded. */
export interface SessionEvent extends Timed {
  readonly event: 'session';
  readonly user: string | null;
}

/** The console said something that tells how far the boot is. */
export interface ConsoleEvent extends Timed {
  readonly event: 'console';
  readonly marker: Marker;
  /** What matters in the line: a version, a file, a reason. */
  readonly detail: string;
  /** The line, made harmless. */
  readonly line: string;
}

export type BootEvent = PowerEvent | TftpEvent | NfsEvent | SessionEvent | ConsoleEvent;

export function isMarker(event: BootEvent, ...markers: readonly Marker[]): event is ConsoleEvent {
  return event.event === 'console' && markers.includes(event.marker);
}

/** The address of a client, without its port. */
export function hostOf(client: string): string {
  return client.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1');
}
