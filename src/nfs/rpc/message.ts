/** RPC messages (RFC 5531 §9): the header of a call, and the header of every kind of reply. */
import type { Reader } from '../wire/xdr-reader.ts';
import type { Writer } from '../wire/xdr-writer.ts';

const RPC_VERSION = 2;

const MsgType = { CALL: 0, REPLY: 1 } as const;
const ReplyStat = { MSG_ACCEPTED: 0, MSG_DENIED: 1 } as const;
const RejectStat = { RPC_MISMATCH: 0, AUTH_ERROR: 1 } as const;

export const AcceptStat = {
  SUCCESS: 0,
  PROG_UNAVAIL: 1,
  PROG_MISMATCH: 2,
  PROC_UNAVAIL: 3,
  GARBAGE_ARGS: 4,
  SYSTEM_ERR: 5,
} as const;

export type AcceptStat = (typeof AcceptStat)[keyof typeof AcceptStat];

/** Those that this server gives. */
export const AuthStat = {
  AUTH_OK: 0,
  AUTH_BADCRED: 1,
  AUTH_REJECTEDCRED: 2,
  AUTH_BADVERF: 3,
  AUTH_TOOWEAK: 5,
} as const;

export type AuthStat = (typeof AuthStat)[keyof typeof AuthStat];

export const AuthFlavor = { AUTH_NONE: 0, AUTH_SYS: 1, AUTH_SHORT: 2 } as const;

/** RFC 5531 §8.2 */
export const MAX_AUTH_BYTES = 400;

/** Bytes from the xid to the length of the credentials. */
const SHORTEST_CALL = 32;

/** What a message is, after its header was read. */
export const Header = {
  /** A call that may be served. */
  call: 0,
  /** No call, or less than a call's header: there is nobody to answer. */
  none: 1,
  /** A call of another version of RPC. */
  rpcMismatch: 2,
} as const;

export type Header = (typeof Header)[keyof typeof Header];

/** The header of a call. One object serves all calls, so that they make no garbage. */
export class CallHeader {
  xid = 0;
  program = 0;
  version = 0;
  procedure = 0;

  /** Reads up to the credentials, which come next. Throws nothing: what is too short is Header.none. */
  read(reader: Reader): Header {
    if (reader.remaining < SHORTEST_CALL) return Header.none;
    this.xid = reader.uint32();
    if (reader.uint32() !== MsgType.CALL) return Header.none;
    if (reader.uint32() !== RPC_VERSION) return Header.rpcMismatch;
    this.program = reader.uint32();
    this.version = reader.uint32();
    this.procedure = reader.uint32();
    return Header.call;
  }
}

/** `accepted_reply`, up to its accept_stat. The server's verifier is always AUTH_NONE. */
export function writeAccepted(writer: Writer, xid: number, stat: AcceptStat): void {
  writer.uint32(xid);
  writer.uint32(MsgType.REPLY);
  writer.uint32(ReplyStat.MSG_ACCEPTED);
  writer.uint32(AuthFlavor.AUTH_NONE);
  writer.uint32(0);
  writer.uint32(stat);
}

/** The versions of the program that there are. */
export function writeProgramMismatch(writer: Writer, xid: number, low: number, high: number): void {
  writeAccepted(writer, xid, AcceptStat.PROG_MISMATCH);
  writer.uint32(low);
  writer.uint32(high);
}

/** `rejected_reply` to a call of another version of RPC. */
export function writeRpcMismatch(writer: Writer, xid: number): void {
  writer.uint32(xid);
  writer.uint32(MsgType.REPLY);
  writer.uint32(ReplyStat.MSG_DENIED);
  writer.uint32(RejectStat.RPC_MISMATCH);
  writer.uint32(RPC_VERSION);
  writer.uint32(RPC_VERSION);
}

/** `rejected_reply` to credentials or a verifier that will not do. */
export function writeAuthError(writer: Writer, xid: number, stat: AuthStat): void {
  writer.uint32(xid);
  writer.uint32(MsgType.REPLY);
  writer.uint32(ReplyStat.MSG_DENIED);
  writer.uint32(RejectStat.AUTH_ERROR);
  writer.uint32(stat);
}
