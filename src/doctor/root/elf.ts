/** What an ELF file says of itself: elf(5). Files are hostile: every offset and length is checked. */

/** e_machine, e_ident[EI_CLASS] and e_ident[EI_DATA] together. */
export interface Machine {
  readonly number: number;
  readonly bits: 32 | 64;
  readonly isLittle: boolean;
}

export interface Elf {
  readonly machine: Machine;
  /** The program that starts it, PT_INTERP; undefined for one that is linked statically. */
  readonly interpreter: string | undefined;
  /** Libraries, DT_NEEDED. */
  readonly needed: readonly string[];
  /** Where to look for them first, DT_RUNPATH or DT_RPATH, without those that nothing says. */
  readonly searched: readonly string[];
}

/** Reads a part of a file. @returns fewer bytes at its end */
export type ReadPart = (offset: number, length: number) => Buffer;

const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_RPATH = 15;
const DT_RUNPATH = 29;
const MAX_SEGMENTS = 128;
const MAX_DYNAMIC = 64 * 1024;
const MAX_NEEDED = 256;
const MAX_NAME = 4096;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** Numbers of a file's class and byte order; what is behind its end is 0. */
class Numbers {
  private readonly bytes: Buffer;
  private readonly isLittle: boolean;

  constructor(bytes: Buffer, isLittle: boolean) {
    this.bytes = bytes;
    this.isLittle = isLittle;
  }

  at(offset: number, size: 2 | 4 | 8): number {
    if (offset + size > this.bytes.length) return 0;
    if (size === 8) {
      const value = this.isLittle ? this.bytes.readBigUInt64LE(offset) : this.bytes.readBigUInt64BE(offset);
      return Number(value);
    }
    return this.isLittle ? this.bytes.readUIntLE(offset, size) : this.bytes.readUIntBE(offset, size);
  }
}

/** @param start of a file, at least 20 bytes of it @returns undefined for what is no ELF file */
export function machineOf(start: Buffer): Machine | undefined {
  const [bits, order] = [start[4], start[5]];
  if (start.length < 20 || !start.subarray(0, 4).equals(MAGIC)) return undefined;
  if ((bits !== 1 && bits !== 2) || (order !== 1 && order !== 2)) return undefined;
  const isLittle = order === 1;
  return { number: new Numbers(start, isLittle).at(18, 2), bits: bits === 1 ? 32 : 64, isLittle };
}

function segmentsOf(header: Buffer, read: ReadPart, { bits, isLittle }: Machine): Segment[] {
  const is64 = bits === 64;
  const word = is64 ? 8 : 4;
  const numbers = new Numbers(header, isLittle);
  const offset = numbers.at(is64 ? 32 : 28, word);
  const size = numbers.at(is64 ? 54 : 42, 2);
  const count = Math.min(numbers.at(is64 ? 56 : 44, 2), MAX_SEGMENTS);
  if (size < (is64 ? 56 : 32) || size > 4096 || !Number.isSafeInteger(offset)) return [];
  const table = new Numbers(read(offset, size * count), isLittle);
  return Array.from({ length: count }, (_, index) => {
    const at = index * size;
    return {
      type: table.at(at, 4),
      offset: table.at(at + (is64 ? 8 : 4), word),
      address: table.at(at + (is64 ? 16 : 8), word),
      size: table.at(at + (is64 ? 32 : 16), word),
    };
  });
}

function textAt(offset: number, read: ReadPart): string {
  if (!Number.isSafeInteger(offset)) return '';
  const bytes = read(offset, MAX_NAME);
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
}

/** Where in the file an address lies that the program has in memory. */
function offsetOf(address: number, segments: readonly Segment[]): number {
  const segment = segments.find(
    (each) => each.type === PT_LOAD && address >= each.address && address < each.address + each.size,
  );
  return segment === undefined ? Number.NaN : segment.offset + address - segment.address;
}

function dynamicPart(segments: readonly Segment[], read: ReadPart, { bits, isLittle }: Machine) {
  const word = bits === 64 ? 8 : 4;
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  const entries: [tag: number, value: number][] = [];
  if (dynamic !== undefined && Number.isSafeInteger(dynamic.offset)) {
    const bytes = read(dynamic.offset, Math.min(dynamic.size, MAX_DYNAMIC));
    const numbers = new Numbers(bytes, isLittle);
    for (let at = 0; at < bytes.length; at += 2 * word) {
      entries.push([numbers.at(at, word), numbers.at(at + word, word)]);
    }
  }
  const strings = offsetOf(entries.find(([tag]) => tag === DT_STRTAB)?.[1] ?? Number.NaN, segments);
  const texts = (...tags: number[]) =>
    entries
      .filter(([tag]) => tags.includes(tag))
      .slice(0, MAX_NEEDED)
      .map(([, offset]) => textAt(strings + offset, read))
      .filter((text) => text !== '');
  return {
    needed: texts(DT_NEEDED),
    searched: texts(DT_RUNPATH, DT_RPATH).flatMap((text) => text.split(':').filter((name) => name !== '')),
  };
}

/** @returns undefined for what is no ELF file */
export function readElf(read: ReadPart): Elf | undefined {
  const header = read(0, 64);
  const machine = machineOf(header);
  if (machine === undefined) return undefined;
  const segments = segmentsOf(header, read, machine);
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  return {
    machine,
    interpreter: interpreter && textAt(interpreter.offset, read),
    ...dynamicPart(segments, read, machine),
  };
}
