/** Options of a transfer: RFC 2347 (how they are agreed on), 2348 (blksize), 2349 (tsize, timeout), 7440 (windowsize). */

export interface Agreement {
  /** Bytes of data in a block; a shorter one is the last. */
  readonly blksize: number;
  /** Blocks that are sent without waiting. */
  readonly windowsize: number;
  /** Milliseconds until a packet is sent again. */
  readonly timeoutMs: number;
  /** What the client is told; none: it asked for nothing that we know. */
  readonly accepted: readonly (readonly [name: string, value: number])[];
}

const DEFAULT_BLKSIZE = 512;
const DEFAULT_TIMEOUT_MS = 1000;
/** RFC 2348. */
const BLKSIZE = { minimum: 8, maximum: 65464 };
/** RFC 2349. */
const TIMEOUT_SECONDS = { minimum: 1, maximum: 255 };
/** RFC 7440 §3. */
const WINDOWSIZE = { minimum: 1, maximum: 65535 };
/** The server may answer less than it was asked for. */
const MAX_WINDOW_BLOCKS = 64;
/** What a client's socket takes by default: 208 KiB with Linux, of which a datagram may need more than twice its length. */
const MAX_WINDOW_BYTES = 64 * 1024;

function within(text: string | undefined, range: { minimum: number; maximum: number }): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= range.minimum && value <= range.maximum ? value : undefined;
}

/**
 * RFC 2347: options that the server does not know, or whose value is not valid, are left out of the answer.
 *
 * @param size of what will be sent, bytes; undefined where it is not known before
 */
export function agree(options: ReadonlyMap<string, string>, size: number | undefined): Agreement {
  const accepted: [name: string, value: number][] = [];
  const blksize = within(options.get('blksize'), BLKSIZE);
  if (blksize !== undefined) accepted.push(['blksize', blksize]);
  const timeout = within(options.get('timeout'), TIMEOUT_SECONDS);
  if (timeout !== undefined) accepted.push(['timeout', timeout]);
  // curl 7 takes the size of an empty file for an error.
  const isSizeKnown = size !== undefined && size > 0;
  if (isSizeKnown && /^\d{1,20}$/.test(options.get('tsize') ?? '')) accepted.push(['tsize', size]);
  const blockBytes = blksize ?? DEFAULT_BLKSIZE;
  const wanted = within(options.get('windowsize'), WINDOWSIZE);
  const fitting = Math.max(1, Math.floor(MAX_WINDOW_BYTES / blockBytes));
  const windowsize = Math.min(wanted ?? 1, MAX_WINDOW_BLOCKS, fitting);
  if (wanted !== undefined) accepted.push(['windowsize', windowsize]);
  return {
    blksize: blockBytes,
    windowsize,
    timeoutMs: timeout === undefined ? DEFAULT_TIMEOUT_MS : timeout * 1000,
    accepted,
  };
}
