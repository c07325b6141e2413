/** The calls that workloads are made of: what each writes, and what its reply must hold (RFC 1813 §3.3). */
import type { Arguments, Results } from './connection.ts';
import type { Actor } from './engine.ts';
import type { Session } from './session.ts';
import { CONTENT_WORD } from './tree.ts';

export interface Operation {
  readonly procedure: number;
  readonly write: (call: Arguments, actor: Actor, session: Session) => void;
  /** Throws if the reply is not what was asked for; true if the same operation is to be called again. */
  readonly check: (results: Results, actor: Actor, session: Session) => boolean;
  /** Bytes that follow the arguments, and are not copied into the call. */
  readonly tail?: number;
}

const NFS3_OK = 0;
const ACCESS3_READ = 1;
/** What the Linux client asks for of a file: read, modify, extend, execute (and of a directory: lookup, delete). */
const ACCESS3_ALL = 0x3f;
const FATTR3_SIZE = 84;
const UNSTABLE = 0;
export const FILE_SYNC = 2;
const UNCHECKED = 0;

export class NfsStatusError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the server answered nfsstat3 ${status}`);
    this.name = 'NfsStatusError';
    this.status = status;
  }
}

export function expectOk(results: Results): void {
  const status = results.uint32();
  if (status !== NFS3_OK) throw new NfsStatusError(status);
}

export function skipPostOpAttr(results: Results): void {
  if (results.uint32() === 1) results.at += FATTR3_SIZE;
}

function skipWccData(results: Results): void {
  if (results.uint32() === 1) results.at += 24;
  skipPostOpAttr(results);
}

function equals(actual: number, expected: number, what: string): void {
  if (actual !== expected) throw new Error(`${what} ${actual} where ${expected} was expected`);
}

export function expectAttributes(results: Results): void {
  expectOk(results);
  equals(results.end - results.at, FATTR3_SIZE, 'attributes of size');
}

export const getattr: Operation = {
  procedure: 1,
  write: (call, actor) => actor.handle.write(call),
  check(results) {
    expectAttributes(results);
    return false;
  },
};

export const lookup: Operation = {
  procedure: 3,
  write(call, actor, session) {
    session.directory.write(call);
    call.opaque(session.name(actor.item));
  },
  check(results, actor) {
    expectOk(results);
    actor.handle.read(results);
    return false;
  },
};

export const access: Operation = {
  procedure: 4,
  write(call, actor) {
    actor.handle.write(call);
    call.uint32(ACCESS3_ALL);
  },
  check(results) {
    expectOk(results);
    skipPostOpAttr(results);
    equals(results.uint32() & ACCESS3_READ, ACCESS3_READ, 'access');
    return false;
  },
};

/** Reads the whole of a file as large as that, or block after block of a larger one. */
export function read(size: number, blocks: number): Operation {
  return {
    procedure: 6,
    write(call, actor) {
      actor.handle.write(call);
      call.uint64((actor.item % blocks) * size);
      call.uint32(size);
    },
    check(results, _actor, session) {
      expectOk(results);
      skipPostOpAttr(results);
      equals(results.uint32(), size, 'count');
      session.bytes += size;
      results.uint32();
      equals(results.uint32(), size, 'data of size');
      equals(results.view.getUint32(results.at), CONTENT_WORD, 'content');
      results.skip(size);
      return false;
    },
  };
}

/** Data larger than this is sent from where it lies. */
const COPY_LIMIT = 64 << 10;

export function write(size: number, blocks: number, stable: number): Operation {
  const isLarge = size > COPY_LIMIT;
  return {
    procedure: 7,
    ...(isLarge && { tail: size }),
    write(call, actor, session) {
      actor.handle.write(call);
      call.uint64((actor.item % blocks) * size);
      call.uint32(size);
      call.uint32(stable);
      if (isLarge) call.uint32(size);
      else call.opaque(session.data.subarray(0, size));
    },
    check(results, _actor, session) {
      expectOk(results);
      skipWccData(results);
      equals(results.uint32(), size, 'count');
      session.bytes += size;
      if (results.uint32() < stable) throw new Error('the data is less stable than was asked for');
      return false;
    },
  };
}

export const writeNew = write(4096, 1, UNSTABLE);

export const commit: Operation = {
  procedure: 21,
  write(call, actor) {
    actor.handle.write(call);
    call.uint64(0);
    call.uint32(0);
  },
  check(results) {
    expectOk(results);
    skipWccData(results);
    return false;
  },
};

export const create: Operation = {
  procedure: 8,
  write(call, actor, session) {
    session.work.write(call);
    call.opaque(session.name(actor.item));
    call.uint32(UNCHECKED);
    // sattr3: mode 0600, nothing else
    call.uint32(1);
    call.uint32(0o600);
    for (let unset = 0; unset < 5; unset++) call.uint32(0);
  },
  check(results, actor) {
    expectOk(results);
    equals(results.uint32(), 1, 'handle_follows');
    actor.handle.read(results);
    return false;
  },
};

/** As an archive is unpacked: mode, owner, group, and the time of modification. */
export const setattr: Operation = {
  procedure: 2,
  write(call, actor) {
    actor.handle.write(call);
    for (const value of [0o644, 1000, 1000]) {
      call.uint32(1);
      call.uint32(value);
    }
    // size and atime are left, mtime is the client's
    for (const word of [0, 0, 2, 1_700_000_000, 123_456_789, 0]) call.uint32(word);
  },
  check(results) {
    expectOk(results);
    skipWccData(results);
    return false;
  },
};

export const rename: Operation = {
  procedure: 14,
  write(call, actor, session) {
    session.work.write(call);
    call.opaque(session.name(actor.item));
    session.work.write(call);
    call.opaque(session.newName(actor.item));
  },
  check(results) {
    expectOk(results);
    skipWccData(results);
    skipWccData(results);
    return false;
  },
};

export const remove: Operation = {
  procedure: 12,
  write(call, actor, session) {
    session.work.write(call);
    call.opaque(session.name(actor.item));
  },
  check(results) {
    expectOk(results);
    skipWccData(results);
    return false;
  },
};

/** dircount and maxcount, in bytes. */
const READDIR_COUNT = 64 << 10;

function writeCookie(call: Arguments, actor: Actor, session: Session): void {
  session.directory.write(call);
  for (const word of actor.cookie) call.uint32(word);
}

/** Reads the entries; `each` reads what follows the cookie. True until the server says eof. */
function readEntries(
  results: Results,
  actor: Actor,
  session: Session,
  each: (results: Results) => void,
): boolean {
  skipPostOpAttr(results);
  actor.cookie[2] = results.uint32();
  actor.cookie[3] = results.uint32();
  while (results.uint32() === 1) {
    results.at += 8;
    const length = results.uint32();
    const isDot = results.bytes[results.at] === 0x2e;
    results.skip(length);
    actor.cookie[0] = results.uint32();
    actor.cookie[1] = results.uint32();
    each(results);
    if (!isDot) session.entries++;
  }
  const isEnd = results.uint32() === 1;
  if (isEnd) actor.cookie.fill(0);
  return !isEnd;
}

export const readdirplus: Operation = {
  procedure: 17,
  write(call, actor, session) {
    writeCookie(call, actor, session);
    call.uint32(READDIR_COUNT);
    call.uint32(READDIR_COUNT);
  },
  check(results, actor, session) {
    expectOk(results);
    return readEntries(results, actor, session, skipEntryPlus);
  },
};

function skipEntryPlus(results: Results): void {
  skipPostOpAttr(results);
  if (results.uint32() === 1) results.skip(results.uint32());
}

export const readdir: Operation = {
  procedure: 16,
  write(call, actor, session) {
    writeCookie(call, actor, session);
    call.uint32(READDIR_COUNT);
  },
  check(results, actor, session) {
    expectOk(results);
    return readEntries(results, actor, session, () => {});
  },
};

export const unstable = UNSTABLE;
