import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { kernelImage } from '../../../src/doctor/root/kernel-image.ts';
import { findKernels } from '../../../src/doctor/root/kernels.ts';
import { machineName } from '../../../src/doctor/root/machine.ts';
import { ARM64, program } from './root-tree.ts';

/** An image with bytes at places. */
function image(parts: Readonly<Record<number, string | number[]>>, size = 0x1000): Buffer {
  const bytes = Buffer.alloc(size);
  for (const [at, part] of Object.entries(parts)) {
    Buffer.from(part as string, 'latin1').copy(bytes, Number(at));
  }
  return bytes;
}

const BANNER = 'Linux version 6.1.0-demo (somebody@somewhere)';
const arm64 = image({ 56: 'ARMd', 2048: BANNER });
const bzImage = image({ 514: 'HdrS\x0f\x02', 526: [0x00, 0x04], 566: [1], 1536: '6.12.9-amd64 (x) #1\0' });

const KNOWN: [string, Buffer, string, string | undefined][] = [
  ['Image', arm64, 'ARM64', '6.1.0-demo'],
  ['Image.gz', zlib.gzipSync(arm64), 'ARM64', '6.1.0-demo'],
  ['Image.zst', zlib.zstdCompressSync(arm64), 'ARM64', '6.1.0-demo'],
  ['zImage', image({ 36: [0x18, 0x28, 0x6f, 0x01] }), 'ARM', undefined],
  ['bzImage', bzImage, 'x86-64', '6.12.9-amd64'],
  ['bzImage of 32 bits', image({ 514: 'HdrS\x0f\x02' }), 'x86', undefined],
  ['RISC-V', image({ 56: 'RSC\x05', 256: BANNER }), 'RISC-V 64', '6.1.0-demo'],
  ['uImage', image({ 0: [0x27, 5, 0x19, 0x56], 28: [5, 2, 2, 0], 32: 'Linux-5.10.1\0' }), 'ARM', '5.10.1'],
  ['EFI', image({ 0: 'MZ', 60: [0x80], 128: 'PE\0\0\x64\xaa' }), 'ARM64', undefined],
  ['vmlinux', Buffer.concat([program(ARM64), Buffer.from(BANNER)]), 'ARM64', '6.1.0-demo'],
];

it.each(KNOWN)('knows %s', (_, bytes, name, version) => {
  const found = kernelImage(bytes);
  expect(found && machineName(found.machine)).toBe(name);
  expect(found?.version).toBe(version);
});

it.each([
  ['a program', program(ARM64)],
  ['boot.scr', image({ 0: [0x27, 5, 0x19, 0x56], 28: [5, 2, 6, 0], 32: 'boot' })],
  ['an archive', zlib.gzipSync(Buffer.alloc(1 << 20))],
  ['a bomb', zlib.gzipSync(Buffer.alloc(200 << 20))],
  ['a bomb of zstd', zlib.zstdCompressSync(Buffer.alloc(200 << 20))],
  ['an archive of zstd', zlib.zstdCompressSync(Buffer.alloc(1 << 20))],
  ['little', Buffer.from('MZ')],
  ['text', Buffer.alloc(4096, 'x')],
])('takes %s for no kernel', (_, bytes) => expect(kernelImage(bytes)).toBeUndefined());

it('survives whatever is written into one', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...KNOWN.map(([, bytes]) => bytes)),
      fc.array(fc.tuple(fc.nat(0xfff), fc.nat(255)), { maxLength: 10 }),
      fc.nat(0x1000),
      (good, changes, length) => {
        const bad = Buffer.from(good);
        for (const [at, value] of changes) bad[at % bad.length] = value;
        kernelImage(bad.subarray(0, length));
      },
    ),
    { numRuns: 500 },
  );
});

let top: string;
beforeEach(() => {
  top = fs.mkdtempSync(path.join(os.tmpdir(), 'kernels-'));
});
afterEach(() => fs.rmSync(top, { recursive: true }));

it('finds those among boot files, the newest first, and follows no links', () => {
  const at = (name: string) => path.join(top, name);
  fs.mkdirSync(at('boot'));
  fs.writeFileSync(
    at('boot/Image'),
    Buffer.concat([arm64.subarray(0, 0x800), Buffer.alloc(1 << 20), Buffer.from(BANNER)]),
  );
  fs.writeFileSync(at('bzImage'), bzImage);
  fs.utimesSync(at('bzImage'), 1, 1);
  fs.writeFileSync(at('initrd'), zlib.gzipSync(Buffer.alloc(4096)));
  fs.writeFileSync(at('empty'), '');
  fs.symlinkSync(at('bzImage'), at('link'));
  fs.symlinkSync('/boot', at('outside'));
  expect(findKernels(top).map(({ name, version }) => [name, version])).toEqual([
    ['boot/Image', '6.1.0-demo'],
    ['bzImage', '6.12.9-amd64'],
  ]);
  expect(findKernels(at('nowhere'))).toEqual([]);
});

it('passes over a directory that has gone meanwhile', () => {
  fs.mkdirSync(path.join(top, 'gone'));
  fs.writeFileSync(path.join(top, 'bzImage'), bzImage);
  const looked = vi.spyOn(fs, 'fstatSync').mockImplementationOnce(((fd: number) => {
    fs.rmdirSync(path.join(top, 'gone'));
    looked.mockRestore();
    return fs.fstatSync(fd);
  }) as typeof fs.fstatSync);
  expect(findKernels(top).map(({ name }) => name)).toEqual(['bzImage']);
});
