/** Memory for replies that clients have not read yet: used again, since as garbage it would stay for long. */

export const CHUNK_BYTES = 64 * 1024;
/** What is shorter is not worth a chunk. */
const SMALL_BYTES = CHUNK_BYTES / 8;
const MAX_SPARE = 64;

export class Chunks {
  private readonly spare: Buffer[] = [];

  /** At least `length` bytes, undefined ones. `length` is CHUNK_BYTES at most. */
  take(length: number): Buffer {
    if (length <= SMALL_BYTES) return Buffer.allocUnsafe(length);
    return this.spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  give(chunk: Buffer): void {
    if (chunk.length === CHUNK_BYTES && this.spare.length < MAX_SPARE) this.spare.push(chunk);
  }

  /** Lets go of half of those that nobody needs at the moment. */
  trim(): void {
    this.spare.length = Math.floor(this.spare.length / 2);
  }
}
