/** Puts an entry together from its header and from what was said before it: long names and extended headers. */
import { type TarEntry, TarError, type TarType } from './entry.ts';
import * as header from './header.ts';
import { type PaxSparse, type PaxValues, readPax } from './pax.ts';
import { shown } from './shown.ts';
import { ContentMapReader, type MapReader, OldGnuMapReader, oldGnuSize, SparseMap } from './sparse.ts';

/** Bytes of all that is said of one entry; and of what holds for every entry. */
const MAX_BYTES = 1024 * 1024;
/** PATH_MAX. */
const MAX_NAME_BYTES = 4096;

/** Headers that describe the next entry, by their letter: Solaris had X before x became a standard. */
const DESCRIBING = 'LKxXg';

const TYPES: ReadonlyMap<string, TarType> = new Map([
  ['\0', 'file'],
  ['0', 'file'],
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['3', 'character'],
  ['4', 'block'],
  ['5', 'directory'],
  ['6', 'fifo'],
  // contiguous
  ['7', 'file'],
  // GNU: a directory, and a list of its files as content
  ['D', 'directory'],
  // GNU: sparse
  ['S', 'file'],
]);

/** Why an entry of another type can't be taken. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ['M', 'it continues a file of another volume, which is not supported'],
  ['N', 'a list of long names in the form of old GNU tar is not supported'],
]);

const SLASH = 0x2f;
const NOTHING = Buffer.alloc(0);

/** An entry, and how its content is stored. */
export interface Described {
  readonly entry: TarEntry;
  /** Bytes of stored content, a map before it among them. */
  readonly stored: number;
  /** Of a sparse file. */
  readonly map: MapReader | undefined;
}

export class Description {
  private longName: Buffer | undefined;
  private longLink: Buffer | undefined;
  private pax: PaxValues | undefined;
  private bytes = 0;
  private readonly global: PaxValues = { xattrs: new Map() };
  private globalBytes = 0;

  /** Whether something was said, and no entry followed yet. */
  get isPending(): boolean {
    return this.longName !== undefined || this.longLink !== undefined || this.pax !== undefined;
  }

  /**
   * @param block a header
   * @returns how many bytes follow it, to be given to add(); undefined if it is the header of an entry
   * @throws TarError
   */
  announce(block: Buffer): number | undefined {
    const letter = header.typeLetter(block);
    if (!DESCRIBING.includes(letter)) return undefined;
    const size = header.headerSize(block);
    const isName = letter === 'L' || letter === 'K';
    if (isName && size > MAX_NAME_BYTES + 1) throw new TarError(`a name of ${size} bytes`);
    if (letter === 'g') this.globalBytes += size;
    else this.bytes += size;
    if (Math.max(this.bytes, this.globalBytes) > MAX_BYTES) throw new TarError('too long extended headers');
    return size;
  }

  /**
   * @param letter of the header that announced the data
   * @throws TarError
   */
  add(letter: string, data: Buffer): void {
    if (letter === 'L') {
      this.longName = Buffer.from(header.text(data, [0, data.length]));
    } else if (letter === 'K') {
      this.longLink = Buffer.from(header.text(data, [0, data.length]));
    } else if (letter === 'g') {
      readPax(data, this.global);
      // Nothing that could hold for every file.
      this.global.sparse = undefined;
    } else {
      this.pax ??= { ...this.global, xattrs: new Map(this.global.xattrs) };
      readPax(data, this.pax);
    }
  }

  /** What the file is called that the header is about. */
  name(block: Buffer): Buffer {
    const { sparse, path } = this.pax ?? this.global;
    return sparse?.name ?? path ?? this.longName ?? header.headerName(block);
  }

  /**
   * The entry that the header begins; what was said of it is used up.
   *
   * @throws TarError
   */
  entry(block: Buffer): Described {
    const values = this.pax ?? this.global;
    const { sparse } = values;
    const access = values.kernelAccessAcl ?? values.accessAcl;
    const defaults = values.kernelDefaultAcl ?? values.defaultAcl;
    const name = checked(this.name(block), 'name');
    const type = typeOf(block, name);
    const isLink = type === 'symlink' || type === 'hardlink';
    const isDevice = type === 'character' || type === 'block';
    // Of links and special files the size means nothing, or something else.
    const hasContent = !'123456'.includes(header.typeLetter(block));
    const stored = hasContent ? (values.size ?? header.headerSize(block)) : 0;
    const sparseContent = type === 'file' ? sparseFile(block, sparse) : undefined;
    const entry: TarEntry = {
      name,
      type,
      mode: header.number(block, header.FIELD.mode) & 0o7777,
      uid: values.uid ?? header.headerId(block, 'uid'),
      gid: values.gid ?? header.headerId(block, 'gid'),
      major: isDevice ? (values.major ?? header.headerDevice(block, 'major')) : 0,
      minor: isDevice ? (values.minor ?? header.headerDevice(block, 'minor')) : 0,
      size: type === 'file' ? (sparseContent?.size ?? stored) : 0,
      mtime: values.mtime ?? header.headerTime(block),
      link: isLink ? checked(values.link ?? this.longLink ?? header.headerLink(block), 'link') : NOTHING,
      xattrs: values.xattrs,
      acl: {
        ...(access === undefined ? {} : { access }),
        ...(defaults === undefined ? {} : { default: defaults }),
      },
    };
    this.longName = undefined;
    this.longLink = undefined;
    this.pax = undefined;
    this.bytes = 0;
    return { entry, stored, map: sparseContent?.map };
  }
}

function checked(name: Buffer, what: 'name' | 'link'): Buffer {
  if (name.length === 0) throw new TarError(`a ${what} of no bytes`);
  if (name.length > MAX_NAME_BYTES) throw new TarError(`a ${what} of ${name.length} bytes`);
  return name;
}

function typeOf(block: Buffer, name: Buffer): TarType {
  const letter = header.typeLetter(block);
  const type = TYPES.get(letter);
  if (type === undefined) {
    throw new TarError(UNSUPPORTED.get(letter) ?? `unknown type ${shown(Buffer.from(letter, 'latin1'))}`);
  }
  // Before there was a type for directories, a slash at the end was their mark.
  return type === 'file' && name.at(-1) === SLASH ? 'directory' : type;
}

/** The size of a sparse file with its holes, and its map. */
function sparseFile(
  block: Buffer,
  sparse: PaxSparse | undefined,
): { size: number; map: MapReader } | undefined {
  if (header.typeLetter(block) === 'S') {
    if (!header.isGnu(block)) throw new TarError('a sparse file in the form of star is not supported');
    return { size: oldGnuSize(block), map: new OldGnuMapReader(block) };
  }
  if (sparse === undefined) return undefined;
  const { size, major = '0', minor = '0' } = sparse;
  if (size === undefined) throw new TarError('a sparse file without a size');
  if (major === '1' && minor === '0') return { size, map: new ContentMapReader() };
  if (major !== '0') throw new TarError(`version ${major}.${minor} of sparse files is not supported`);
  return { size, map: { map: sparse.map ?? new SparseMap(), isComplete: true, bytes: 0, add() {} } };
}
