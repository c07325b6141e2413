/** Who calls (RFC 5531 §8.2, §9.2 and appendix A): the credentials and verifier of a call. */
import { array, opaque, struct, uint32 } from '../wire/xdr.ts';
import { XdrError } from '../wire/xdr-error.ts';
import { Reader } from '../wire/xdr-reader.ts';
import { AuthFlavor, AuthStat, MAX_AUTH_BYTES } from './message.ts';

export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, at most 16. */
  readonly groups: readonly number[];
}

const MAX_MACHINE_NAME = 255;
const MAX_GROUPS = 16;

/** RFC 5531 appendix A */
const authsys_parms = struct({
  stamp: uint32,
  machinename: opaque(MAX_MACHINE_NAME),
  uid: uint32,
  gid: uint32,
  gids: array(uint32, MAX_GROUPS),
});

/** Linux's nobody and nogroup. */
const NOBODY: Credentials = { uid: 65534, gid: 65534, groups: [] };
const NO_WORDS = new Int32Array();
const WORD = 4;

/**
 * Turns the credentials of one client's calls into what procedures know of their caller. Nearly all of its calls come
 * with the same bytes, which are read only once.
 */
export class Identity<Context> {
  /** Of the last call. */
  context: Context | undefined = undefined;
  private words = NO_WORDS;
  private readonly contextOf: (credentials: Credentials) => Context;

  constructor(contextOf: (credentials: Credentials) => Context) {
    this.contextOf = contextOf;
  }

  /**
   * Reads credentials and verifier. `context` is theirs if they will do.
   *
   * @throws XdrError when the message ends before they do
   */
  read(reader: Reader): AuthStat {
    const start = reader.position;
    const { words } = this;
    if (words.length > 0 && reader.startsWith(words)) {
      reader.position = start + words.length * WORD;
      return AuthStat.AUTH_OK;
    }
    const flavor = reader.uint32();
    const length = reader.uint32();
    if (length > MAX_AUTH_BYTES) return AuthStat.AUTH_BADCRED;
    const body = reader.opaque(length);
    // RFC 5531 §8.2: with these flavors the verifier is AUTH_NONE, of length zero.
    const verifier = reader.uint32();
    const verifierLength = reader.uint32();
    const credentials = readCredentials(flavor, body);
    if (typeof credentials === 'number') return credentials;
    if (verifier !== AuthFlavor.AUTH_NONE || verifierLength !== 0) return AuthStat.AUTH_BADVERF;
    const count = (reader.position - start) / WORD;
    reader.position = start;
    this.words = Int32Array.from({ length: count }, () => reader.int32());
    this.context = this.contextOf(credentials);
    return AuthStat.AUTH_OK;
  }
}

function readCredentials(flavor: number, body: Buffer): Credentials | AuthStat {
  if (flavor === AuthFlavor.AUTH_NONE) return body.length === 0 ? NOBODY : AuthStat.AUTH_BADCRED;
  // RFC 5531 §8.2: a short hand that the server gave and does not know any more. We give none.
  if (flavor === AuthFlavor.AUTH_SHORT) return AuthStat.AUTH_REJECTEDCRED;
  // As Linux answers flavors that it does not know.
  if (flavor !== AuthFlavor.AUTH_SYS) return AuthStat.AUTH_BADCRED;
  try {
    const { uid, gid, gids } = authsys_parms.read(new Reader().reset(body));
    return { uid, gid, groups: gids };
  } catch (error) {
    if (error instanceof XdrError) return AuthStat.AUTH_BADCRED;
    throw error;
  }
}
