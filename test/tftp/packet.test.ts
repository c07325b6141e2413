import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TftpError } from '../../src/tftp/errors.ts';
import {
  dataHeader,
  errorPacket,
  isAnswerable,
  oackPacket,
  parseAnswer,
  parseRequest,
} from '../../src/tftp/packet.ts';

const packet = (text: string) => Buffer.from(text, 'latin1');

function refusal(text: string): string {
  try {
    parseRequest(packet(text));
  } catch (error) {
    if (error instanceof TftpError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('a request', () => {
  it('has a name, a mode and options', () => {
    const bytes = packet('\0\x01dir/f\xfc\0NetASCII\0TSize\x000\0blksize\x001468\0');
    expect(parseRequest(bytes)).toEqual({
      name: packet('dir/f\xfc'),
      mode: 'netascii',
      options: new Map([
        ['tsize', '0'],
        ['blksize', '1468'],
      ]),
      packet: bytes,
    });
  });

  it('may have an empty name, and options with empty values', () => {
    expect(parseRequest(packet('\0\x01\0octet\0x\0\0'))).toMatchObject({
      name: packet(''),
      mode: 'octet',
      options: new Map([['x', '']]),
    });
  });

  it('counts the first of options with the same name, and ends where padding begins', () => {
    const options = parseRequest(packet('\0\x01f\0octet\0a\x001\0A\x002\0\0\0\0b\x003\0')).options;
    expect(options).toEqual(new Map([['a', '1']]));
  });

  it.each([
    ['a write request', '\0\x02f\0octet\0', '2 This server is read-only'],
    ['no terminator', '\0\x01f', '4 Request is cut off'],
    ['a cut-off mode', '\0\x01f\0oct', '4 Request is cut off'],
    ['no mode', '\0\x01f\0', '4 Request without name or mode'],
    ['nothing', '\0\x01', '4 Request without name or mode'],
    ['mail', '\0\x01f\0mail\0', '4 Mode must be octet or netascii'],
    ['an option without a value', '\0\x01f\0octet\0tsize\0', '8 Option without a value'],
    ['a cut-off value', '\0\x01f\0octet\0tsize\x000', '4 Request is cut off'],
    ['too many bytes', `\0\x01${'f'.repeat(1020)}\0octet\0`, '4 Illegal TFTP operation'],
    ['DATA', '\0\x03\0\x01', '4 Illegal TFTP operation'],
    ['an unknown operation', '\x01\x01f\0octet\0', '4 Illegal TFTP operation'],
  ])('with %s is refused', (_, text, answer) => {
    expect(refusal(text)).toBe(answer);
  });

  it.each(['', '\0', '\0\x05', '\0\x05\0\x04no\0'])('as in %j gets no answer', (text) => {
    expect(isAnswerable(packet(text))).toBe(false);
  });

  it('of any bytes is read or refused', () => {
    const piece = fc.oneof(
      fc.constantFrom('\0\x01', '\0', 'octet\0', 'netascii\0', 'blksize\x008\0', '\xff'),
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        if (!isAnswerable(packet(text)) || refusal(text) !== 'accepted') return;
        const request = parseRequest(packet(text));
        expect(request.name.includes(0)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('an answer', () => {
  const answer = (text: string) => parseAnswer(packet(text), text.length);

  it('is an acknowledgment, also with bytes behind it', () => {
    expect(answer('\0\x04\xff\xfe')).toEqual({ kind: 'ack', block: 0xfffe });
    expect(answer('\0\x04\0\x07padding')).toEqual({ kind: 'ack', block: 7 });
  });

  it('is an error, with or without its last NUL', () => {
    const disk = { kind: 'error', code: 3, message: 'Disk full' };
    expect(answer('\0\x05\0\x03Disk full\0junk')).toEqual(disk);
    expect(answer('\0\x05\0\x03Disk full')).toEqual(disk);
    expect(parseAnswer(packet('\0\x05\0\x03Disk full and what was here before'), 13)).toEqual(disk);
    expect(answer('\0\x05\0\x03')).toEqual({ ...disk, message: '' });
  });

  it.each(['', '\0', '\0\x04', '\0\x04\0', '\0\x03\0\x01', '\x01\x04\0\x01', '\0\x06a\0b\0'])(
    'as in %j is illegal',
    (text) => {
      expect(answer(text)).toEqual({ kind: 'illegal' });
    },
  );
});

it('errors and accepted options are written as the RFCs have them', () => {
  expect(errorPacket(new TftpError(1, 'File not found')).toString('latin1')).toBe(
    '\0\x05\0\x01File not found\0',
  );
  const accepted = [
    ['blksize', 1468],
    ['tsize', 2 ** 40],
  ] as const;
  expect(oackPacket(accepted).toString('latin1')).toBe('\0\x06blksize\x001468\0tsize\x001099511627776\0');
});

it('block numbers go on with 0 after 65535', () => {
  expect([1, 65535, 65536, 2 ** 33 + 5].map(dataHeader)).toEqual([0x30001, 0x3ffff, 0x30000, 0x30005]);
});
