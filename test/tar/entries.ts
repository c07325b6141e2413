/** Entries of any kind for fast-check, with what is stored of their content. */
import fc from 'fast-check';
import type { TarEntry, TarExtent, TarType } from '../../src/tar/entry.ts';
import { END_MARKER, headerOf, padding } from '../../src/tar/writer.ts';

export interface StoredFile {
  readonly entry: TarEntry;
  readonly stored: Buffer;
  /** Of a sparse file. */
  readonly extents: readonly TarExtent[] | undefined;
}

const NOTHING = Buffer.alloc(0);
const MAX_ID = 0xffff_fffe;

const name = fc
  .array(
    fc.oneof(
      fc.constant('/'),
      fc.constant('a'.repeat(99)),
      fc.nat({ max: 254 }).map((byte) => String.fromCharCode(byte + 1)),
    ),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  // A slash at the end of a file's name makes it a directory.
  .map((parts) => Buffer.from(`${parts.join('')}.`, 'latin1'));

const value = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));

const xattrs = fc
  .dictionary(
    fc.string({ unit: fc.constantFrom('a', '%', '=', 'D', '\xff', '.'), minLength: 1, maxLength: 9 }),
    value,
    { maxKeys: 3 },
  )
  .map((attributes) => new Map(Object.entries(attributes).map(([key, bytes]) => [`user.${key}`, bytes])));

const id = fc.oneof(fc.nat({ max: 70_000 }), fc.nat({ max: MAX_ID }), fc.constant(MAX_ID));

const mtime = fc.record({
  seconds: fc.oneof(fc.nat(), fc.integer({ min: -(10 ** 12), max: 10 ** 12 })),
  nanoseconds: fc.oneof(fc.constant(0), fc.nat({ max: 999_999_999 })),
});

const common = {
  name,
  mode: fc.nat({ max: 0o7777 }),
  uid: id,
  gid: id,
  mtime,
  xattrs,
  acl: fc.record({ access: fc.constant('user::rw-,group::r--,other::---') }, { requiredKeys: [] }),
};

const none = { major: 0, minor: 0, size: 0, link: NOTHING };

const whole = fc
  .record(common)
  .chain((entry) =>
    value.map((stored) => file({ ...entry, ...none, type: 'file', size: stored.length }, stored)),
  );

const sparse = fc.record(common).chain((entry) =>
  fc
    .array(fc.record({ hole: fc.nat({ max: 5000 }), content: value.filter(({ length }) => length > 0) }), {
      maxLength: 60,
    })
    .chain((parts) =>
      fc.nat({ max: 5000 }).map((tail) => {
        let size = 0;
        const extents = parts.map(({ hole, content }) => {
          const extent = { offset: size + hole, length: content.length };
          size = extent.offset + extent.length;
          return extent;
        });
        const stored = Buffer.concat(parts.map(({ content }) => content));
        return { ...file({ ...entry, ...none, type: 'file', size: size + tail }, stored), extents };
      }),
    ),
);

const device = fc.nat({ max: 0xffff_ffff });
const special = fc
  .record({
    ...common,
    type: fc.constantFrom<TarType>('character', 'block', 'fifo', 'directory', 'symlink', 'hardlink'),
    link: name,
    major: device,
    minor: device,
  })
  .map((entry) => {
    const isLink = entry.type === 'symlink' || entry.type === 'hardlink';
    const isDevice = entry.type === 'character' || entry.type === 'block';
    return file({
      ...entry,
      ...none,
      ...(isLink && { link: entry.link }),
      ...(isDevice && { major: entry.major, minor: entry.minor }),
    });
  });

export const storedFile: fc.Arbitrary<StoredFile> = fc.oneof(whole, sparse, special);

function file(entry: TarEntry, stored = NOTHING): StoredFile {
  return { entry, stored, extents: undefined };
}

export function archiveOf(files: readonly StoredFile[]): Buffer {
  const parts = files.flatMap(({ entry, stored, extents }) => [
    headerOf(entry, extents),
    stored,
    padding(stored.length),
  ]);
  return Buffer.concat([...parts, END_MARKER]);
}
