import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fillListing, listing } from '../../../src/nfs/procedures/listing.ts';
import { biguint64, opaque, struct } from '../../../src/nfs/wire/xdr.ts';
import { decode, encode } from './xdr-bytes.ts';

const HEAD_BYTES = 96;
const entry3 = struct({ fileid: biguint64, name: opaque(255), cookie: biguint64 });
const dirlist3 = listing(entry3);

/** A directory whose cookies are positions. */
function directory(names: readonly Buffer[], from: number) {
  let at = from;
  return {
    next: () => {
      const name = names[at];
      at += 1;
      return name && { fileid: at, name, cookie: BigInt(at) };
    },
  };
}

function fill(names: readonly Buffer[], from: number, resok: number, budget: number) {
  const encoded = fillListing(directory(names, from), { resok, names: budget }, (writer, entry) => {
    entry3.write(writer, { ...entry, fileid: BigInt(entry.fileid) });
  });
  const bytes = encode(dirlist3, encoded);
  const reply = decode(dirlist3, bytes);
  if (!('entries' in reply)) throw new Error('not decoded');
  return { bytes, ...reply };
}

const name = fc.uint8Array({ minLength: 1, maxLength: 255 }).map((bytes) => Buffer.from(bytes));
const names = fc.array(name, { maxLength: 60 });

test('each entry comes once, in replies that are as full as they may be and no fuller', () => {
  fc.assert(
    fc.property(names, fc.integer({ min: 400, max: 5000 }), (all, resok) => {
      const seen: Buffer[] = [];
      for (;;) {
        const { bytes, entries, eof } = fill(all, seen.length, resok, resok);
        expect(HEAD_BYTES + bytes.length).toBeLessThanOrEqual(resok);
        expect(entries.length).toBeGreaterThan(eof ? -1 : 0);
        seen.push(...entries.map((entry) => Buffer.from(entry.name)));
        expect(entries.at(-1)?.cookie ?? BigInt(seen.length)).toBe(BigInt(seen.length));
        const following = all[seen.length];
        expect(eof).toBe(following === undefined);
        if (following === undefined) break;
        const more = 24 + Math.ceil(following.length / 4) * 4;
        expect(HEAD_BYTES + bytes.length + more).toBeGreaterThan(resok);
      }
      expect(seen).toEqual(all);
    }),
  );
});

test('the first entry comes even where dircount is too small for it', () => {
  fc.assert(
    fc.property(names, fc.integer({ min: 0, max: 600 }), (all, dircount) => {
      const { entries } = fill(all, 0, 65_536, dircount);
      const sizes = entries.map((entry) => 24 + Math.ceil(entry.name.length / 4) * 4);
      expect(entries.length).toBeGreaterThanOrEqual(Math.min(1, all.length));
      if (entries.length > 1) expect(sizes.reduce((a, b) => a + b)).toBeLessThanOrEqual(dircount);
    }),
  );
});

test('a reply too small for anything is refused', () => {
  expect(fill([], 0, HEAD_BYTES + 8, 0)).toMatchObject({ entries: [], eof: true });
  expect(() => fill([], 0, HEAD_BYTES + 7, 0)).toThrow('ETOOSMALL');
  const one = [Buffer.from('a')];
  expect(fill(one, 0, HEAD_BYTES + 8 + 28, 0)).toMatchObject({ entries: [{ cookie: 1n }], eof: true });
  expect(() => fill(one, 0, HEAD_BYTES + 8 + 27, 0)).toThrow('ETOOSMALL');
});

test('an error in the middle leaves nothing behind', () => {
  const broken = {
    count: 0,
    next() {
      this.count += 1;
      if (this.count > 2) throw Object.assign(new Error('EIO'), { code: 'EIO' });
      return { fileid: 1, name: Buffer.from('a'), cookie: 1n };
    },
  };
  expect(() => fillListing(broken, { resok: 4096, names: 4096 }, (writer) => writer.uint32(7))).toThrow(
    'EIO',
  );
  expect(fill([], 0, 4096, 4096).bytes.toString('hex')).toBe('0000000000000001');
});
