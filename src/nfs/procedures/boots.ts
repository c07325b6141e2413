/** What boards do when they boot: told by the procedures, written down by ../boots/journal.ts. */
import type { Inode } from '../vfs/vfs.ts';

export interface Boots {
  /** Whether read() is to be called: a client has mounted something, and not yet read what is waited for. */
  readonly areReading: boolean;
  /**
   * A client asked for a directory.
   *
   * @param status as RFC 1813 spells it, or put-off
   * @param mounted what it got
   */
  mount(client: string, path: Buffer, status: string, mounted?: Inode): void;
  /** A client has read of a file. */
  read(client: string, file: Inode): void;
}
