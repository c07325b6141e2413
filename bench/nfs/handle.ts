/** A file handle of the server under test (RFC 1813 §2.3.3, nfs_fh3): opaque bytes, at most 64. */
import type { Arguments, Results } from './connection.ts';

const NFS3_FHSIZE = 64;

export class Handle {
  readonly #bytes = Buffer.alloc(NFS3_FHSIZE);
  #length = 0;

  set(other: Handle): void {
    this.#bytes.set(other.#bytes);
    this.#length = other.#length;
  }

  read(results: Results): void {
    const length = results.uint32();
    if (length === 0 || length > NFS3_FHSIZE) throw new Error(`a file handle of ${length} bytes`);
    const { bytes, at } = results;
    for (let index = 0; index < length; index++) this.#bytes[index] = bytes[at + index] ?? 0;
    this.#bytes.fill(0, length);
    this.#length = length;
    results.skip(length);
  }

  write(call: Arguments): void {
    call.uint32(this.#length);
    const rounded = (this.#length + 3) & ~3;
    for (let index = 0; index < rounded; index++) call.bytes[call.at + index] = this.#bytes[index] ?? 0;
    call.at += rounded;
  }

  toString(): string {
    return this.#bytes.toString('hex', 0, this.#length);
  }

  static from(hex: string): Handle {
    const handle = new Handle();
    handle.#length = handle.#bytes.write(hex, 'hex');
    return handle;
  }
}
