import type { Readable } from 'node:stream';

/**
 * The chunks of a stream, each valid until the next one is asked for. Their memory is given back at once: V8 would let
 * 64 MiB of them pile up, and take longer for that.
 *
 * @param memory bytes that the stream takes at a time, for nothing but its chunks; they go on in it to its end
 */
export async function* chunksOnce(stream: Readable, memory: number): AsyncGenerator<Buffer, void, void> {
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    yield chunk;
    const { buffer, byteOffset, length } = chunk;
    const isLast = byteOffset + length === memory && buffer.byteLength === memory;
    if (isLast && buffer instanceof ArrayBuffer) buffer.transfer(0);
  }
}
