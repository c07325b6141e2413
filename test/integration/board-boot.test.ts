/**
 * The whole chain: two users with nothing but ssh, a board with U-Boot, its kernel by TFTP and its root file system by
 * NFS. The tests go on from each other.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/ssh-session.ts';
import type { Lab } from '../support/sshd.ts';
import {
  BoardUser,
  INITRAMFS,
  KERNEL,
  ROOT,
  startVirtualBoard,
  type VirtualBoard,
} from '../support/virtual-board.ts';

const TEST_MS = 240_000;

let board: VirtualBoard;
let lab: Lab;
let alice: BoardUser;
let bob: BoardUser;

beforeAll(async () => {
  board = await startVirtualBoard();
  lab = board.lab;
}, TEST_MS);
afterAll(() => board?.stop());

test('alice uploads all that her board boots', { timeout: TEST_MS }, async () => {
  alice = new BoardUser(lab, 'alice');
  await alice.see(/novaboot-shell: Connected/);
  await alice.stopAutoboot();
  await alice.upload('-L', KERNEL, INITRAMFS, 'board@127.0.0.1:');
  await alice.run(['untar', '-'], fs.readFileSync(ROOT));
});

test('bob waits, and sees who has the board', async () => {
  bob = new BoardUser(lab, 'bob');
  const seen = await bob.see(/^\d+ +alice .*\r\n/m);
  expect(seen).toContain('Target is occupied by:');
  expect((await lab.ssh('bob', ['reset', '--no-wait'])).exitCode).toBe(75);
});

test('a reset while a file is on its way', { timeout: TEST_MS }, async () => {
  await alice.uboot('dhcp');
  // Slow: a packet of the smallest size that U-Boot takes at a time
  await alice.uboot('setenv tftpwindowsize 1; setenv tftpblocksize 512');
  alice.type(`tftpboot \${kernel_addr_r} Image`);
  await alice.see(/Loading: .*#/);
  await alice.reset();
});

test('a reset while Linux starts', { timeout: TEST_MS }, async () => {
  await alice.startLinux();
  await alice.reset();
});

test('alice boots to a shell on her root file system', { timeout: TEST_MS }, async () => {
  await alice.startLinux();
  const nfsroot = `10.0.2.2:${lab.home}/nfsroot/alice/root`;
  expect(await alice.logIn()).toContain(`The root file system of this board is ${nfsroot} (nfs).`);
  expect(await alice.sh("grep ' / ' /proc/mounts")).toMatch(`${nfsroot} / nfs rw,`);
});

test('the root file system has all that was in the archive', { timeout: TEST_MS }, async () => {
  const files = await alice.sh('stat -c "%A %u:%g %t,%T %n" /bin/su /dev/null /home/demo /tmp/../root');
  expect(files.split('\n')).toEqual([
    '-rwsr-xr-x 0:0 0,0 /bin/su',
    'crw-rw-rw- 0:0 1,3 /dev/null',
    'drwxr-x--- 1000:1000 0,0 /home/demo',
    'drwx------ 0:0 0,0 /tmp/../root',
    '',
  ]);
  // The set-user-ID program makes demo root; permissions count for demo itself.
  expect(await alice.sh("su demo -c '/bin/su -c id; cat /etc/shadow'")).toMatch(
    /^uid=0\(root\)[^\n]*\ncat: [^\n]*Permission denied\n$/,
  );
});

test('what changes on one side is there on the other', { timeout: TEST_MS }, async () => {
  await alice.sh('echo from the board >/root/note; chown 33:44 /root/note; mknod /root/disk b 8 1');
  expect(await lab.read('nfsroot/alice/root/root/note')).toBe('from the board\n');
  const stored = await lab.sh(
    'cd nfsroot/alice/root/root; for name in note disk; do getfattr --only-values -n user.rsync.%stat $name; echo; done',
  );
  expect(stored.replaceAll('\0', '')).toBe('100644 0,0 33:44\n60644 8,1 0:0\n');
  const answer = path.join(lab.directory, 'answer');
  fs.writeFileSync(answer, 'from the server\n');
  await alice.upload('--rsync-path=rsync-nfsroot', answer, 'board@127.0.0.1:root/root/');
  expect(await alice.sh('cat /root/answer')).toBe('from the server\n');
});

test('the TFTP server has told of each transfer', () => {
  const transfers = board
    .tftpLog()
    .split('\n')
    .filter((line) => line.startsWith('<6>transfer '));
  for (const file of [KERNEL, INITRAMFS]) {
    const content = fs.readFileSync(file);
    const sha256 = createHash('sha256').update(content).digest('hex');
    const told = `board=lab file="${path.basename(file)}" bytes=${content.length} `;
    const lines = transfers.filter((line) => line.includes(told));
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(new RegExp(`sha256=${sha256} .*result="complete"`));
  }
});

test('bob gets the board when alice leaves, and boots a root of his own', { timeout: TEST_MS }, async () => {
  alice.console.kill('SIGTERM');
  await bob.see(/novaboot-shell: Connected/);
  await bob.run(['untar', '-'], fs.readFileSync(ROOT));
  await bob.reset();
  await bob.startLinux();
  expect(await bob.logIn()).toContain(`${lab.home}/nfsroot/bob/root (nfs).`);
  expect(await bob.sh('ls /root')).toBe('');
});

test('the board switches itself off', { timeout: TEST_MS }, async () => {
  bob.type('poweroff');
  await bob.see(/reboot: Power down/);
  await eventually('the end of QEMU', () =>
    lab.processes().every(({ command }) => !command.includes('qemu')),
  );
  await bob.run(['on']);
  await bob.stopAutoboot();
});
