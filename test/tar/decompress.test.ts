import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import { decompressed } from '../../src/tar/decompress.ts';
import { TarError } from '../../src/tar/entry.ts';
import { readTar } from '../../src/tar/reader.ts';
import { END, rawEntry, zeros } from './archives.ts';
import type { Report } from './unpack.ts';

const MEBI = 1024 * 1024;
const content = Buffer.concat(
  Array.from({ length: 200 }, (_, index) => Buffer.alloc(5000, `${index} content `)),
);
const archive = Buffer.concat([rawEntry({ name: 'file' }, content), END]);

const COMPRESSIONS = [
  ['gzip', ['gzip', '-c']],
  ['zstd', ['zstd', '-c']],
  ['xz', ['xz', '-c']],
  ['bzip2', ['bzip2', '-c']],
] as const;

function packed([program, ...options]: readonly [string, ...string[]], input: Buffer): Buffer {
  return execFileSync(program, options, { input, maxBuffer: 100 * MEBI, stdio: ['pipe', 'pipe', 'pipe'] });
}

async function* chunksOf(bytes: Buffer, chunkBytes: number): AsyncGenerator<Buffer, void, void> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

async function unpacked(bytes: Buffer, chunkBytes = 4096): Promise<{ data: Buffer; found: string[] }> {
  const found: string[] = [];
  const chunks: Buffer[] = [];
  for await (const chunk of decompressed(chunksOf(bytes, chunkBytes), (what) => found.push(what))) {
    chunks.push(Buffer.from(chunk));
  }
  return { data: Buffer.concat(chunks), found };
}

it.each([
  ['an archive', archive],
  ['less than a block', Buffer.from('short')],
  ['nothing', Buffer.alloc(0)],
  ['a file whose name begins like compressed data', rawEntry({ name: '\x1f\x8b\x08' })],
])('passes on %s that is not compressed', async (_what, bytes) => {
  for (const chunkBytes of [1, 300, 100_000]) {
    const { data, found } = await unpacked(bytes, chunkBytes);
    expect(found).toEqual(['none']);
    expect(data.equals(bytes)).toBe(true);
  }
});

it.each(COMPRESSIONS)('unpacks %s', async (name, command) => {
  const bytes = packed(command, archive);
  for (const chunkBytes of [3, 1_000_000]) {
    const { data, found } = await unpacked(bytes, chunkBytes);
    expect(found).toEqual([name]);
    expect(data.equals(archive)).toBe(true);
  }
});

it.each(COMPRESSIONS)(
  'unpacks %s in several parts, as parallel programs write it',
  async (_name, command) => {
    const parts = [archive.subarray(0, 1000), archive.subarray(1000, 1000), archive.subarray(1000)];
    const { data } = await unpacked(Buffer.concat(parts.map((part) => packed(command, part))));
    expect(data.equals(archive)).toBe(true);
  },
);

it.each(COMPRESSIONS)('unpacks %s from a buffer that is used again', async (_name, command) => {
  const random = Buffer.concat([rawEntry({}, randomBytes(2 * MEBI)), END]);
  const bytes = packed(command, random);
  async function* source() {
    const buffer = Buffer.alloc(64 * 1024);
    for (let at = 0; at < bytes.length; at += buffer.length) {
      buffer.fill('#');
      const length = bytes.copy(buffer, 0, at);
      yield buffer.subarray(0, length);
    }
  }
  const chunks: Buffer[] = [];
  for await (const chunk of decompressed(source())) chunks.push(Buffer.from(chunk));
  expect(Buffer.concat(chunks).equals(random)).toBe(true);
});

it('unpacks zstd behind a frame that is to be skipped', async () => {
  const skipped = Buffer.from('502a4d180400000001020304', 'hex');
  const { data } = await unpacked(Buffer.concat([skipped, zlib.zstdCompressSync(archive)]));
  expect(data.equals(archive)).toBe(true);
});

it.each(COMPRESSIONS)('says that %s data is truncated', async (name, command) => {
  const bytes = packed(command, archive);
  for (const length of [20, bytes.length >> 1, bytes.length - 1]) {
    await expect(unpacked(bytes.subarray(0, length))).rejects.toThrow(new TarError(`truncated ${name} data`));
  }
});

it.each(COMPRESSIONS)('says that %s data is damaged', async (name, command) => {
  const bytes = packed(command, archive);
  bytes.fill('#', bytes.length - 60, bytes.length - 20);
  await expect(unpacked(bytes)).rejects.toThrow(TarError);
  await expect(unpacked(bytes)).rejects.toThrow(new RegExp(`^damaged ${name} data \\(.+\\)$`));
});

it.each([
  ['lz4', '\x04\x22\x4d\x18', 'compressed with lz4'],
  ['lzip', 'LZIP\x01', 'compressed with lzip'],
  ['lzop', '\x89LZO\0\r\n', 'compressed with lzop'],
  ['lzma', '\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0', 'compressed with lzma'],
  ['compress', '\x1f\x9d\x90', 'compressed with compress'],
  ['zip', 'PK\x03\x04', 'a zip archive'],
  ['7-Zip', '7z\xbc\xaf\x27\x1c', 'a 7-Zip archive'],
  ['RAR', 'Rar!\x1a\x07\x01', 'a RAR archive'],
  ['cpio', '070701', 'a cpio archive'],
  ['deb', '!<arch>\ndebian-binary', 'an ar archive or Debian package'],
  ['rpm', '\xed\xab\xee\xdb', 'an RPM package'],
  ['squashfs', 'hsqs', 'a squashfs image'],
])('names %s, which it can not read', async (_what, start, words) => {
  const bytes = Buffer.concat([Buffer.from(start, 'latin1'), Buffer.alloc(1000, 'x')]);
  await expect(unpacked(bytes)).rejects.toThrow(
    new TarError(`${words}: give a tar archive, plain or with gzip, xz, zstd or bzip2`),
  );
});

