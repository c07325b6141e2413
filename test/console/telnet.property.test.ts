import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Command, Option, Telnet } from '../../src/console/telnet.ts';
import { CONSOLE_OPTIONS } from '../../src/console/telnet-line.ts';

const { IAC, WILL, DO } = Command;

function started({ isBinary }: { isBinary: boolean }): Telnet {
  const telnet = new Telnet(CONSOLE_OPTIONS);
  telnet.begin();
  if (isBinary) telnet.receive(Buffer.of(IAC, DO, Option.BINARY, IAC, WILL, Option.BINARY));
  return telnet;
}

/** Bytes that mean something to Telnet, and others. */
const byte = fc.oneof(
  fc.constantFrom(0, 1, 3, 10, 13, 44, 240, 241, 250, 251, 252, 253, 254, 255),
  fc.nat(255),
);
const stream = fc.array(byte, { maxLength: 200 }).map((bytes) => Buffer.from(bytes));

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...ends].map((from, index) => bytes.subarray(from, ends[index] ?? bytes.length));
}

it('what one side encodes the other decodes, wherever it is cut', () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat()), fc.boolean(), (bytes, places, isBinary) => {
      const sender = started({ isBinary });
      const receiver = started({ isBinary });
      const chunks = cut(sender.encode(bytes), places);
      expect(Buffer.concat(chunks.map((chunk) => receiver.receive(chunk).bytes))).toEqual(bytes);
    }),
  );
});

it('hostile bytes are understood alike, wherever they are cut, and answered with no more than they are', () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat()), (bytes, places) => {
      const whole = started({ isBinary: false }).receive(bytes);
      const telnet = started({ isBinary: false });
      const parts = cut(bytes, places).map((chunk) => telnet.receive(chunk));
      expect(Buffer.concat(parts.map((part) => part.bytes))).toEqual(whole.bytes);
      expect(Buffer.concat(parts.map((part) => part.reply))).toEqual(whole.reply);
      expect(whole.bytes.length + whole.reply.length).toBeLessThanOrEqual(bytes.length);
    }),
  );
});
