/** Root file systems as they are stored, for the checks that read them. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Finding } from '../../../src/doctor/finding.ts';
import type { RootCheck, RootContext } from '../../../src/doctor/root/context.ts';
import type { Machine } from '../../../src/doctor/root/elf.ts';
import { runChecks } from '../../../src/doctor/run-checks.ts';
import { StoredTree } from '../../../src/rootfs/stored-tree.ts';
import { setAttribute } from '../../../src/system/extended-attributes.ts';
import { check } from '../../../src/system/file-error.ts';

/** A text file; or what is stored otherwise. */
export type Stored =
  | string
  | Buffer
  | {
      readonly content?: string | Buffer;
      readonly link?: string;
      readonly directory?: true;
      /** As rsync --fake-super stores it: `OCTAL_MODE MAJOR,MINOR UID:GID`. */
      readonly stat?: string;
      readonly capability?: true;
    };

export const ARM: Machine = { number: 40, bits: 32, isLittle: true };
export const ARM64: Machine = { number: 183, bits: 64, isLittle: true };
export const X86_64: Machine = { number: 62, bits: 64, isLittle: true };
export const MIPS: Machine = { number: 8, bits: 32, isLittle: false };

function attribute(file: string, name: string, value: string): void {
  const fd = fs.openSync(file, 'r');
  check(setAttribute(fd, Buffer.from(`${name}\0`), Buffer.from(value)));
  fs.closeSync(fd);
}

function store(file: string, stored: Stored): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const {
    content = '',
    link,
    directory,
    stat,
    capability,
  } = typeof stored === 'string' || Buffer.isBuffer(stored) ? { content: stored } : stored;
  if (directory) fs.mkdirSync(file, { recursive: true });
  else fs.writeFileSync(file, link ?? content, { mode: 0o755 });
  if (link !== undefined) attribute(file, 'user.rsync.%stat', '120777 0,0 0:0');
  if (stat !== undefined) attribute(file, 'user.rsync.%stat', stat);
  if (capability) attribute(file, 'user.rsync.security.capability', 'x');
}

/** A system that has nothing to be said of, beside what is changed in it; undefined takes a file out. */
export class RootTree {
  readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), 'root-tree-'));

  add(files: Readonly<Record<string, Stored | undefined>>): this {
    for (const [name, stored] of Object.entries(files)) {
      const file = path.join(this.directory, name);
      if (stored === undefined) fs.rmSync(file, { recursive: true });
      else store(file, stored);
    }
    return this;
  }

  open(): StoredTree {
    return new StoredTree(fs.openSync(this.directory, 'r'), { uid: 0, gid: 0 });
  }

  async findings(checked: RootCheck, known: Partial<RootContext> = {}): Promise<Finding[]> {
    const context = {
      ...{ tree: this.open(), subject: 'root', kernels: [] },
      ...{ commandLine: undefined, bootedVersion: undefined, hostMachine: undefined },
      ...known,
    };
    return await runChecks([checked], context);
  }

  /** Severity, subject and what of each finding: `warning root, /etc/fstab: It ...`. */
  async said(checked: RootCheck, known: Partial<RootContext> = {}): Promise<string[]> {
    const findings = await this.findings(checked, known);
    return findings.map(({ severity, subject, what }) => `${severity} ${subject}: ${what}`);
  }

  remove(): void {
    fs.rmSync(this.directory, { recursive: true });
  }
}

/** A program as a linker makes it, of one segment. */
export function program(
  { number, bits, isLittle }: Machine,
  { loader, needed = [], runpath }: { loader?: string; needed?: readonly string[]; runpath?: string } = {},
): Buffer {
  const is64 = bits === 64;
  const [word, header, segment] = is64 ? [8, 64, 56] : [4, 52, 32];
  const strings = Buffer.from(`\0${[loader ?? '', runpath ?? '', ...needed].join('\0')}\0`);
  const dynamicAt = header + 3 * segment;
  const entries = [[5, 0] as [number, number]];
  let at = 1 + (loader ?? '').length + 1;
  if (runpath !== undefined) entries.push([29, at]);
  at += (runpath ?? '').length + 1;
  for (const name of needed) {
    entries.push([1, at]);
    at += name.length + 1;
  }
  entries.push([0, 0]);
  const stringsAt = dynamicAt + entries.length * 2 * word;
  entries[0] = [5, 0x10000 + stringsAt];
  const file = Buffer.alloc(stringsAt + strings.length);
  const put = (offset: number, size: number, value: number) => {
    if (size === 8) {
      if (isLittle) file.writeBigUInt64LE(BigInt(value), offset);
      else file.writeBigUInt64BE(BigInt(value), offset);
    } else if (isLittle) file.writeUIntLE(value, offset, size);
    else file.writeUIntBE(value, offset, size);
  };
  file.write('\x7fELF', 'latin1');
  file[4] = is64 ? 2 : 1;
  file[5] = isLittle ? 1 : 2;
  put(16, 2, 2);
  put(18, 2, number);
  put(is64 ? 32 : 28, word, header);
  put(is64 ? 54 : 42, 2, segment);
  put(is64 ? 56 : 44, 2, 3);
  const segments: [type: number, offset: number, address: number, size: number][] = [
    [1, 0, 0x10000, file.length],
    [loader === undefined ? 0 : 3, stringsAt + 1, 0, (loader ?? '').length + 1],
    [needed.length === 0 ? 0 : 2, dynamicAt, 0x10000 + dynamicAt, entries.length * 2 * word],
  ];
  for (const [index, [type, offset, address, size]] of segments.entries()) {
    const start = header + index * segment;
    put(start, 4, type);
    put(start + (is64 ? 8 : 4), word, offset);
    put(start + (is64 ? 16 : 8), word, address);
    put(start + (is64 ? 32 : 16), word, size);
  }
  for (const [index, [tag, value]] of entries.entries()) {
    put(dynamicAt + index * 2 * word, word, tag);
    put(dynamicAt + index * 2 * word + word, word, value);
  }
  strings.copy(file, stringsAt);
  return file;
}
