/** Archives for tests: made by hand, and read whole. */
import type { TarEntry } from '../../src/tar/entry.ts';
import { BLOCK_BYTES, checksum, FIELD, padded } from '../../src/tar/header.ts';
import { readTar } from '../../src/tar/reader.ts';

/** An entry with its content; `data` tells where its bytes came, offset and length. */
export interface ReadFile extends TarEntry {
  readonly content: Buffer;
  readonly data: readonly (readonly [offset: number, length: number])[];
}

/** @param chunkBytes how the archive arrives */
export async function readAll(archive: Buffer, chunkBytes = archive.length + 1): Promise<ReadFile[]> {
  const { files, error } = await readUntilError(archive, chunkBytes);
  if (error !== undefined) throw error;
  return files;
}

/** What was complete before the error, if there was one. */
export async function readUntilError(
  archive: Buffer,
  chunkBytes = archive.length + 1,
): Promise<{ files: ReadFile[]; error?: unknown }> {
  const files: ReadFile[] = [];
  let entry: TarEntry | undefined;
  let content = Buffer.alloc(0);
  let data: [number, number][] = [];
  const visitor = {
    entry(next: TarEntry) {
      if (entry !== undefined) throw new Error('the last entry has no end');
      entry = next;
      content = Buffer.alloc(Math.min(next.size, 9 * 1024 * 1024));
      data = [];
    },
    data(offset: number, chunk: Buffer) {
      const last = data.at(-1) ?? [0, 0];
      const isInside = offset >= last[0] + last[1] && offset + chunk.length <= (entry?.size ?? 0);
      if (chunk.length === 0 || !isInside) throw new Error('data out of place');
      chunk.copy(content, offset);
      // The same, whatever the chunks.
      if (data.length > 0 && last[0] + last[1] === offset) last[1] += chunk.length;
      else data.push([offset, chunk.length]);
    },
    end() {
      if (entry === undefined) throw new Error('an end without an entry');
      files.push({ ...entry, content, data });
      entry = undefined;
    },
  };
  try {
    await readTar(chunksOf(archive, chunkBytes), visitor);
    return { files };
  } catch (error) {
    return { files, error };
  }
}

/** Overwrites each chunk when the next one is due, as a reader of files may. */
export async function* chunksOf(bytes: Buffer, chunkBytes: number): AsyncGenerator<Buffer, void, void> {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = Buffer.from(bytes.subarray(at, at + chunkBytes));
    yield chunk;
    chunk.fill('#');
  }
}

export const END = Buffer.alloc(2 * BLOCK_BYTES);

/** What a header says in its fields, as it is written there. */
export interface RawFields {
  readonly type?: string;
  readonly name?: string;
  readonly mode?: string;
  readonly uid?: string;
  readonly size?: string;
  readonly mtime?: string;
  readonly link?: string;
  readonly magic?: string;
  readonly major?: string;
  readonly prefix?: string;
}

const DEFAULTS: RawFields = {
  type: '0',
  name: 'file',
  mode: '0000644',
  size: '00000000000',
  magic: 'ustar\x0000',
};

/** A header with the right sum; strings are latin1. */
export function rawHeader(fields: RawFields, change: (header: Buffer) => void = () => {}): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  for (const [field, value] of Object.entries({ ...DEFAULTS, ...fields })) {
    header.write(value, FIELD[field as keyof RawFields][0], 'latin1');
  }
  change(header);
  header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, FIELD.checksum[0]);
  return header;
}

/** An entry whose content follows, padded; without a size of its own it gets that of the content. */
export function rawEntry(fields: RawFields, content: Buffer | string = ''): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  const size = bytes.length.toString(8).padStart(11, '0');
  return Buffer.concat([rawHeader({ size, ...fields }), bytes, zeros(padded(bytes.length) - bytes.length)]);
}

/** An extended header, of records without their lengths. */
export function extended(records: Record<string, string>, type = 'x'): Buffer {
  return rawEntry({ type, name: 'PaxHeaders/x' }, Object.entries(records).map(paxRecord).join(''));
}

export function paxRecord([key, value]: readonly [string, string]): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return `${length}${rest}`;
}

export function zeros(length: number): Buffer {
  return Buffer.alloc(length);
}
