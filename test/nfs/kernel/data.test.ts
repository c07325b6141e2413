/** A real Linux kernel as client: contents, sizes, appending, mappings and locks. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type NfsLab, startNfsLab } from '../../support/guest-mount.ts';

// An emulated processor is slow.
vi.setConfig({ testTimeout: 120_000 });

const GIB = 2 ** 30;

let lab: NfsLab;
const sh = (script: string) => lab.guest.sh(`cd /mnt\n${script}`);
const at = (name: string) => path.join(lab.server.exportPath, name);

beforeAll(async () => {
  lab = await startNfsLab();
}, 240_000);
beforeEach(() => lab.guest.sh('rm -rf /mnt/*'));
afterAll(() => lab?.stop());

test('a sparse file of 5 GiB', async () => {
  await sh(`truncate -s 5G file; printf end | dd of=file bs=1 seek=${5 * GIB - 3} conv=notrunc,fsync status=none
    printf middle | dd of=file bs=1 seek=${4 * GIB + 7} conv=notrunc,fsync status=none`);
  const { size, blocks } = fs.statSync(at('file'));
  expect(size).toBe(5 * GIB);
  expect(blocks * 512).toBeLessThan(2 ** 20);
  await lab.remount();
  expect(await sh('stat -c %s file; tail -c 3 file')).toBe(`${5 * GIB}\nend`);
  const read = (skip: number, count: number) =>
    sh(`dd if=file bs=1 skip=${skip} count=${count} status=none | tr '\\0' 0`);
  expect(await read(4 * GIB + 5, 10)).toBe('00middle00');
  expect(await read(7, 10), 'nothing wrapped round at 4 GiB').toBe('0000000000');
  await sh('truncate -s 3 file; truncate -s 5G file');
  expect(await read(5 * GIB - 3, 3)).toBe('000');
});

test('64 MiB written and read in requests of 1 MiB', async () => {
  await sh(`perl -e 'for (1 .. 64) { print chr($_) x 1000000, "x" x 48576 }' >/tmp/data
    cp /tmp/data data; rm -f /tmp/copy`);
  await lab.remount();
  expect(await sh('cmp data /tmp/data && stat -c %s data; rm /tmp/data')).toBe(String(64 * 2 ** 20));
  expect(fs.readFileSync(at('data')).subarray(-50_000, -48_576).equals(Buffer.alloc(1424, 64))).toBe(true);
});

test('fsync: what was written is on the host when the call returns', async () => {
  await sh(`perl -e 'open F, ">", "file"; syswrite F, "text"; syscall(74, fileno F) == 0 or die $!;
    rename "file", "synced"; sleep 600' >/dev/null 2>&1 & until [ -e synced ]; do sleep 0.05; done; echo $! >/tmp/pid`);
  expect(fs.readFileSync(at('synced'), 'utf8')).toBe('text');
  await sh('kill $(cat /tmp/pid)');
});

test('appending: two processes, no line is lost or torn', async () => {
  const writer = (name: string) =>
    `perl -e 'open F, ">>", "log"; for (1 .. 300) { syswrite F, "${name} $_\\n" }'`;
  expect(await sh(`${writer('a')} & ${writer('b')}; wait; wc -l <log; sort -u log | wc -l`)).toBe('600\n600');
  const lines = fs.readFileSync(at('log'), 'utf8').split('\n');
  expect(lines.filter((line) => line.startsWith('a ')).map((line) => Number(line.slice(2)))).toEqual(
    Array.from({ length: 300 }, (_, index) => index + 1),
  );
});

test('a shared mapping is read and written', async () => {
  // mmap(2), read(2) into the mapping, msync(2) and write(2) from it, with the numbers of x86-64
  await sh(`perl -e 'print "a" x 10000' >file; printf patch >patch; sync
    perl -e 'open F, "+<", "file"; open P, "<", "patch";
      $at = syscall(9, 0, 12288, 3, 1, fileno F, 0);
      syscall(0, fileno P, $at + 8190, 5) == 5 or die "read $!";
      syscall(26, $at, 12288, 4) == 0 or die "msync $!";
      syscall(1, 1, $at + 8188, 9)' >/tmp/seen`);
  expect(await sh('cat /tmp/seen')).toBe('aapatchaa');
  const text = fs.readFileSync(at('file'), 'utf8');
  expect(text).toBe(`${'a'.repeat(8190)}patch${'a'.repeat(10_000 - 8195)}`);
});

test('a program that runs is mapped from the export, also after it was removed', async () => {
  await sh('mkdir bin; cp /usr/bin/busybox bin');
  await lab.remount();
  expect(
    await sh(
      'bin/busybox sh -c "rm bin/busybox; bin/busybox true 2>/dev/null || /usr/bin/busybox echo gone"; ls -A bin',
    ),
  ).toBe('gone');
});

test('locks: flock(2) and fcntl(2), with nolock', async () => {
  const locked = 'flock -n file true && echo free || echo held';
  expect(
    await sh(`(flock 9; touch /tmp/locked; while [ -e /tmp/locked ]; do sleep 0.05; done) 9>file &
    until [ -e /tmp/locked ]; do sleep 0.05; done; ${locked}; rm /tmp/locked; wait; ${locked}`),
  ).toBe('held\nfree');
  // struct flock of x86-64: F_WRLCK for the whole file; F_SETLK
  const lock =
    'open F, "+<", "file"; $lock = pack("ssx4qqlx4", 1, 0, 0, 0, 0); print fcntl(F, 6, $lock) ? "free\\n" : "held\\n"';
  expect(await sh(`perl -e '$| = 1; ${lock}; if (fork) { wait } else { ${lock} }'; perl -e '${lock}'`)).toBe(
    'free\nheld\nfree',
  );
});

test('exclusive create: one of two wins', async () => {
  const create = 'set -C; (echo $i >one) 2>/dev/null && echo made';
  expect(await sh(`for i in 1 2 3 4 5 6; do (${create}) & done; wait`)).toBe('made');
  expect(await sh('stat -c %s one')).toBe('2');
});

test('truncation, at the opening and later', async () => {
  await sh('echo 0123456789 >file; truncate -s 4 file; cat file >copy; echo x >file; truncate -s 6 copy');
  await lab.remount();
  expect(await sh("cat file; tr '\\0' 0 <copy")).toBe('x\n012300');
});

test('statfs: what df shows', async () => {
  const { bavail, bsize } = fs.statfsSync(lab.server.exportPath);
  const [blocks = 0, size = 0] = (await sh("stat -f -c '%a %S' .")).split(' ').map(Number);
  expect(Math.abs((blocks * size) / (bavail * bsize) - 1)).toBeLessThan(0.05);
});
