import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MAX_READ, Stable } from '../../../src/nfs/vfs/data.ts';
import type { Inode } from '../../../src/nfs/vfs/vfs.ts';
import {
  ALICE,
  BOB,
  bytes,
  bytesOf,
  codeOf,
  makePlace,
  openDescriptors,
  type Place,
  patiently,
  put,
  ROOT,
  run,
} from './fixture.ts';

let place: Place;
let inode: Inode;
beforeEach(async () => {
  place = makePlace();
  inode = await put(place.vfs, place.vfs.root, 'file', { uid: 1000, content: 'content' });
});
afterEach(() => {
  vi.restoreAllMocks();
  place.remove();
});

async function read(offset: number, count: number, who = ROOT): Promise<{ text: string; eof: boolean }> {
  const result = await place.vfs.read(who, inode, offset, count);
  return { text: bytesOf(result).toString('latin1'), eof: result.eof };
}

describe('READ', () => {
  test.each([
    [0, 7, 'content', true],
    [0, 100, 'content', true],
    [0, 3, 'con', false],
    [4, 3, 'ent', true],
    [6, 1, 't', true],
    [7, 10, '', true],
    [8, 10, '', true],
    [2 ** 33, 10, '', true],
    [2 ** 63, 10, '', true],
    [Number(2n ** 64n - 1n), 2 ** 32 - 1, '', true],
    [0, 0, '', false],
  ])('at %i, %i bytes', async (offset, count, text, eof) => {
    expect(await read(offset, count)).toEqual({ text, eof });
  });

  test('of nothing in an empty file is its end', async () => {
    await place.vfs.setattr(ROOT, inode, { size: 0 });
    expect(await read(0, 0)).toEqual({ text: '', eof: true });
  });

  test('of large files, all sizes around those where the way changes', async () => {
    const content = Buffer.alloc(3 * MAX_READ + 5);
    for (let at = 0; at < content.length; at += 4)
      content.writeUInt32LE(at, at > content.length - 4 ? at - 4 : at);
    fs.writeFileSync(place.path('file'), content);
    for (const count of [1, 4095, 65_535, 65_536, 65_537, MAX_READ - 1, MAX_READ, MAX_READ + 1]) {
      for (const offset of [0, 1, 4096, MAX_READ - 7, content.length - count, content.length - 1]) {
        const length = Math.min(count, MAX_READ, content.length - offset);
        const result = await place.vfs.read(ROOT, inode, offset, count);
        expect(bytesOf(result).equals(content.subarray(offset, offset + length))).toBe(true);
        expect(result.eof).toBe(offset + length >= content.length);
      }
    }
  });

  test('needs permission; the owner and whoever may execute need none', async () => {
    const codes = async (mode: number) => {
      await place.vfs.setattr(ROOT, inode, { mode });
      return [await codeOf(() => read(0, 1, ALICE)), await codeOf(() => read(0, 1, BOB))];
    };
    expect(await codes(0o600)).toEqual(['ok', 'EACCES']);
    expect(await codes(0o000)).toEqual(['ok', 'EACCES']);
    expect(await codes(0o4711)).toEqual(['ok', 'ok']);
  });

  test('of what is not in memory runs in a thread, several at once', async () => {
    const size = 8 * MAX_READ;
    const content = Buffer.alloc(size);
    for (let at = 0; at < size; at += 4096) content.writeUInt32LE(at, at);
    fs.writeFileSync(place.path('file'), content);
    run(
      'dd',
      `of=${place.path('file')}`,
      'oflag=nocache',
      'conv=notrunc,fdatasync',
      'count=0',
      'status=none',
    );
    const begin = openDescriptors().length;
    const reads = Array.from({ length: 40 }, (_, index) => {
      place.vfs.begin();
      const offset = ((index * 7) % 40) * 200_000;
      const result = place.vfs.read(ROOT, inode, offset, 150_000);
      // What was in memory is valid until the next read only.
      return { offset, data: result instanceof Promise ? result.then(bytesOf) : bytesOf(result) };
    });
    expect(reads.filter(({ data }) => data instanceof Promise).length).toBeGreaterThan(5);
    for (const { offset, data: answer } of reads) {
      const data = await answer;
      expect(data.equals(content.subarray(offset, offset + 150_000))).toBe(true);
    }
    expect(openDescriptors().length).toBe(begin);
  });

  test('goes on while the file is unlinked, and then it is gone', async () => {
    fs.writeFileSync(place.path('file'), Buffer.alloc(MAX_READ, 'x'));
    run(
      'dd',
      `of=${place.path('file')}`,
      'oflag=nocache',
      'conv=notrunc,fdatasync',
      'count=0',
      'status=none',
    );
    const handle = place.vfs.handleOf(inode);
    const result = place.vfs.read(ROOT, inode, 0, MAX_READ);
    expect(result).toBeInstanceOf(Promise);
    await place.vfs.remove(ROOT, place.vfs.root, bytes('file'));
    expect(bytesOf(await result).equals(Buffer.alloc(MAX_READ, 'x'))).toBe(true);
    expect(await codeOf(() => patiently(() => place.vfs.resolve(handle)))).toBe('ESTALE');
    expect(openDescriptors().filter((name) => name.includes('deleted'))).toEqual([]);
  });

  test('of what another program unlinked: ESTALE, and its space is free', async () => {
    await read(0, 1);
    fs.unlinkSync(place.path('file'));
    expect(await codeOf(() => place.vfs.read(ROOT, inode, 0, 1))).toBe('ESTALE');
    expect(openDescriptors().filter((name) => name.includes('deleted'))).toEqual([]);
  });
});

