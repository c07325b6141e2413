/**
 * `why` after real boots: U-Boot and Linux on the virtual board, real sshd, our servers and what they note. The tests
 * go on from each other.
 */
import fs from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
let alice: BoardUser;

beforeAll(async () => {
  board = await startVirtualBoard();
  alice = new BoardUser(board.lab, 'alice');
  await alice.see(/novaboot-shell: Connected/);
  await alice.stopAutoboot();
  await alice.upload('-L', KERNEL, INITRAMFS, 'board@127.0.0.1:');
  await alice.run(['untar', '-'], fs.readFileSync(ROOT));
}, TEST_MS);
afterAll(() => board?.stop());

interface Report {
  readonly verdict: string;
  readonly up: boolean;
  readonly events: readonly { readonly source: string; readonly event: string; readonly text: string }[];
}

/** Asks as bob, who does not have the board. @returns what he reads, and what a program would */
async function why(): Promise<{ text: string; report: Report }> {
  const [text, json] = await Promise.all([
    board.lab.ssh('bob', ['why']),
    board.lab.ssh('bob', ['why', '--json']),
  ]);
  for (const { stderr, exitCode } of [text, json])
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return { text: text.stdout, report: JSON.parse(json.stdout) };
}

/** `source event: text` of each event. */
function eventsOf({ events }: Report): string[] {
  return events.map(({ source, event, text }) => `${source} ${event}: ${text}`);
}

/** A root file system of these files. */
async function archive(...names: string[]): Promise<Buffer> {
  const directory = fs.mkdtempSync(path.join(board.lab.directory, 'root-'));
  for (const name of names) {
    fs.mkdirSync(path.join(directory, path.dirname(name)), { recursive: true });
    fs.writeFileSync(path.join(directory, name), '');
  }
  const { stdout } = await execa('tar', ['-C', directory, '-cf', '-', '.'], { encoding: 'buffer' });
  return Buffer.from(stdout);
}

test('a kernel that was not uploaded', { timeout: TEST_MS }, async () => {
  await alice.reset();
  await alice.uboot('dhcp');
  await alice.uboot(`tftpboot \${kernel_addr_r} Image.new`);
  await alice.uboot(`booti \${kernel_addr_r} - \${fdtcontroladdr}`);
  const { text, report } = await why();
  expect(report).toMatchObject({ verdict: 'missing-file', up: false, user: 'alice' });
  expect(eventsOf(report)).toEqual(
    expect.arrayContaining([
      'power power: reset by alice',
      expect.stringMatching(/^console loader: U-Boot 20/),
      'tftp tftp: Image.new: File not found',
    ]),
  );
  expect(text).toContain('asked for the file "Image.new"');
  expect(text).toContain('Image, initramfs.cpio.gz');
});

test('a root that is somewhere else', { timeout: TEST_MS }, async () => {
  await alice.reset();
  await alice.startLinux({ nfsroot: (right) => `${right}fs` });
  await alice.see(/initramfs: cannot mount/);
  const { text, report } = await why();
  expect(report).toMatchObject({ verdict: 'wrong-nfsroot', up: false });
  const root = `${board.lab.home}/nfsroot/alice/root`;
  expect(eventsOf(report)).toContain(`nfs mount: MOUNT ${root}fs: MNT3ERR_NOENT`);
  expect(text).toContain(`wants to mount "${root}fs", but the root of alice is "${root}"`);
});

test('a good boot', { timeout: TEST_MS }, async () => {
  await alice.reset();
  await alice.startLinux();
  await alice.logIn();
  const { text, report } = await why();
  expect(report).toMatchObject({ verdict: 'up', up: true });
  expect(eventsOf(report)).toEqual(
    expect.arrayContaining([
      'power power: reset by alice',
      expect.stringMatching(/^tftp tftp: Image: [\d.]+ MB in /),
      expect.stringMatching(/^tftp tftp: initramfs.cpio.gz: [\d.]+ MB in /),
      expect.stringMatching(/^console kernel: Linux 6/),
      `nfs mount: MOUNT ${board.lab.home}/nfsroot/alice/root`,
      'nfs init-read: first READ of init: /sbin/init',
      expect.stringMatching(/^console login: /),
    ]),
  );
  expect(text).toContain('The board is up');
});

test('a kernel panic', { timeout: TEST_MS }, async () => {
  alice.type('echo c >/proc/sysrq-trigger');
  await alice.see(/end Kernel panic/);
  const { text, report } = await why();
  expect(report).toMatchObject({ verdict: 'panic', up: false });
  expect(text).toContain('The kernel panicked: sysrq triggered crash');
});

test('a root without init', { timeout: TEST_MS }, async () => {
  await alice.run(['untar', '-'], await archive('etc/hostname'));
  await alice.reset();
  await alice.startLinux();
  await alice.see(/initramfs: there is no/);
  const { text, report } = await why();
  expect(report).toMatchObject({ verdict: 'missing-init', up: false });
  expect(eventsOf(report)).toContain(
    `nfs mount: MOUNT ${board.lab.home}/nfsroot/alice/root, which has no init`,
  );
  expect(text).toContain('There is no /sbin/init in the root of alice');
});

test('a board that is switched off', { timeout: TEST_MS }, async () => {
  await alice.run(['off']);
  const { text, report } = await why();
  expect(report).toMatchObject({ verdict: 'off', up: false });
  expect(text).toContain('The board was switched off by alice');
});
