/** A real Linux kernel that runs on an exported root while the board passes to others, and while the root is replaced. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMounts } from '../../../src/rootfs/mounts.ts';
import { beginTree } from '../../../src/rootfs/new-tree.ts';
import { unusedRoots } from '../../../src/rootfs/replaced.ts';
import { rootsOf } from '../../../src/rootfs/roots.ts';
import { leaseDirectory } from '../../../src/system/lease.ts';
import { mountOptions, mountScript } from '../../support/guest-mount.ts';
import { addRootFileSystem } from '../../support/guest-root.ts';
import { type NfsServer, startNfsServer } from '../../support/nfs-server.ts';
import { bootGuest, type Guest } from '../../support/qemu.ts';
import { eventually } from '../../support/ssh-session.ts';
import { spawnTestChild } from '../../support/test-child.ts';

const HOLDER = new URL('../lease-holder.ts', import.meta.url).pathname;
/** After NFS3ERR_JUKEBOX Linux asks again every 5 s. */
const AGAIN_MS = 30_000;
/** A minute without a call, and what the server needs. */
const REMOVED_MS = 120_000;

let home: string;
let staging: string;
let server: NfsServer;
let guest: Guest;
const base = () => path.join(home, 'nfsroot/alice');
const mounts = () => path.join(home, 'alice.mounts');

/** As rsync-nfsroot brings it. */
function upload(to: string): void {
  execFileSync('unshare', ['-r', 'rsync', '-aH', '-M--fake-super', `${staging}/`, to]);
}

const boot = () => bootGuest({ nfsroot: `10.0.2.2:${server.exportPath},${mountOptions(server.port)}` });

beforeAll(async () => {
  home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'nfs-board-')));
  fs.writeFileSync(path.join(home, '.novaboot-nfs'), '');
  fs.mkdirSync(leaseDirectory(home), { recursive: true });
  fs.mkdirSync(path.join(base(), 'root'), { recursive: true });
  staging = path.join(home, 'staging');
  addRootFileSystem(staging);
  upload(path.join(base(), 'root'));
  const ports = path.join(home, 'alice.ports');
  server = await startNfsServer({
    base: base(),
    args: ['--board', home, '--user', 'alice', '--port-file', ports],
  });
  guest = await boot();
}, 240_000);
afterAll(async () => {
  await guest?.stop();
  await server?.stop();
  if (home !== undefined) fs.rmSync(home, { recursive: true, force: true });
});

/** A program on the board that appends a number to a file ten times a second, until there is a file "stop". */
const counter = (directory: string) => `set -e; cd ${directory}; rm -f stop count; i=0
  while [ ! -e stop ]; do i=$((i + 1)); echo $i >>count; sync count; sleep 0.1; done; cat count | wc -l; tail -n 1 count`;

test('a program goes on after another user had the board', { timeout: 180_000 }, async () => {
  const file = path.join(server.exportPath, 'root/count');
  const count = () => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').length - 1 : 0);
  const program = guest.run(counter('/root'), 120_000);
  await eventually('some numbers', () => count() >= 5, AGAIN_MS);
  const holder = spawnTestChild([process.execPath, HOLDER, home, 'bob']);
  await once(holder.stdout, 'data');
  await eventually('the server to know', () => server.log().includes('bob has the board'));
  // What had arrived before may be under way.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = count();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  expect(count()).toBe(before);
  holder.kill('SIGKILL');
  await eventually('more numbers', () => count() > before, AGAIN_MS);
  await guest.sh('touch /root/stop');
  const { status, stdout, stderr } = await program;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const [lines, last] = stdout.trim().split('\n');
  expect(last).toBe(lines);
  expect(guest.console()).not.toMatch(/not responding|I\/O error/);
});

test('works on the old root while it is replaced, until it boots the new one', {
  timeout: 480_000,
}, async () => {
  const program = guest.run(counter('/root'), 240_000);
  await guest.sh('until [ -e /root/count ]; do sleep 0.1; done; mkdir /root/dir; echo old >/root/dir/file');
  const tree = beginTree(rootsOf(base()));
  fs.writeFileSync(path.join(staging, 'etc/release'), 'new\n');
  upload(tree.path);
  tree.switchIn();
  const old = tree.path;
  expect(unusedRoots(rootsOf(base()), readMounts(mounts(), rootsOf(base())))).toEqual([]);

  await guest.sh('sync; echo 3 >/proc/sys/vm/drop_caches');
  expect(
    await guest.sh(
      'cat /root/dir/file; ls /root/dir /etc; cd /root/dir; cd ../..; ls -a | wc -l; stat -c %i / /..',
    ),
  ).toBe(
    await guest.sh(
      'echo old; echo /etc:; ls /etc; echo; echo /root/dir:; echo file; ls -a / | wc -l; stat -c %i / /',
    ),
  );
  await guest.sh('echo more >/root/dir/made; mv /root/dir/made /root/dir/moved; /bin/busybox true');
  expect(fs.readFileSync(path.join(old, 'root/dir/moved'), 'utf8')).toBe('more\n');
  // It can look at the new root meanwhile.
  await guest.sh(`mkdir /mnt; ${mountScript(server)}`);
  expect(await guest.sh('cat /mnt/etc/release; ls /mnt/root; cat /root/dir/file')).toBe('new\nold');
  expect((await guest.run('mv /root/dir/moved /mnt/root/')).status).toBe(0);
  await guest.sh('umount /mnt');
  await server.restart();
  await guest.sh('sync; echo 3 >/proc/sys/vm/drop_caches; echo after >>/root/dir/file');
  expect(await guest.sh('cat /root/dir/file')).toBe('old\nafter');
  await guest.sh('touch /root/stop');
  const { status, stdout, stderr } = await program;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const [lines, last] = stdout.trim().split('\n');
  expect(last).toBe(lines);

  await guest.stop();
  guest = await boot();
  expect(await guest.sh('cat /etc/release; ls /root')).toBe('new\nmoved');
  expect(fs.existsSync(old)).toBe(true);
  await eventually('the old root is gone', () => !fs.existsSync(old), REMOVED_MS);
  expect(await guest.sh('cat /etc/release')).toBe('new');
});
