/** Extended headers: records `LENGTH KEY=VALUE\n` (POSIX.1-2017, "pax Extended Header"), values as bytes. */
import { formatAcl, parseKernelAcl } from './acl.ts';
import { TarError, type TarTime } from './entry.ts';
import { decimal, MAX_DEVICE, MAX_ID, MAX_SIZE, within } from './header.ts';
import { parseMap, SparseMap } from './sparse.ts';

/** How GNU tar tells of a sparse file. */
export interface PaxSparse {
  /** Of the version. */
  major?: string;
  minor?: string;
  name?: Buffer;
  /** Bytes with holes. */
  size?: number;
  map?: SparseMap;
  /** Of version 0.0, which tells offset and length in records of their own. */
  offset?: number;
}

/** What extended headers say of the next file, in place of what its header says. */
export interface PaxValues {
  path?: Buffer | undefined;
  link?: Buffer | undefined;
  size?: number | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
  major?: number | undefined;
  minor?: number | undefined;
  mtime?: TarTime | undefined;
  accessAcl?: string | undefined;
  defaultAcl?: string | undefined;
  /** The same from the kernel, in which everybody has a number. */
  kernelAccessAcl?: string | undefined;
  kernelDefaultAcl?: string | undefined;
  readonly xattrs: Map<string, Buffer>;
  sparse?: PaxSparse | undefined;
}

const BLANK = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;
const ZERO = 0x30;

/**
 * Adds the records of an extended header.
 *
 * @throws TarError
 */
export function readPax(data: Buffer, values: PaxValues): void {
  let at = 0;
  while (at < data.length) {
    let length = 0;
    let start = at;
    for (; data[start] !== BLANK; start += 1) {
      const digit = (data[start] ?? 0) - ZERO;
      if (digit < 0 || digit > 9 || start - at > 7) throw new TarError('damaged extended header');
      length = length * 10 + digit;
    }
    start += 1;
    const end = at + length - 1;
    const equals = data.indexOf(EQUALS, start);
    if (end >= data.length || equals < start || equals >= end || data[end] !== NEWLINE) {
      throw new TarError('damaged extended header');
    }
    record(values, data.toString('latin1', start, equals), data.subarray(equals + 1, end));
    at = end + 1;
  }
}

/** An empty value takes back an earlier one; keys that we don't know say nothing that can be stored. */
function record(values: PaxValues, key: string, value: Buffer): void {
  switch (key) {
    case 'path':
      values.path = optional(value, name);
      break;
    case 'linkpath':
      values.link = optional(value, name);
      break;
    case 'size':
      values.size = optional(value, size);
      break;
    case 'uid':
      values.uid = optional(value, id);
      break;
    case 'gid':
      values.gid = optional(value, id);
      break;
    case 'SCHILY.devmajor':
      values.major = optional(value, device);
      break;
    case 'SCHILY.devminor':
      values.minor = optional(value, device);
      break;
    case 'mtime':
      values.mtime = optional(value, time);
      break;
    case 'SCHILY.acl.access':
      values.accessAcl = optional(value, string);
      break;
    case 'SCHILY.acl.default':
      values.defaultAcl = optional(value, string);
      break;
    case 'RHT.security.selinux':
      // The kernel's form ends with a NUL, which GNU tar takes off and puts on.
      if (value.length > 0) values.xattrs.set('security.selinux', Buffer.concat([value, Buffer.alloc(1)]));
      break;
    default:
      if (key.startsWith(GNU_SPARSE)) sparseRecord(values, key.slice(GNU_SPARSE.length), value);
      else xattr(values, key, value);
  }
}

const GNU_SPARSE = 'GNU.sparse.';

function sparseRecord(values: PaxValues, key: string, value: Buffer): void {
  values.sparse ??= {};
  const { sparse } = values;
  switch (key) {
    case 'major':
      sparse.major = string(value);
      break;
    case 'minor':
      sparse.minor = string(value);
      break;
    case 'name':
      sparse.name = name(value);
      break;
    case 'size':
    case 'realsize':
      sparse.size = size(value);
      break;
    case 'offset':
      sparse.offset = size(value);
      break;
    case 'numbytes':
      if (sparse.offset === undefined) throw new TarError('the map of the sparse file has no offset');
      sparse.map ??= new SparseMap();
      sparse.map.add(sparse.offset, size(value));
      break;
    case 'map':
      sparse.map = parseMap(value);
      break;
  }
}

/** Of star, GNU tar and bsdtar. */
const SCHILY = 'SCHILY.xattr.';
/** Of bsdtar: the name URL-encoded, the value in base64. */
const LIBARCHIVE = 'LIBARCHIVE.xattr.';

function xattr(values: PaxValues, key: string, value: Buffer): void {
  if (key.startsWith(SCHILY)) {
    const attribute = key.slice(SCHILY.length);
    // bsdtar tells it once more, URL-encoded here as well.
    const told = attribute.replace(/%[0-9A-F]{2}/g, unquoted);
    // GNU tar's way to have `=` in a key.
    const own = attribute.replace(/%(3D|25)/g, unquoted);
    setXattr(values, values.xattrs.has(told) ? told : own, value);
  } else if (key.startsWith(LIBARCHIVE)) {
    const attribute = key.slice(LIBARCHIVE.length).replace(/%[0-9A-Fa-f]{2}/g, unquoted);
    setXattr(values, attribute, Buffer.from(string(value), 'base64'));
  }
}

function setXattr(values: PaxValues, attribute: string, value: Buffer): void {
  switch (attribute) {
    case 'system.posix_acl_access':
      values.kernelAccessAcl = formatAcl(parseKernelAcl(value));
      break;
    case 'system.posix_acl_default':
      values.kernelDefaultAcl = formatAcl(parseKernelAcl(value));
      break;
    default:
      if (attribute === '' || attribute.includes('\0')) throw new TarError('an attribute without a name');
      values.xattrs.set(attribute, Buffer.from(value));
  }
}

function unquoted(match: string): string {
  return String.fromCharCode(Number.parseInt(match.slice(1), 16));
}

function optional<T>(value: Buffer, parse: (value: Buffer) => T): T | undefined {
  return value.length === 0 ? undefined : parse(value);
}

function name(value: Buffer): Buffer {
  if (value.includes(0)) throw new TarError('a NUL in a name');
  return Buffer.from(value);
}

function string(value: Buffer): string {
  return value.toString('latin1');
}

function size(value: Buffer): number {
  return within(decimal(string(value)), MAX_SIZE, 'size');
}

function id(value: Buffer): number {
  return within(decimal(string(value)), MAX_ID, 'owner');
}

function device(value: Buffer): number {
  return within(decimal(string(value)), MAX_DEVICE, 'device number');
}

/** Seconds with any number of digits behind the point; what is finer than nanoseconds goes, towards the past. */
function time(value: Buffer): TarTime {
  const match = /^(-?)(\d{1,15})(?:\.(\d{1,9})\d*)?$/.exec(value.toString('latin1', 0, 40));
  if (match === null) throw new TarError('impossible time');
  const [, sign, whole = '', fraction = ''] = match;
  const seconds = Number(whole);
  const nanoseconds = Number(fraction.padEnd(9, '0'));
  if (sign === '') return { seconds, nanoseconds };
  if (nanoseconds === 0) return { seconds: 0 - seconds, nanoseconds: 0 };
  return { seconds: 0 - seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}
