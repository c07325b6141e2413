/** Ethernet frames on a stream as QEMU's `-netdev socket` has them: each behind its length, 4 bytes, big-endian. */
import type { Duplex } from 'node:stream';

const HEADER = 4;
/** QEMU's own bound (NET_BUFSIZE). */
const MAX_FRAME = 4096 + 65536;

/**
 * Sends on the frames that may pass, no faster than the other side takes them; ends with either side.
 *
 * @param mayPass may change the frame in place
 */
export function relayFrames(from: Duplex, to: Duplex, mayPass: (frame: Buffer) => boolean): void {
  let rest: Buffer = Buffer.alloc(0);
  from.on('data', (chunk: Buffer) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const passing: Buffer[] = [];
    let at = 0;
    while (at + HEADER <= bytes.length) {
      const end = at + HEADER + bytes.readUInt32BE(at);
      if (end - at > HEADER + MAX_FRAME) {
        from.destroy();
        return;
      }
      if (end > bytes.length) break;
      if (mayPass(bytes.subarray(at + HEADER, end))) passing.push(bytes.subarray(at, end));
      at = end;
    }
    rest = bytes.subarray(at);
    if (passing.length === 0 || to.write(Buffer.concat(passing))) return;
    from.pause();
    to.once('drain', () => from.resume());
  });
  from.on('error', () => {});
  from.once('close', () => to.destroy());
}
