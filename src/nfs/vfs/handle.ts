/** NFS file handles: which export, which inode, and which of the files that had this inode number. No I/O. */
import { refuse } from '../../system/file-error.ts';

/** Bytes; the most that MOUNT v1 can take. */
export const HANDLE_SIZE = 32;

/**
 * A hash of the file system's own handle (name_to_handle_at(2)), which holds the inode's generation. Two signed words of
 * 32 bits, which V8 stores without a box.
 */
export interface Generation {
  readonly high: number;
  readonly low: number;
}

export interface HandleParts {
  readonly ino: number;
  readonly generation: Generation;
}

/** First word: layout 1. Then 4 bytes of zero, 8 bytes of the export, 8 of the inode number, 8 of the generation. */
const LAYOUT = 0x6e_62_00_01;
const TWO_32 = 0x1_0000_0000;

/** FNV-1a in two lanes of 32 bits with different begins and primes. */
export function generationOf(fileHandle: Buffer): Generation {
  let high = 0x811c9dc5;
  let low = 0x050c5d1f;
  for (const byte of fileHandle) {
    high = Math.imul(high ^ byte, 0x01000193);
    low = Math.imul(low ^ byte, 0x5bd1e995);
    low ^= low >>> 15;
  }
  return { high, low };
}

export function isSameGeneration(a: Generation, b: Generation): boolean {
  return a.high === b.high && a.low === b.low;
}

const scratch = Buffer.alloc(HANDLE_SIZE);
const view = new DataView(scratch.buffer, scratch.byteOffset, HANDLE_SIZE);
view.setUint32(0, LAYOUT);

export function encodeHandle(exported: Generation, ino: number, generation: Generation): Buffer {
  view.setUint32(8, exported.high);
  view.setUint32(12, exported.low);
  view.setUint32(16, ino / TWO_32);
  view.setUint32(20, ino);
  view.setUint32(24, generation.high);
  view.setUint32(28, generation.low);
  return Buffer.from(scratch);
}

function word(handle: Buffer, at: number): number {
  return (
    (((handle[at] as number) << 24) |
      ((handle[at + 1] as number) << 16) |
      ((handle[at + 2] as number) << 8) |
      (handle[at + 3] as number)) >>>
    0
  );
}

/**
 * @throws FileError EBADHANDLE for what is none of ours in form, ESTALE for one of another export
 */
export function decodeHandle(exported: Generation, handle: Buffer): HandleParts {
  if (handle.length !== HANDLE_SIZE || word(handle, 0) !== LAYOUT || word(handle, 4) !== 0) {
    return refuse('EBADHANDLE');
  }
  if ((word(handle, 8) | 0) !== exported.high || (word(handle, 12) | 0) !== exported.low)
    return refuse('ESTALE');
  return {
    ino: word(handle, 16) * TWO_32 + word(handle, 20),
    generation: { high: word(handle, 24) | 0, low: word(handle, 28) | 0 },
  };
}
