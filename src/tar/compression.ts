/** Tells what an archive is compressed with, or what it is instead of an archive, from its first bytes. */
import { TarError } from './entry.ts';
import { BLOCK_BYTES, isHeader, isZero } from './header.ts';

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

/** What compressionOf needs to see, if there is so much. */
export const START_BYTES = BLOCK_BYTES;

const COMPRESSIONS: readonly [start: RegExp, compression: Compression][] = [
  [/^\x1f\x8b/, 'gzip'],
  [/^\x28\xb5\x2f\xfd/, 'zstd'],
  // A frame to be skipped, as pzstd puts before the others.
  [/^[\x50-\x5f]\x2a\x4d\x18/, 'zstd'],
  [/^\xfd7zXZ\0/, 'xz'],
  // The second form has no content.
  [/^BZh[1-9](?:1AY&SY|\x17rE8P\x90)/, 'bzip2'],
];

const UNSUPPORTED: readonly [start: RegExp, what: string][] = [
  [/^\x04\x22\x4d\x18|^\x02\x21\x4c\x18/, 'compressed with lz4'],
  [/^LZIP/, 'compressed with lzip'],
  [/^\x89LZO\0/, 'compressed with lzop'],
  [/^\x5d\0\0.{10}/s, 'compressed with lzma'],
  [/^\x1f\x9d/, 'compressed with compress'],
  [/^PK[\x03\x05]/, 'a zip archive'],
  [/^7z\xbc\xaf\x27\x1c/, 'a 7-Zip archive'],
  [/^Rar!\x1a\x07/, 'a RAR archive'],
  [/^07070[127]|^\xc7\x71|^\x71\xc7/, 'a cpio archive'],
  [/^!<arch>\n/, 'an ar archive or Debian package'],
  [/^\xed\xab\xee\xdb/, 'an RPM package'],
  [/^hsqs/, 'a squashfs image'],
];

/**
 * @param start the first START_BYTES, or all there are
 * @throws TarError for what can be told and not be read
 */
export function compressionOf(start: Buffer): Compression {
  // The name of its first file can begin with anything.
  if (start.length >= BLOCK_BYTES && (isHeader(start) || isZero(start))) return 'none';
  const bytes = start.toString('latin1');
  for (const [pattern, compression] of COMPRESSIONS) if (pattern.test(bytes)) return compression;
  for (const [pattern, what] of UNSUPPORTED) {
    if (pattern.test(bytes)) throw new TarError(`${what}: give a tar archive, plain or with ${SUPPORTED}`);
  }
  return 'none';
}

const SUPPORTED = 'gzip, xz, zstd or bzip2';
