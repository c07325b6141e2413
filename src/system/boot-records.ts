/**
 * What the servers write down of a board's boot, for `why`: TFTP requests in a journal of each board, mounts and first
 * reads in one of each user. Their strings are visible(). Readers pass over events that they do not know.
 */

interface Common {
  readonly version: 1;
  /** ISO 8601 with milliseconds. */
  readonly time: string;
}

/** A TFTP request, written when its transfer is over. */
export interface TftpRecord extends Common {
  readonly event: 'tftp';
  /** ADDRESS:PORT, with brackets for IPv6. */
  readonly client: string;
  /** The client is not known as the board: it only named the board in front of the path. */
  readonly stranger?: true | undefined;
  /** Relative to the tree, without what names the board in front of it. */
  readonly file: string;
  /** That the client has acknowledged. */
  readonly bytes: number;
  readonly seconds: number;
  /** Packets that were sent more than once. */
  readonly retransmissions: number;
  /** complete: all is acknowledged. refused: before anything was sent. failed: anything else. */
  readonly outcome: 'complete' | 'refused' | 'failed';
  /** For people: "complete", or why not. */
  readonly result: string;
}

/** MNT of the MOUNT protocol. */
export interface MountRecord extends Common {
  readonly event: 'mount';
  /** Numeric address. */
  readonly client: string;
  /** As it was asked for. */
  readonly path: string;
  /** As RFC 1813 spells it; or put-off, while another user has the board: that MNT is answered later. */
  readonly status: string;
  /** Who has the board, if it is put off. */
  readonly holder?: string | undefined;
  /** The kernel's init in the mounted directory, null for none; absent where nothing was mounted, or looked up. */
  readonly init?: string | null | undefined;
}

/** The first READ of a client after a MNT: of any file, and of the kernel's init. */
export interface ReadRecord extends Common {
  readonly event: 'first-read' | 'init-read';
  readonly client: string;
  /** In the mounted directory. */
  readonly path: string;
}

/** A client that may not connect. */
export interface RefusedRecord extends Common {
  readonly event: 'refused';
  readonly client: string;
  readonly reason: string;
}

/** A client that speaks another version of a protocol. */
export interface VersionRecord extends Common {
  readonly event: 'version';
  readonly client: string;
  readonly program: 'nfs' | 'mount';
  readonly asked: number;
}

/** Records that there was no room for in the minute that began then. */
export interface LeftOutRecord extends Common {
  readonly event: 'left-out';
  /** Their kind: the event, for TFTP with complete, incomplete or stranger behind it. */
  readonly of: string;
  readonly count: number;
}

export type BootRecord =
  | TftpRecord
  | MountRecord
  | ReadRecord
  | RefusedRecord
  | VersionRecord
  | LeftOutRecord;

const MAX_SHOWN = 255;

const hex = (character: string) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;

/** Everything escaped that is neither visible nor a blank; not longer than anybody wants to read. */
export function visible(text: string): string {
  const shown = text
    .slice(0, MAX_SHOWN + 1)
    .replaceAll('\\', '\\\\')
    .replace(/[^ -~]/g, hex);
  return shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}...` : shown;
}