describe('WRITE', () => {
  test('in the middle, at the end, beyond it', async () => {
    expect(await place.vfs.write(ROOT, inode, 3, bytes('TE'), Stable.UNSTABLE)).toBe(2);
    expect(await read(0, 100)).toEqual({ text: 'conTEnt', eof: true });
    await place.vfs.write(ROOT, inode, 7, bytes('!'), Stable.DATA_SYNC);
    await place.vfs.write(ROOT, inode, 10, bytes('?'), Stable.FILE_SYNC);
    expect(await read(0, 100)).toEqual({ text: 'conTEnt!\0\0?', eof: true });
    expect(place.vfs.attributes(inode).size).toBe(11);
  });

  test('far behind: sparse, beyond 4 GiB and 5 GiB', async () => {
    for (const offset of [2 ** 32 - 1, 2 ** 32, 5 * 2 ** 30 + 3]) {
      expect(await place.vfs.write(ROOT, inode, offset, bytes('far'), Stable.UNSTABLE)).toBe(3);
      expect(await read(offset, 10)).toMatchObject({ text: 'far' });
      expect(await read(offset - 2, 2)).toMatchObject({ text: expect.stringMatching(/^(\0|f|fa|r)*/) });
      expect(place.vfs.attributes(inode).size).toBe(offset + 3);
    }
    expect(place.vfs.attributes(inode).used).toBeLessThan(100_000);
    expect(await read(2 ** 31, 4)).toEqual({ text: '\0\0\0\0', eof: false });
  });

  test.each([2 ** 53, 2 ** 62, 2 ** 63 - 1024, Number(2n ** 64n - 1n), 17 * 2 ** 40])(
    'at %i: EFBIG',
    async (offset) => {
      expect(await codeOf(() => place.vfs.write(ROOT, inode, offset, bytes('x'), 0))).toBe('EFBIG');
      expect(place.vfs.attributes(inode).size).toBe(7);
    },
  );

  test.each([17 * 2 ** 40, 2 ** 63, Number(2n ** 64n - 1n)])('a size of %i: EFBIG', async (size) => {
    expect(await codeOf(() => place.vfs.setattr(ROOT, inode, { size }))).toBe('EFBIG');
    expect(place.vfs.attributes(inode).size).toBe(7);
  });

  test('of nothing writes nothing', async () => {
    const { ctime } = place.vfs.attributes(inode);
    expect(await place.vfs.write(ROOT, inode, 100, Buffer.alloc(0), Stable.FILE_SYNC)).toBe(0);
    expect(place.vfs.attributes(inode)).toMatchObject({ size: 7, ctime });
  });

  test('needs permission; the owner needs none', async () => {
    await place.vfs.setattr(ROOT, inode, { mode: 0o444 });
    expect(await codeOf(() => place.vfs.write(ALICE, inode, 0, bytes('x'), 0))).toBe('ok');
    expect(await codeOf(() => place.vfs.write(BOB, inode, 0, bytes('x'), 0))).toBe('EACCES');
    expect(await codeOf(() => place.vfs.commit(BOB, inode))).toBe('EACCES');
  });

  test('after a READ uses a descriptor that can write', async () => {
    place.restart();
    inode = place.vfs.lookup(ROOT, place.vfs.root, bytes('file'));
    expect(await read(0, 3)).toMatchObject({ text: 'con' });
    await place.vfs.write(ROOT, inode, 0, bytes('C'), Stable.FILE_SYNC);
    expect(await read(0, 3)).toMatchObject({ text: 'Con' });
  });
});

