/** A real Linux kernel that has the export as its root file system, as a board has. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { mountOptions, storedOwnership } from '../../support/guest-mount.ts';
import { addRootFileSystem } from '../../support/guest-root.ts';
import { type NfsServer, startNfsServer } from '../../support/nfs-server.ts';
import { bootGuest, type Guest } from '../../support/qemu.ts';
import { eventually } from '../../support/ssh-session.ts';

// An emulated processor is slow.
vi.setConfig({ testTimeout: 120_000 });

let directory: string;
let server: NfsServer;
let guest: Guest;

beforeAll(async () => {
  directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'nfs-root-')));
  const base = path.join(directory, 'base');
  fs.mkdirSync(path.join(base, 'root'), { recursive: true });
  const staging = path.join(directory, 'staging');
  addRootFileSystem(staging);
  // As rsync-nfsroot brings it
  execFileSync('unshare', ['-r', 'rsync', '-aH', '-M--fake-super', `${staging}/`, path.join(base, 'root')]);
  server = await startNfsServer({ base });
  guest = await bootGuest({ nfsroot: `10.0.2.2:${server.exportPath},${mountOptions(server.port)}` });
}, 240_000);
afterAll(async () => {
  await guest?.stop();
  await server?.stop();
  if (directory !== undefined) fs.rmSync(directory, { recursive: true, force: true });
});

test('boots, and works as / for root and others', async () => {
  const root = (await guest.sh('cat /proc/mounts'))
    .split('\n')
    .find((line) => line.split(' ')[1] === '/' && / nfs /.test(line));
  expect(root).toContain(`10.0.2.2:${server.exportPath} / nfs rw`);
  for (const option of [
    'vers=3',
    'rsize=1048576',
    'wsize=1048576',
    `port=${server.port}`,
    `mountport=${server.port}`,
  ]) {
    expect(root).toContain(option);
  }
  expect(await guest.sh('cat /proc/1/comm; stat -c "%u:%g %a %F" / /bin/busybox /bin/sh /etc/passwd')).toBe(
    'init\n0:0 755 directory\n0:0 755 regular file\n0:0 777 symbolic link\n0:0 644 regular file',
  );
  await guest.sh(
    'mknod /root/tty c 4 64; echo text >/tmp/file; chown 1000:1000 /tmp/file; su alice -c "chmod 600 /tmp/file"',
  );
  expect(storedOwnership(server, 'root/tty')).toBe('20644 4,64 0:0');
  expect(storedOwnership(server, 'tmp/file')).toBe('100600 0,0 1000:1000');
  expect((await guest.run('su bob -c "cat /tmp/file"')).stderr).toContain('Permission denied');
  expect(await guest.sh('su alice -c "cat /tmp/file; id -u"')).toBe('text\n1000');
});

test('kills and restarts of the server go unnoticed', { timeout: 240_000 }, async () => {
  const work = guest.run(
    `set -e; cd /root
    for i in $(seq 1 150); do echo "line $i" >f$i; cat f$i; mv f$i g$i; done | sha256sum; cat g* | wc -l`,
    200_000,
  );
  for (const reached of ['g20', 'g70', 'g120']) {
    const file = path.join(server.exportPath, 'root', reached);
    await eventually(reached, () => fs.existsSync(file), 60_000);
    await server.restart();
  }
  const text = Array.from({ length: 150 }, (_, index) => `line ${index + 1}\n`).join('');
  const sum = createHash('sha256').update(text).digest('hex');
  expect(await work).toEqual({ status: 0, stdout: `${sum}  -\n150\n`, stderr: '' });
});

test('while the server is away programs wait, and then start', { timeout: 180_000 }, async () => {
  await guest.sh('mkdir /root/bin; cp /bin/busybox /root/bin; sync; echo 3 >/proc/sys/vm/drop_caches');
  await server.kill();
  let ended = false;
  const waiting = guest.run('/root/bin/busybox echo started; head -n 1 /etc/passwd').finally(() => {
    ended = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 2000));
  expect(ended).toBe(false);
  await server.restart();
  expect(await waiting).toEqual({ status: 0, stdout: 'started\nroot:x:0:0::/root:/bin/sh\n', stderr: '' });
});
