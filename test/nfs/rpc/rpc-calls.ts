/** Calls as bytes, and what replies to them say. Written anew here, so that a mistake in src is none here too. */
import { PROGRAM, VERSION } from './fake-program.ts';

/** Big-endian words, and bytes that are taken as they are. */
export function words(...parts: readonly (number | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part !== 'number') return part;
      const word = Buffer.alloc(4);
      word.writeUInt32BE(part >>> 0);
      return word;
    }),
  );
}

/** Variable-length opaque data. */
export function opaqueBytes(bytes: Uint8Array): Buffer {
  return words(bytes.length, bytes, Buffer.alloc(-bytes.length & 3));
}

export const AUTH_NONE = words(0, 0);

export interface Sys {
  readonly uid: number;
  readonly gid: number;
  readonly gids: readonly number[];
  readonly machine?: string;
}

export function authSys({ uid, gid, gids, machine = 'board' }: Sys): Buffer {
  const body = words(1, opaqueBytes(Buffer.from(machine)), uid, gid, gids.length, ...gids);
  return words(1, opaqueBytes(body));
}

export interface CallParts {
  readonly xid?: number;
  readonly type?: number;
  readonly rpcVersion?: number;
  readonly program?: number;
  readonly version?: number;
  readonly procedure: number;
  readonly credentials?: Uint8Array;
  readonly verifier?: Uint8Array;
  readonly args?: Uint8Array;
}

export function call(parts: CallParts): Buffer {
  const { xid = 1, type = 0, rpcVersion = 2, program = PROGRAM, version = VERSION, procedure } = parts;
  const { credentials = AUTH_NONE, verifier = AUTH_NONE, args = Buffer.alloc(0) } = parts;
  return words(xid, type, rpcVersion, program, version, procedure, credentials, verifier, args);
}

/** One record, in fragments of these lengths; what is left over is the last fragment. */
export function record(message: Uint8Array, cuts: readonly number[] = []): Buffer {
  const parts: Buffer[] = [];
  let rest = Buffer.from(message);
  for (const length of cuts) {
    const fragment = rest.subarray(0, length);
    parts.push(words(fragment.length, fragment));
    rest = rest.subarray(fragment.length);
  }
  return Buffer.concat([...parts, words(0x8000_0000 + rest.length, rest)]);
}

export interface Reply {
  readonly xid: number;
  /** In words: all after the xid and REPLY. */
  readonly status: string;
  readonly body: Buffer;
}

const ACCEPT = ['SUCCESS', 'PROG_UNAVAIL', 'PROG_MISMATCH', 'PROC_UNAVAIL', 'GARBAGE_ARGS', 'SYSTEM_ERR'];
const AUTH = [
  'AUTH_OK',
  'AUTH_BADCRED',
  'AUTH_REJECTEDCRED',
  'AUTH_BADVERF',
  'AUTH_REJECTEDVERF',
  'AUTH_TOOWEAK',
];

export function parseReply(message: Buffer): Reply {
  const word = (index: number) => message.readUInt32BE(4 * index);
  const xid = word(0);
  if (word(1) !== 1) throw new Error(`message type ${word(1)}`);
  if (word(2) === 1) {
    const [kind, first] = [word(3), word(4)];
    if (kind === 1) return { xid, status: `AUTH_ERROR ${AUTH[first]}`, body: message.subarray(20) };
    return { xid, status: `RPC_MISMATCH ${first} ${word(5)}`, body: message.subarray(24) };
  }
  if (word(2) !== 0 || word(3) !== 0 || word(4) !== 0)
    throw new Error(`no reply: ${message.toString('hex')}`);
  const status = ACCEPT[word(5)] ?? `accept_stat ${word(5)}`;
  if (word(5) === 2) return { xid, status: `${status} ${word(6)} ${word(7)}`, body: message.subarray(32) };
  return { xid, status, body: message.subarray(24) };
}

/** The records that are complete, and what is left over. */
export function splitRecords(stream: Buffer): { records: Buffer[]; rest: Buffer } {
  const records: Buffer[] = [];
  let rest = stream;
  while (rest.length >= 4) {
    const mark = rest.readUInt32BE(0);
    if (mark < 0x8000_0000) throw new Error('a reply in several fragments');
    const end = 4 + mark - 0x8000_0000;
    if (rest.length < end) break;
    records.push(rest.subarray(4, end));
    rest = rest.subarray(end);
  }
  return { records, rest };
}
