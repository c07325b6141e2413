import { describe, expect, test } from 'vitest';
import * as rules from '../../../src/nfs/vfs/access.ts';
import type { Attributes, Credentials } from '../../../src/nfs/vfs/attributes.ts';
import { FileType } from '../../../src/rootfs/file-type.ts';
import { ALICE, BOB, ROOT, user } from './fixture.ts';

function file(mode: number, { uid = 1000, gid = 50, type = FileType.regular as FileType } = {}): Attributes {
  const time = { seconds: 0, nanoseconds: 0 };
  const rest = { nlink: 1, size: 0, used: 0, major: 0, minor: 0, fsid: 1, fileid: 1 };
  return { type, mode, uid, gid, ...rest, atime: time, mtime: time, ctime: time };
}

const OWNER = user(1000, 9);
const MEMBER = user(3000, 9, 7, 50);
const PRIMARY = user(3000, 50);
const OTHER = user(3000, 9);

describe('which class of the mode counts', () => {
  test.each([
    ['owner', OWNER, 7, 6],
    ['owner that the group would let in', user(1000, 50), 7, 6],
    ['member', MEMBER, 5, 5],
    ['primary group', PRIMARY, 5, 5],
    ['other', OTHER, 3, 3],
  ] as const)('%s', (_, caller, ofMixed, _rest) => {
    expect(rules.granted(caller, file(0o753))).toBe(ofMixed);
  });

  test.each([
    [OWNER, 0o077, 0],
    [MEMBER, 0o707, 0],
    [OTHER, 0o770, 0],
    [ROOT, 0o000, 6],
    [ROOT, 0o001, 7],
    [ROOT, 0o100, 7],
  ] as [Credentials, number, number][])('%o of a file', (caller, mode, bits) => {
    expect(rules.granted(caller, file(mode))).toBe(bits);
  });

  test('root may enter every directory', () => {
    expect(rules.granted(ROOT, file(0, { type: FileType.directory }))).toBe(7);
  });
});

describe('open files', () => {
  test('the owner reads and writes whatever the mode', () => {
    expect(rules.mayRead(OWNER, file(0))).toBe(true);
    expect(rules.mayWrite(OWNER, file(0o444))).toBe(true);
  });

  test('who may execute may read', () => {
    expect(rules.mayRead(OTHER, file(0o4711))).toBe(true);
    expect(rules.mayRead(OTHER, file(0o4710))).toBe(false);
    expect(rules.mayWrite(OTHER, file(0o4711))).toBe(false);
  });
});

describe('ACCESS', () => {
  const { READ, LOOKUP, MODIFY, EXTEND, DELETE, EXECUTE } = rules.Access3;
  test.each([
    [0o7, FileType.directory, READ | LOOKUP | MODIFY | EXTEND | DELETE],
    [0o6, FileType.directory, READ],
    [0o5, FileType.directory, READ | LOOKUP],
    [0o4, FileType.directory, READ],
    [0o3, FileType.directory, LOOKUP | MODIFY | EXTEND | DELETE],
    [0o2, FileType.directory, 0],
    [0o1, FileType.directory, LOOKUP],
    [0o7, FileType.regular, READ | MODIFY | EXTEND | EXECUTE],
    [0o1, FileType.regular, EXECUTE],
    [0o2, FileType.regular, MODIFY | EXTEND],
    [0o0, FileType.regular, 0],
    [0o6, FileType.fifo, READ | MODIFY | EXTEND],
  ] as const)('%o of type %i', (mode, type, bits) => {
    expect(rules.access3(OTHER, file(mode, { type }), 0x3f)).toBe(bits);
    expect(rules.access3(OTHER, file(mode, { type }), READ)).toBe(bits & READ);
  });
});

describe('sticky directories', () => {
  const shared = file(0o1777, { type: FileType.directory, uid: 2000 });
  test.each([
    ['the owner of the file', ALICE, true],
    ['the owner of the directory', BOB, true],
    ['root', ROOT, true],
    ['anybody else', OTHER, false],
  ] as const)('%s', (_, caller, may) => {
    expect(rules.maySticky(caller, shared, file(0o777))).toBe(may);
    expect(rules.maySticky(caller, { ...shared, mode: 0o777 }, file(0o777))).toBe(true);
  });
});

test.each([
  [0o4755, 0o755],
  [0o2755, 0o755],
  [0o6755, 0o755],
  // Without execution for the group the bit means another thing.
  [0o2644, 0o2644],
  [0o6644, 0o2644],
  [0o1777, 0o1777],
])('%o without set-id bits', (mode, without) => {
  expect(rules.withoutSetId(mode)).toBe(without);
});
