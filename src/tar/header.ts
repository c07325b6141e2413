/**
 * A header block: POSIX.1-2017 (pax, "ustar Interchange Format"), and GNU tar's manual ("Basic Tar Format") for what is
 * older or its own.
 */
import { TarError, type TarTime } from './entry.ts';

export const BLOCK_BYTES = 512;

/** Where the fields of a header block are: offset and length in bytes. */
export const FIELD = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  link: [157, 100],
  magic: [257, 8],
  major: [329, 8],
  minor: [337, 8],
  /** Of ustar; GNU has other things there. */
  prefix: [345, 155],
} as const;

type Field = readonly [offset: number, length: number];

/** ustar, followed by two digits that nobody minds. */
const USTAR = Buffer.from('ustar\0');
const GNU = Buffer.from('ustar  \0');

const NUL = 0;
const BLANK = 0x20;
const ZERO = 0x30;
/** More would not stay exact when they are added up; 4 PiB. */
export const MAX_SIZE = 2 ** 52;
/** uid_t and gid_t but for -1, which stands for no one. */
export const MAX_ID = 0xffff_fffe;
export const MAX_DEVICE = 0xffff_ffff;

/** The length of a content with its padding. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
}

export function isZero(block: Buffer): boolean {
  for (let at = 0; at < BLOCK_BYTES; at += 1) if (block[at] !== 0) return false;
  return true;
}

/** The sum of a header's bytes, with blanks for the sum itself. */
export function checksum(block: Buffer): number {
  const [start, length] = FIELD.checksum;
  let sum = length * BLANK;
  for (let at = 0; at < start; at += 1) sum += block[at] as number;
  for (let at = start + length; at < BLOCK_BYTES; at += 1) sum += block[at] as number;
  return sum;
}

/** Whether the sum is right: of the bytes without a sign, or with one as some old programs had it. */
export function isHeader(block: Buffer): boolean {
  let stated: number;
  try {
    stated = number(block, FIELD.checksum);
  } catch {
    return false;
  }
  const sum = checksum(block);
  if (stated === sum) return true;
  const [start, length] = FIELD.checksum;
  let negative = 0;
  for (let at = 0; at < BLOCK_BYTES; at += 1) {
    if ((block[at] as number) >= 0x80 && (at < start || at >= start + length)) negative += 1;
  }
  return stated === sum - 256 * negative;
}

/**
 * Octal digits, perhaps after blanks and before a blank or NUL; or GNU's binary form for numbers that need more room:
 * the first bit set, the others one big-endian number with a sign. An empty field is 0.
 *
 * @throws TarError
 */
export function number(block: Buffer, [offset, length]: Field): number {
  const end = offset + length;
  let at = offset;
  const first = block[at] as number;
  if (first >= 0x80) {
    let value = (first & 0x7f) - ((first & 0x40) << 1);
    for (at += 1; at < end; at += 1) value = value * 256 + (block[at] as number);
    return value;
  }
  while (at < end && block[at] === BLANK) at += 1;
  let value = 0;
  for (; at < end; at += 1) {
    const digit = (block[at] as number) - ZERO;
    if (digit >= 0 && digit < 8) value = value * 8 + digit;
    else if (digit === NUL - ZERO || digit === BLANK - ZERO) break;
    else throw new TarError('the header has something else where a number is to be');
  }
  return value;
}

/** @returns NaN for what is no decimal number, or one of more than 16 digits */
export function decimal(digits: string): number {
  return /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
}

/** The bytes before the first NUL: a view. */
export function text(block: Buffer, [offset, length]: Field): Buffer {
  let end = offset;
  while (end < offset + length && block[end] !== NUL) end += 1;
  return block.subarray(offset, end);
}

/** @throws TarError for a number that is not from 0 to `max` */
export function within(value: number, max: number, what: string): number {
  if (value >= 0 && value <= max) return value;
  throw new TarError(`impossible ${what} (${value})`);
}

export function typeLetter(block: Buffer): string {
  return String.fromCharCode(block[FIELD.type[0]] as number);
}

export function isGnu(block: Buffer): boolean {
  return hasMagic(block, GNU);
}

/** @returns a copy */
export function headerName(block: Buffer): Buffer {
  const name = text(block, FIELD.name);
  const prefix = hasMagic(block, USTAR) ? text(block, FIELD.prefix) : undefined;
  if (prefix === undefined || prefix.length === 0) return Buffer.from(name);
  return Buffer.concat([prefix, Buffer.from('/'), name]);
}

/** @returns a copy */
export function headerLink(block: Buffer): Buffer {
  return Buffer.from(text(block, FIELD.link));
}

/** Bytes that are stored behind the header. */
export function headerSize(block: Buffer): number {
  return within(number(block, FIELD.size), MAX_SIZE, 'size');
}

export function headerId(block: Buffer, field: 'uid' | 'gid'): number {
  return within(number(block, FIELD[field]), MAX_ID, 'owner');
}

export function headerDevice(block: Buffer, field: 'major' | 'minor'): number {
  return within(number(block, FIELD[field]), MAX_DEVICE, 'device number');
}

export function headerTime(block: Buffer): TarTime {
  const seconds = number(block, FIELD.mtime);
  if (!Number.isSafeInteger(seconds)) throw new TarError(`impossible time (${seconds})`);
  return { seconds, nanoseconds: 0 };
}

function hasMagic(block: Buffer, magic: Buffer): boolean {
  const [start] = FIELD.magic;
  for (let at = 0; at < magic.length; at += 1) if (block[start + at] !== magic[at]) return false;
  return true;
}
