import { duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { relayFrames } from '../../../src/demo/board/frame-stream.ts';

function framed(frame: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return Buffer.concat([length, frame]);
}

/** A relay between two sockets, from their far ends. */
function relay(mayPass: (frame: Buffer) => boolean) {
  const [sender, from] = duplexPair();
  const [to, receiver] = duplexPair();
  relayFrames(from, to, mayPass);
  return { sender, receiver };
}

test('frames arrive whole, however they are cut', async () => {
  const isEven = (frame: Buffer) => frame.length % 2 === 0;
  const some = fc.array(fc.uint8Array({ maxLength: 20 }).map(Buffer.from), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(some, fc.integer({ min: 1, max: 30 }), async (frames, size) => {
      const { sender, receiver } = relay(isEven);
      const received: Buffer[] = [];
      receiver.on('data', (chunk) => received.push(chunk));
      const bytes = Buffer.concat(frames.map(framed));
      for (let at = 0; at < bytes.length; at += size) sender.write(bytes.subarray(at, at + size));
      const wanted = Buffer.concat(frames.filter(isEven).map(framed));
      for (let round = 0; round < 100 && Buffer.concat(received).length < wanted.length; round++)
        await turn();
      await turn();
      expect(Buffer.concat(received)).toEqual(wanted);
    }),
    { numRuns: 100 },
  );
});

test('a frame of impossible length ends the relay', async () => {
  const { sender, receiver } = relay(() => true);
  receiver.resume();
  sender.on('error', () => {});
  sender.write(Buffer.from('ffffffff00', 'hex'));
  await new Promise((resolve) => receiver.once('end', resolve));
});

test('who does not read stops the sender', async () => {
  const { sender, receiver } = relay(() => true);
  const frame = framed(Buffer.alloc(1500));
  let sent = 0;
  for (let round = 0; round < 2000 && !sender.writableNeedDrain; round++) {
    sender.write(frame);
    sent += frame.length;
    await turn();
  }
  expect(sender.writableNeedDrain).toBe(true);
  expect(sent).toBeLessThan(1_000_000);
  let received = 0;
  receiver.on('data', (chunk) => {
    received += chunk.length;
  });
  for (let round = 0; round < 10_000 && received < sent; round++) await turn();
  expect(received).toBe(sent);
});
