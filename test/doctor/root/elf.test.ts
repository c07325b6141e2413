import fs from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readElf } from '../../../src/doctor/root/elf.ts';
import { machineName } from '../../../src/doctor/root/machine.ts';
import { ARM64, MIPS, program } from './root-tree.ts';

const from = (file: Buffer) => (offset: number, length: number) => file.subarray(offset, offset + length);

it.each([
  ['64-bit little-endian', ARM64],
  ['32-bit big-endian', MIPS],
] as const)('reads what a linker wrote: %s', (_, machine) => {
  const words = { loader: '/lib/ld.so', needed: ['libc.so', 'libm.so'], runpath: '/a:/b' };
  expect(readElf(from(program(machine, words)))).toEqual({
    machine,
    interpreter: '/lib/ld.so',
    needed: ['libc.so', 'libm.so'],
    searched: ['/a', '/b'],
  });
  expect(readElf(from(program(machine)))).toEqual({
    machine,
    interpreter: undefined,
    needed: [],
    searched: [],
  });
});

it("reads this machine's own programs", () => {
  const elf = readElf(from(fs.readFileSync('/bin/ls')));
  expect(elf?.interpreter).toMatch(/^\/lib/);
  expect(elf?.needed).toContain('libc.so.6');
  expect(elf && machineName(elf.machine)).toBe({ x64: 'x86-64', arm64: 'ARM64' }[process.arch as 'x64']);
});

it('is nothing else', () => {
  expect(readElf(from(Buffer.from('#!/bin/sh\n')))).toBeUndefined();
  expect(readElf(from(Buffer.alloc(0)))).toBeUndefined();
});

it('survives whatever is written into one', () => {
  const good = program(ARM64, { loader: '/lib/ld.so', needed: ['libc.so', 'libm.so'], runpath: '/a' });
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), fc.nat(good.length), (changes, length) => {
      const bad = Buffer.from(good);
      for (const [at, value] of changes) bad[at] = value;
      const elf = readElf(from(bad.subarray(0, length)));
      expect(elf?.needed.length ?? 0).toBeLessThanOrEqual(256);
    }),
    { numRuns: 500 },
  );
});
