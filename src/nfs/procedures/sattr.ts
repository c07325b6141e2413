/** RFC 1813 §2.6: attributes as a client sets them. */
import type { Changes, Time } from '../vfs/attributes.ts';
import { optional, struct, uint32, uint64, type Xdr } from '../wire/xdr.ts';
import { XdrError } from '../wire/xdr-error.ts';
import { nfstime3 } from './attributes.ts';

const DONT_CHANGE = 0;
const SET_TO_SERVER_TIME = 1;
const SET_TO_CLIENT_TIME = 2;

/** In nanoseconds. */
const SECOND = 1_000_000_000;

/** set_atime and set_mtime. */
const set_time: Xdr<Time | 'now' | undefined> = {
  read: (reader) => {
    const how = reader.uint32();
    if (how === DONT_CHANGE) return undefined;
    if (how === SET_TO_SERVER_TIME) return 'now';
    if (how !== SET_TO_CLIENT_TIME) throw new XdrError(`${how} is no time_how`);
    const time = nfstime3.read(reader);
    // Some of these are words of command to utimensat(2).
    if (time.nanoseconds >= SECOND)
      throw new XdrError(`${time.nanoseconds} nanoseconds are no part of a second`);
    return time;
  },
  write: (writer, time) => {
    if (time === undefined) return writer.uint32(DONT_CHANGE);
    if (time === 'now') return writer.uint32(SET_TO_SERVER_TIME);
    writer.uint32(SET_TO_CLIENT_TIME);
    nfstime3.write(writer, time);
  },
};

export const sattr3: Xdr<Changes> = struct({
  mode: optional(uint32),
  uid: optional(uint32),
  gid: optional(uint32),
  size: optional(uint64),
  atime: set_time,
  mtime: set_time,
});

/** The ctime that the file must still have. */
export const sattrguard3 = optional(nfstime3);