describe('COMMIT', () => {
  test('100 at once, and the verifier stays', async () => {
    const before = Buffer.from(place.vfs.writeVerifier);
    expect(before.length).toBe(8);
    await place.vfs.write(ROOT, inode, 0, Buffer.alloc(MAX_READ, 'y'), Stable.UNSTABLE);
    await Promise.all(Array.from({ length: 100 }, () => place.vfs.commit(ROOT, inode)));
    expect(place.vfs.writeVerifier.equals(before)).toBe(true);
    place.restart();
    expect(place.vfs.writeVerifier.equals(before)).toBe(true);
  });

  test('a failure moves the verifier', async () => {
    const before = Buffer.from(place.vfs.writeVerifier);
    const failure = Object.assign(new Error('fsync'), { code: 'EIO' });
    const failing = (_fd: number, done: (error: Error) => void) => done(failure);
    vi.spyOn(fs, 'fsync').mockImplementation(failing as typeof fs.fsync);
    vi.spyOn(fs, 'fsyncSync').mockImplementation(() => {
      throw failure;
    });
    expect(await codeOf(() => place.vfs.commit(ROOT, inode))).toBe('EIO');
    const after = Buffer.from(place.vfs.writeVerifier);
    expect(after.equals(before)).toBe(false);
    expect(await codeOf(() => place.vfs.write(ROOT, inode, 0, bytes('x'), Stable.FILE_SYNC))).toBe('EIO');
    expect(place.vfs.writeVerifier.equals(after)).toBe(false);
  });
});

test('after close() no descriptor is left', async () => {
  const before = openDescriptors();
  const other = makePlace();
  for (let index = 0; index < 500; index += 1) {
    const { vfs } = other;
    const directory = await vfs.mkdir(ROOT, vfs.root, bytes(`d${index}`), { mode: 0o755 });
    await put(vfs, directory, 'file', { content: 'x' });
  }
  expect(openDescriptors().length).toBeGreaterThan(500);
  other.remove();
  expect(openDescriptors()).toEqual(before);
});

test('a COMMIT that may take long is never waited for by all, though nobody else calls', async () => {
  await place.vfs.write(ROOT, inode, 0, Buffer.alloc(257 * 1024), Stable.UNSTABLE);
  const committed = place.vfs.commit(ROOT, inode, true);
  expect(committed).toBeInstanceOf(Promise);
  await committed;
  expect(await codeOf(() => place.vfs.commit(ROOT, inode, true))).toBe('ok');
});
