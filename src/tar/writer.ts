/** Writes archives in the pax format: ustar headers (POSIX.1-2017), and extended ones where those are too short. */
import { isUtf8 } from 'node:buffer';
import type { TarEntry, TarExtent, TarTime, TarType } from './entry.ts';
import { BLOCK_BYTES, checksum, FIELD, padded } from './header.ts';

/** Ends an archive. */
export const END_MARKER = Buffer.alloc(2 * BLOCK_BYTES);

/** Zeros that fill the last block of a content, whose length in bytes is given. */
export function padding(length: number): Buffer {
  return END_MARKER.subarray(0, padded(length) - length);
}

/**
 * What comes before an entry's content.
 *
 * @param extents the parts of a sparse file that will be stored, in order; left out for a file that is stored whole
 */
export function headerOf(entry: TarEntry, extents?: readonly TarExtent[]): Buffer {
  const map = extents === undefined ? undefined : mapOf(extents, entry.size);
  const size = map === undefined ? entry.size : map.length + storedBytes(extents ?? []);
  const extended = Buffer.concat(recordsOf(entry, size, map !== undefined));
  const blocks = [];
  if (extended.length > 0) {
    blocks.push(block({ ...EXTENDED, size: extended.length }), extended, padding(extended.length));
  }
  const [prefix, name] = map === undefined ? (split(entry.name) ?? [NOTHING, entry.name]) : SPARSE;
  const { mode, uid, gid, link, major, minor, mtime } = entry;
  const letter = LETTERS[entry.type];
  blocks.push(
    block({ letter, prefix, name, mode, uid, gid, size, mtime: mtime.seconds, link, major, minor }),
  );
  if (map !== undefined) blocks.push(map);
  return Buffer.concat(blocks);
}

const LETTERS: Readonly<Record<TarType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

const NOTHING: Buffer = Buffer.alloc(0);
const SLASH = 0x2f;

/** Prefix and name for programs that don't know of sparse files, and would unpack the map into the file. */
const SPARSE: readonly [prefix: Buffer, name: Buffer] = [
  Buffer.from('GNUSparseFile'),
  Buffer.from('unknown'),
];

/** The header of an extended header. */
const EXTENDED = {
  letter: 'x',
  prefix: NOTHING,
  name: Buffer.from('PaxHeaders/next') as Buffer,
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: 0,
  link: NOTHING,
  major: 0,
  minor: 0,
};

function block(values: typeof EXTENDED & { readonly size: number }): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  putBytes(header, FIELD.name, values.name);
  putNumber(header, FIELD.mode, values.mode);
  putNumber(header, FIELD.uid, values.uid);
  putNumber(header, FIELD.gid, values.gid);
  putNumber(header, FIELD.size, values.size);
  putNumber(header, FIELD.mtime, values.mtime);
  header.write(values.letter, FIELD.type[0]);
  putBytes(header, FIELD.link, values.link);
  header.write('ustar\x0000', FIELD.magic[0]);
  putNumber(header, FIELD.major, values.major);
  putNumber(header, FIELD.minor, values.minor);
  putBytes(header, FIELD.prefix, values.prefix);
  header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, FIELD.checksum[0]);
  return header;
}

type Field = readonly [offset: number, length: number];

function putBytes(header: Buffer, [offset, length]: Field, bytes: Buffer): void {
  bytes.copy(header, offset, 0, length);
}

/** As near as the field gets: what is beyond it is told by a record. */
function putNumber(header: Buffer, field: Field, value: number): void {
  const [offset, length] = field;
  const digits = Math.min(Math.max(value, 0), maxNumber(field)).toString(8);
  header.write(digits.padStart(length - 1, '0'), offset);
}

function maxNumber([, length]: Field): number {
  return 8 ** (length - 1) - 1;
}

function fits(field: Field, value: number): boolean {
  return value >= 0 && value <= maxNumber(field);
}