it('refuses what takes much memory to unpack', async () => {
  const long = packed(['zstd', '--long=27', '-c'], Buffer.alloc(20 * MEBI, 'x'));
  await expect(unpacked(long)).rejects.toThrow(/^zstd data that takes too much memory: /);

  // As `xz --lzma2=dict=4GiB` would say: the size of the dictionary stands in the header of the first block.
  const large = packed(['xz', '-c'], archive);
  large[16] = 40;
  large.writeUInt32LE(zlib.crc32(large.subarray(12, 20)), 20);
  await expect(unpacked(large)).rejects.toThrow(/^xz data that takes too much memory: /);
});

it('unpacks what the highest level of xz wrote', async () => {
  const { data } = await unpacked(packed(['xz', '-9', '-c'], archive));
  expect(data.equals(archive)).toBe(true);
});

it.each(COMPRESSIONS)('passes on what goes wrong in the source of %s', async (_name, command) => {
  const bytes = packed(command, archive);
  const error = new Error('connection lost');
  async function* source() {
    yield bytes.subarray(0, bytes.length >> 1);
    throw error;
  }
  const reading = async () => {
    for await (const _chunk of decompressed(source()));
  };
  await expect(reading()).rejects.toBe(error);
});

it.each(COMPRESSIONS)(
  'ends the source and the program when nobody wants more of %s',
  async (_name, command) => {
    const bytes = packed(command, zeros(10 * MEBI));
    let ended = false;
    async function* source() {
      try {
        for (;;) yield bytes;
      } finally {
        ended = true;
      }
    }
    for await (const _chunk of decompressed(source())) break;
    await expect.poll(() => ended, { timeout: 10_000 }).toBe(true);
    await expect.poll(children, { timeout: 10_000 }).toEqual([]);
  },
);

/** Our own child processes. */
function children(): string[] {
  return fs
    .readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
    .split(' ')
    .filter((pid) => pid !== '');
}

afterEach(() => {
  delete process.env.XZ_OPT;
});

it('gives the programs nothing of the environment', async () => {
  process.env.XZ_OPT = '--no-such-option';
  const { data } = await unpacked(packed(['env', '-u', 'XZ_OPT', 'xz', '-c'], archive));
  expect(data.equals(archive)).toBe(true);
});

/** In a process of its own, behind the words of `wrapper`. */
function unpackApart(input: Buffer, wrapper: readonly string[] = []): Report {
  const [program = '', ...options] = [
    ...wrapper,
    process.execPath,
    path.join(import.meta.dirname, 'unpack.ts'),
  ];
  return JSON.parse(
    execFileSync(program, options, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }),
  );
}

it('says which program is missing', () => {
  const hidden = 'mount --bind /dev/null /usr/bin/xz && exec "$@"';
  const report = unpackApart(packed(['xz', '-c'], archive), ['unshare', '-rm', 'sh', '-c', hidden, 'sh']);
  expect(report.problem).toBe('TarError: the server lacks /usr/bin/xz');
});

it('says that a program was killed', async () => {
  const bytes = packed(['xz', '-c'], archive);
  async function* source() {
    yield bytes.subarray(0, 600);
    for (const pid of children()) process.kill(Number(pid), 'SIGKILL');
    yield bytes.subarray(600);
  }
  const reading = async () => {
    for await (const _chunk of decompressed(source()));
  };
  await expect(reading()).rejects.toThrow(new TarError('xz did not end by itself (SIGKILL)'));
});

it.each([
  ['gzip', ['gzip', '-1', '-c']],
  ['zstd', ['zstd', '-19', '-c']],
  ['xz', ['xz', '-0', '-c']],
] as const)('takes little memory for large %s data', { timeout: 60_000 }, (_name, command) => {
  const large = rawEntry({ name: 'large' }, Buffer.alloc(150 * MEBI, 'some content '));
  const report = unpackApart(packed(command, Buffer.concat([large, END])));
  expect(report).toMatchObject({ files: 1, bytes: 150 * MEBI, problem: '' });
  expect(report.growth).toBeLessThan(30 * MEBI);
});

it('does not wait for the source to say that this is no archive', async () => {
  const bytes = packed(['gzip', '-c'], randomBytes(100_000));
  async function* source() {
    yield bytes.subarray(0, bytes.length - 8);
    await new Promise(() => {});
  }
  const visitor = { entry() {}, data() {}, end() {} };
  await expect(readTar(decompressed(source()), visitor)).rejects.toThrow(new TarError('not a tar archive'));
});

it('reads an archive from a program until the end, whatever is behind the archive', async () => {
  const bytes = packed(['xz', '-c'], Buffer.concat([archive, Buffer.alloc(3 * MEBI, 'x')]));
  let files = 0;
  await readTar(decompressed(chunksOf(bytes, 4096)), {
    entry() {
      files += 1;
    },
    data() {},
    end() {},
  });
  expect(files).toBe(1);
});
