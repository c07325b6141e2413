import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TarError } from '../../src/tar/entry.ts';
import { BLOCK_BYTES, checksum, FIELD, isHeader } from '../../src/tar/header.ts';
import { type ReadFile, readAll, readUntilError } from './archives.ts';
import { archiveOf, type StoredFile, storedFile } from './entries.ts';

const files = fc.array(storedFile, { minLength: 1, maxLength: 4 });

/** What reading is to give. */
function expected({ entry, stored, extents }: StoredFile): ReadFile {
  const content = Buffer.alloc(entry.size);
  const data: [number, number][] = [];
  let at = 0;
  for (const { offset, length } of extents ?? [{ offset: 0, length: stored.length }]) {
    stored.copy(content, offset, at, at + length);
    at += length;
    const last = data.at(-1);
    if (last !== undefined && last[0] + last[1] === offset) last[1] += length;
    else if (length > 0) data.push([offset, length]);
  }
  return { ...entry, content, data };
}

it('reads what it wrote, in chunks of any length', async () => {
  await fc.assert(
    fc.asyncProperty(files, fc.integer({ min: 1, max: 3000 }), async (stored, chunkBytes) => {
      expect(await readAll(archiveOf(stored), chunkBytes)).toEqual(stored.map(expected));
    }),
    { numRuns: 300 },
  );
});

it('reads the same in chunks of 1 to 1100 bytes', async () => {
  const archive = archiveOf(fc.sample(storedFile, { numRuns: 8, seed: 4 }));
  const all = await readAll(archive);
  for (let chunkBytes = 1; chunkBytes <= 1100; chunkBytes += chunkBytes < 20 ? 1 : 37) {
    expect(await readAll(archive, chunkBytes)).toEqual(all);
  }
});

it('says that an archive is truncated, wherever it is cut before its end', async () => {
  const stored = fc.sample(storedFile, { numRuns: 4, seed: 12 });
  const archive = archiveOf(stored);
  const all = stored.map(expected);
  for (let length = 0; length < archive.length - 1024; length += 1) {
    const { files: read, error } = await readUntilError(archive.subarray(0, length), 700);
    expect(error).toBeInstanceOf(TarError);
    expect(String(error)).toMatch(length < 512 ? /not a tar archive/ : /truncated/);
    expect(read).toEqual(all.slice(0, read.length));
  }
});

const changes = fc.array(fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }) }), {
  minLength: 1,
  maxLength: 20,
});

function changed(archive: Buffer, list: readonly { at: number; byte: number }[]): Buffer {
  const result = Buffer.from(archive);
  for (const { at, byte } of list) result[at % result.length] = byte;
  return result;
}

async function readsOrRefuses(archive: Buffer): Promise<void> {
  const { files: read, error } = await readUntilError(archive, 1000);
  if (error !== undefined) expect(error).toBeInstanceOf(TarError);
  for (const { name, link } of read) {
    expect(name.length).toBeGreaterThan(0);
    expect(Math.max(name.length, link.length)).toBeLessThanOrEqual(4096);
    expect(name.includes(0) || link.includes(0)).toBe(false);
  }
}

it('survives any change of any bytes', async () => {
  await fc.assert(
    fc.asyncProperty(files, changes, async (stored, list) =>
      readsOrRefuses(changed(archiveOf(stored), list)),
    ),
    { numRuns: 500 },
  );
});

it('survives any change that keeps the sums right', async () => {
  await fc.assert(
    fc.asyncProperty(files, changes, async (stored, list) => {
      const archive = archiveOf(stored);
      const headers: number[] = [];
      for (let at = 0; at < archive.length; at += BLOCK_BYTES) {
        if (isHeader(archive.subarray(at, at + BLOCK_BYTES))) headers.push(at);
      }
      const damaged = changed(archive, list);
      for (const at of headers) {
        const header = damaged.subarray(at, at + BLOCK_BYTES);
        header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, FIELD.checksum[0]);
      }
      await readsOrRefuses(damaged);
    }),
    { numRuns: 1500 },
  );
});
