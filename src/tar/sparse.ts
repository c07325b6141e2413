/** Maps of sparse files, in the four forms that GNU tar writes (its manual, "Storing Sparse Files"). */
import { TarError, type TarExtent } from './entry.ts';
import { BLOCK_BYTES, decimal, MAX_SIZE, number, within } from './header.ts';

/** A map is kept in memory: 8 MiB. */
const MAX_EXTENTS = 512 * 1024;

const NEWLINE = 0x0a;
const ZERO = 0x30;

/** What parts of a file are stored, in order. */
export class SparseMap {
  /** Bytes of all extents together. */
  stored = 0;
  /** Offset and length by turns: a map can be long. */
  private readonly numbers: number[] = [];
  private end = 0;

  /** @throws TarError */
  add(offset: number, length: number): void {
    within(offset, MAX_SIZE, 'offset in the map of a sparse file');
    within(length, MAX_SIZE, 'length in the map of a sparse file');
    if (offset < this.end) throw new TarError('the map of the sparse file is not in order');
    this.end = offset + length;
    if (length === 0) return;
    if (this.numbers.length >= 2 * MAX_EXTENTS) throw new TarError('the sparse file has too many parts');
    this.numbers.push(offset, length);
    this.stored += length;
  }

  /** @throws TarError unless the map agrees with the file's size and with what is stored of it, in bytes */
  check(size: number, stored: number): void {
    if (this.end > size) throw new TarError('the map of the sparse file goes beyond its size');
    if (this.stored !== stored)
      throw new TarError('the map of the sparse file disagrees with what is stored');
  }

  extent(index: number): TarExtent | undefined {
    const offset = this.numbers[2 * index];
    const length = this.numbers[2 * index + 1];
    return offset === undefined || length === undefined ? undefined : { offset, length };
  }
}

/** A map that is perhaps still to be read, from blocks behind the header. */
export interface MapReader {
  readonly map: SparseMap;
  readonly isComplete: boolean;
  /** Bytes of the content that the map itself takes. */
  readonly bytes: number;
  add(block: Buffer): void;
}

/** Offset and length, 12 bytes each. */
const PAIR_BYTES = 24;
/** The old form: pairs in the header, more of them in blocks of their own. */
const IN_HEADER = { pairs: 386, count: 4, isContinued: 482, size: 483 };
const IN_BLOCK = { pairs: 0, count: 21, isContinued: 504 };

/** The size of a sparse file with its holes, from a header of the old form. */
export function oldGnuSize(header: Buffer): number {
  return within(number(header, [IN_HEADER.size, 12]), MAX_SIZE, 'size');
}

export class OldGnuMapReader implements MapReader {
  readonly map = new SparseMap();
  /** The blocks do not count as content. */
  readonly bytes = 0;
  isComplete = false;

  constructor(header: Buffer) {
    this.addPairs(header, IN_HEADER);
  }

  add(block: Buffer): void {
    this.addPairs(block, IN_BLOCK);
  }

  private addPairs(block: Buffer, place: typeof IN_BLOCK): void {
    for (let index = 0; index < place.count; index += 1) {
      const at = place.pairs + index * PAIR_BYTES;
      // No digits at all: the list ends.
      if (block[at + 12] === 0) break;
      this.map.add(number(block, [at, 12]), number(block, [at + 12, 12]));
    }
    this.isComplete = block[place.isContinued] === 0;
  }
}

/** Version 0.1: a list of numbers between commas, in a pax record. */
export function parseMap(value: Buffer): SparseMap {
  const map = new SparseMap();
  if (value.length === 0) return map;
  const numbers = value.toString('latin1').split(',').map(decimal);
  if (numbers.length % 2 !== 0) throw new TarError('the map of the sparse file lacks a number');
  for (let index = 0; index < numbers.length; index += 2) {
    map.add(numbers[index] as number, numbers[index + 1] as number);
  }
  return map;
}

/** Version 1.0: lines of one number each before the content, the first one telling how many pairs follow. */
export class ContentMapReader implements MapReader {
  readonly map = new SparseMap();
  bytes = 0;
  /** Numbers that are still to come; undefined before the first. */
  private left: number | undefined;
  private value = 0;
  private digits = 0;
  private offset = 0;

  get isComplete(): boolean {
    return this.left === 0;
  }

  add(block: Buffer): void {
    this.bytes += BLOCK_BYTES;
    for (let at = 0; at < BLOCK_BYTES && !this.isComplete; at += 1) {
      const byte = block[at] as number;
      if (byte === NEWLINE) this.line();
      else this.digit(byte - ZERO);
    }
  }

  private digit(digit: number): void {
    this.digits += 1;
    if (digit < 0 || digit > 9 || this.digits > 16)
      throw new TarError('the map of the sparse file is damaged');
    this.value = this.value * 10 + digit;
  }

  private line(): void {
    const { value, left } = this;
    if (this.digits === 0) throw new TarError('the map of the sparse file is damaged');
    this.digits = 0;
    this.value = 0;
    if (left === undefined) {
      this.left = 2 * within(value, MAX_EXTENTS, 'number of parts of a sparse file');
      return;
    }
    if (left % 2 === 0) this.offset = value;
    else this.map.add(this.offset, value);
    this.left = left - 1;
  }
}
