/** Unpacks an archive: gzip and zstd by ourselves, xz and bzip2 by the system's programs. */
import { pipeline, type Transform } from 'node:stream';
import zlib from 'node:zlib';
import { chunksOnce } from './chunks-once.ts';
import { type Compression, compressionOf, START_BYTES } from './compression.ts';
import { TarError } from './entry.ts';
import { throughProgram } from './program.ts';

/** Bytes of unpacked data at once: while they are taken care of, another thread unpacks the next ones. */
const CHUNK_BYTES = 256 * 1024;
/** 16 MiB: what zstd asks for at its levels up to 19. Its long window would take 128 MiB of memory. */
const ZSTD_MAX_WINDOW_LOG = 24;

/**
 * The unpacked bytes of an archive, whatever it is compressed with; each chunk is valid until the next one is asked for.
 *
 * @param source its chunks may be overwritten when the next one is asked for if all but the last have 64 KiB or more: a
 *   stream takes no more of them until such a one is used up
 * @param found is told of the compression, before the first byte
 * @throws TarError, and what `source` throws
 */
export async function* decompressed(
  source: AsyncIterable<Buffer>,
  found?: (compression: Compression) => void,
): AsyncGenerator<Buffer, void, void> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const start = await read(iterator, START_BYTES);
    const compression = compressionOf(start);
    found?.(compression);
    yield* unpacked(rejoined(start, iterator), compression);
  } finally {
    // Not awaited: it may be waiting for bytes that never come.
    iterator.return?.().catch(() => {});
  }
}

function unpacked(source: AsyncIterable<Buffer>, compression: Compression): AsyncIterable<Buffer> {
  switch (compression) {
    case 'none':
      return source;
    case 'gzip':
      return throughZlib(source, compression, zlib.createGunzip({ chunkSize: CHUNK_BYTES }));
    case 'zstd': {
      const params = { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_MAX_WINDOW_LOG };
      return throughZlib(source, compression, zlib.createZstdDecompress({ chunkSize: CHUNK_BYTES, params }));
    }
    case 'xz':
    case 'bzip2':
      return throughProgram(source, compression);
  }
}

/** At least `length` bytes, unless the source ends. */
async function read(iterator: AsyncIterator<Buffer>, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let bytes = 0; bytes < length; ) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    bytes += value.length;
    chunks.push(value);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

async function* rejoined(start: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, void> {
  if (start.length > 0) yield start;
  yield* { [Symbol.asyncIterator]: () => iterator };
}

async function* throughZlib(
  source: AsyncIterable<Buffer>,
  compression: Compression,
  transform: Transform,
): AsyncGenerator<Buffer, void, void> {
  // What goes wrong is thrown to who reads.
  pipeline(source, transform, () => {});
  try {
    yield* chunksOnce(transform, CHUNK_BYTES);
  } catch (error) {
    throw isZlibError(error) ? new TarError(problemOf(error, compression), { cause: error }) : error;
  }
}

interface ZlibError extends Error {
  readonly code: string;
}

function isZlibError(error: unknown): error is ZlibError {
  return error instanceof Error && 'code' in error && /^(Z_|ZSTD_)/.test(String(error.code));
}

function problemOf({ code, message }: ZlibError, compression: Compression): string {
  if (code === 'Z_BUF_ERROR') return `truncated ${compression} data`;
  if (code === 'ZSTD_error_frameParameter_windowTooLarge') {
    return 'zstd data that takes too much memory: compress it without --long and --ultra';
  }
  return `damaged ${compression} data (${message})`;
}
