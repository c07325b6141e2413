/** The list of READDIR and READDIRPLUS, which ends where the client's buffer does. */
import { refuse } from '../../system/file-error.ts';
import type { DirectoryEntries, DirectoryEntry } from '../vfs/vfs.ts';
import { bool, list, type Xdr } from '../wire/xdr.ts';
import { Writer } from '../wire/xdr-writer.ts';
import { MAX_LISTING } from './limits.ts';

/** dir_attributes and cookieverf. */
const HEAD_BYTES = 4 + 84 + 8;
/** No further entry, and eof. */
const TAIL_BYTES = 4 + 4;
/** What an entry takes beside its name: that there is one, fileid, the name's length, cookie. */
const ENTRY_BYTES = 4 + 8 + 4 + 8;
/** The shortest entry has a name of one letter. */
const MAX_ENTRIES = MAX_LISTING / (ENTRY_BYTES + 4);

interface Listing<Entry> {
  readonly entries: readonly Entry[];
  readonly eof: boolean;
}

/** A listing that is in XDR already, since only so it is known how many entries fit. */
export class EncodedListing {
  /** Valid until the next listing is filled. */
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** dirlist3 and dirlistplus3. */
export function listing<Entry>(entry: Xdr<Entry>): Xdr<Listing<Entry> | EncodedListing> {
  const entries = list(entry, MAX_ENTRIES);
  return {
    read: (reader) => ({ entries: entries.read(reader), eof: bool.read(reader) }),
    write: (writer, value) => {
      if (value instanceof EncodedListing) return writer.opaque(value.bytes);
      entries.write(writer, value.entries);
      bool.write(writer, value.eof);
    },
  };
}

interface Budget {
  /** Of READDIR3resok and READDIRPLUS3resok, in bytes of XDR. */
  readonly resok: number;
  /** Of the entries without their attributes and handles, in bytes of XDR. The first may be longer. */
  readonly names: number;
}

const scratch = new Writer(2 * MAX_LISTING);

/**
 * Takes entries until the budget is used up.
 *
 * @throws FileError ETOOSMALL when not even one fits; what the entries and `write` throw
 */
export function fillListing(
  entries: DirectoryEntries,
  budget: Budget,
  write: (writer: Writer, entry: DirectoryEntry) => void,
): EncodedListing {
  const limit = budget.resok - HEAD_BYTES - TAIL_BYTES;
  if (limit < 0) refuse('ETOOSMALL');
  scratch.length = 0;
  let names = 0;
  let entry = entries.next();
  for (; entry !== undefined; entry = entries.next()) {
    const start = scratch.length;
    scratch.uint32(1);
    write(scratch, entry);
    names += ENTRY_BYTES + Math.ceil(entry.name.length / 4) * 4;
    if (scratch.length <= limit && (names <= budget.names || start === 0)) continue;
    if (start === 0) refuse('ETOOSMALL');
    scratch.length = start;
    break;
  }
  scratch.uint32(0);
  bool.write(scratch, entry === undefined);
  return new EncodedListing(scratch.bytes());
}
