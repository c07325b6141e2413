/**
 * U-Boot's environment as it lies in flash memory (U-Boot, include/env_internal.h): the CRC-32 of what follows, little-endian,
 * then NAME=VALUE strings with a NUL behind each, one NUL more, and zeros.
 */
import { ftruncateSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { memoryFile } from '../../system/memory-file.ts';

/** CONFIG_ENV_SIZE of Debian's qemu_arm64, in bytes; it begins with the second flash chip (CONFIG_ENV_ADDR). */
const SIZE = 0x40000;
const HEADER = 4;
/** Of one flash chip of QEMU's "virt", in bytes. */
const FLASH = 64 * 1024 * 1024;

/** @throws RangeError if it doesn't fit */
export function ubootEnvironment(variables: Readonly<Record<string, string>>): Buffer {
  const text = Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\0`)
    .join('');
  const bytes = Buffer.alloc(SIZE);
  if (HEADER + text.length + 1 > SIZE) throw new RangeError('the U-Boot environment is too large');
  bytes.write(text, HEADER, 'latin1');
  bytes.writeUInt32LE(crc32(bytes.subarray(HEADER)));
  return bytes;
}

/** A flash chip with this environment and nothing else in it. @returns the descriptor of a file in memory */
export function openFlash(variables: Readonly<Record<string, string>>): number {
  const fd = memoryFile('flash', ubootEnvironment(variables));
  ftruncateSync(fd, FLASH);
  return fd;
}
