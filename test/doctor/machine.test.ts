import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import os from 'node:os';
import { expect, it } from 'vitest';
import { clockFinding } from '../../src/doctor/machine/clock.ts';
import { rsyncFinding } from '../../src/doctor/machine/rsync.ts';
import { roomFinding, spaceFindings } from '../../src/doctor/space.ts';
import { rsyncVersion } from '../../src/shell/rsync-server.ts';
import { isClockSynchronized } from '../../src/system/clock.ts';
import { listeners, socketOwner } from '../../src/system/listening.ts';

it.each([
  [undefined, 'error'],
  [[2, 6], 'warning'],
  [[3, 2], 'warning'],
  [[3, 4], 'warning'],
  [[3, 5], 'ok'],
  [[3, 10], 'ok'],
  [[4, 0], 'ok'],
] as const)('rsync %s: %s', (version, severity) => {
  expect(rsyncFinding(version).severity).toBe(severity);
});

it('asks rsync itself', () => {
  const text = execFileSync('/usr/bin/rsync', ['--version'], { encoding: 'utf8' });
  expect(text).toContain(` ${rsyncVersion('/usr/bin/rsync')?.join('.')}`);
  expect(rsyncVersion('/no/such/rsync')).toBeUndefined();
});

const NOW = Date.parse('2026-11-21');

it.each([
  [NOW, true, 'ok'],
  [NOW, false, 'warning'],
  [NOW + 3_600_000, true, 'ok'],
  [NOW + 7 * 86_400_000, true, 'error'],
  [NOW + 7 * 86_400_000, undefined, 'error'],
])('a clock, with programs of %s, synchronized: %s', (installed, synchronized, severity) => {
  expect(clockFinding(NOW, installed, synchronized).map((finding) => finding.severity)).toEqual([severity]);
});

it('says nothing of a clock that is not ours to ask', () => {
  expect(clockFinding(NOW, NOW, undefined)).toEqual([]);
  expect([true, false, undefined]).toContain(isClockSynchronized());
});

const GB = 1e9;
const plenty = { path: '/srv', bytes: 100 * GB, allBytes: 1000 * GB, files: 1e6, allFiles: 1e7 };

it.each([
  [plenty, 'ok'],
  [{ ...plenty, bytes: 11 * GB }, 'ok'],
  [{ ...plenty, bytes: 9 * GB }, 'warning'],
  [{ ...plenty, bytes: 3 * GB, allBytes: 20 * GB }, 'ok'],
  [{ ...plenty, bytes: 0.05 * GB, allBytes: 0.06 * GB }, 'error'],
  [{ ...plenty, files: 1000 }, 'warning'],
  [{ ...plenty, files: 0 }, 'error'],
  [{ ...plenty, files: 0, allFiles: 0 }, 'ok'],
])('room %j: %s', (room, severity) => {
  expect(roomFinding('host', room).severity).toBe(severity);
});

it('tells each file system once', () => {
  expect(spaceFindings('host', ['/no/such', os.tmpdir(), os.tmpdir()])).toHaveLength(1);
});

it('knows who listens', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const uid = os.userInfo().uid;
  const [found] = listeners('tcp', port);
  expect(found?.uid).toBe(uid);
  expect(socketOwner(found?.inode ?? 0)).toBe(process.pid);
  expect(listeners('udp', port)).toEqual([]);
  await new Promise((resolve) => server.close(resolve));
  expect(listeners('tcp', port)).toEqual([]);
});
