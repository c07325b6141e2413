import { closeSync, fstatSync, readSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openFlash, ubootEnvironment } from '../../../src/demo/board/uboot-environment.ts';

/** CRC-32 bit by bit, as IEEE 802.3 §3.2.9 has it. */
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test('an environment: sum, strings, end', () => {
  const bytes = ubootEnvironment({ a: '1', serverip: '10.0.2.2' });
  expect(bytes).toHaveLength(0x40000);
  expect(bytes.toString('latin1', 4, 29)).toBe('a=1\0serverip=10.0.2.2\0\0\0\0');
  expect(bytes.subarray(25).every((byte) => byte === 0)).toBe(true);
  expect(bytes.readUInt32LE()).toBe(crc32(bytes.subarray(4)));
});

test('one that is too large is refused', () => {
  const room = 0x40000 - 4 - 'a='.length - 2;
  expect(ubootEnvironment({ a: 'x'.repeat(room) }).at(-2)).toBe(0);
  expect(() => ubootEnvironment({ a: 'x'.repeat(room + 1) })).toThrow(RangeError);
});

test('a flash chip is as large as QEMU wants it', () => {
  const fd = openFlash({ a: '1' });
  const begin = Buffer.alloc(7);
  readSync(fd, begin, 0, begin.length, 0);
  expect(begin.toString('latin1', 4)).toBe('a=1');
  expect(fstatSync(fd).size).toBe(64 * 1024 * 1024);
  closeSync(fd);
});