/** A name as prefix and rest, if both fit into their fields. */
function split(name: Buffer): [prefix: Buffer, rest: Buffer] | undefined {
  if (name.length <= FIELD.name[1]) return [NOTHING, name];
  // A slash at the end is no place to split.
  const slash = name.lastIndexOf(SLASH, Math.min(FIELD.prefix[1], name.length - 2));
  if (slash <= 0 || name.length - slash - 1 > FIELD.name[1]) return undefined;
  return [name.subarray(0, slash), name.subarray(slash + 1)];
}

/** What the header has no room for. */
function recordsOf(entry: TarEntry, size: number, isSparse: boolean): Buffer[] {
  const { name, link, uid, gid, major, minor, mtime, xattrs, acl } = entry;
  const records: Buffer[] = [];
  const add = (key: string, value: Buffer | string | number) => records.push(record(key, value));
  const names: [key: string, value: Buffer][] = [];
  if (isSparse) names.push(['GNU.sparse.name', name]);
  else if (split(name) === undefined) names.push(['path', name]);
  if (link.length > FIELD.link[1]) names.push(['linkpath', link]);
  // Readers that would convert names from UTF-8 are to leave them alone.
  if (names.some(([, value]) => !isUtf8(value))) add('hdrcharset', 'BINARY');
  for (const [key, value] of names) add(key, value);
  if (!fits(FIELD.uid, uid)) add('uid', uid);
  if (!fits(FIELD.gid, gid)) add('gid', gid);
  if (!fits(FIELD.size, size)) add('size', size);
  if (mtime.nanoseconds !== 0 || !fits(FIELD.mtime, mtime.seconds)) add('mtime', timeText(mtime));
  if (!fits(FIELD.major, major)) add('SCHILY.devmajor', major);
  if (!fits(FIELD.minor, minor)) add('SCHILY.devminor', minor);
  if (isSparse) {
    add('GNU.sparse.major', 1);
    add('GNU.sparse.minor', 0);
    add('GNU.sparse.realsize', entry.size);
  }
  for (const [attribute, value] of xattrs) add(`SCHILY.xattr.${attribute.replace(/[%=]/g, quoted)}`, value);
  if (acl.access !== undefined) add('SCHILY.acl.access', acl.access);
  if (acl.default !== undefined) add('SCHILY.acl.default', acl.default);
  return records;
}

/** @param key each character is a byte; and of a text value */
function record(key: string, value: Buffer | string | number): Buffer {
  const bytes = typeof value === 'object' ? value : Buffer.from(String(value), 'latin1');
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), bytes, Buffer.from('\n')]);
  // The length counts its own digits, of which it may take one more by that.
  let digits = String(rest.length).length;
  if (String(rest.length + digits).length > digits) digits += 1;
  return Buffer.concat([Buffer.from(String(rest.length + digits)), rest]);
}

/** GNU tar's way to have these in a key. */
function quoted(character: string): string {
  return character === '%' ? '%25' : '%3D';
}

/** Before 1970 the fraction counts downwards, in contrast to that of TarTime. */
function timeText({ seconds, nanoseconds }: TarTime): string {
  const isBefore = seconds < 0 && nanoseconds > 0;
  const whole = isBefore ? -(seconds + 1) : seconds;
  const fraction = isBefore ? 1_000_000_000 - nanoseconds : nanoseconds;
  const digits = fraction === 0 ? '' : `.${String(fraction).padStart(9, '0')}`;
  return `${isBefore ? '-' : ''}${whole}${digits}`;
}

function storedBytes(extents: readonly TarExtent[]): number {
  return extents.reduce((sum, { length }) => sum + length, 0);
}

/** GNU tar's version 1.0: lines of numbers before the content. A hole at the end needs a part of no bytes behind it. */
function mapOf(extents: readonly TarExtent[], size: number): Buffer {
  const last = extents.at(-1);
  const isHoleAtEnd = last === undefined || last.offset + last.length < size;
  const all = isHoleAtEnd ? [...extents, { offset: size, length: 0 }] : extents;
  const lines = [all.length, ...all.flatMap(({ offset, length }) => [offset, length])];
  const text = Buffer.from(`${lines.join('\n')}\n`);
  return Buffer.concat([text, padding(text.length)]);
}
