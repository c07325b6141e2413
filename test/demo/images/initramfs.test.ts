/** What the initramfs of the demo's board says when it cannot get to a root file system; U-Boot is not needed for that. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startNfsServer } from '../../support/nfs-server.ts';
import { spawnTestChild } from '../../support/test-child.ts';

const IMAGES = path.resolve(import.meta.dirname, '../../../node_modules/.cache/novaboot-board');
const BOOT_MS = 60_000;

/**
 * @param words of the kernel's command line
 * @returns what the initramfs says last
 * @throws Error with the console if it says nothing within a minute
 */
async function boot(words: string): Promise<string> {
  if (!fs.existsSync(path.join(IMAGES, 'root.tar'))) {
    throw new Error("Missing kernel for the board; make the board's files with: sh scripts/setup.sh board");
  }
  const child = spawnTestChild([
    ...['qemu-system-aarch64', '-machine', 'virt', '-accel', 'tcg', '-cpu', 'cortex-a57', '-m', '512'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio'],
    ...['-kernel', path.join(IMAGES, 'Image'), '-initrd', path.join(IMAGES, 'initramfs.cpio.gz')],
    ...['-append', `console=ttyAMA0 quiet ${words}`],
    ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile='],
  ]);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let output = '';
  const fail = (why: string) => reject(new Error(`${why}: ${output}`));
  const timer = setTimeout(fail, BOOT_MS, `Nothing in ${BOOT_MS} ms`);
  child.once('close', () => fail('QEMU ended'));
  child.stdout.on('data', (text: string) => {
    output += text;
    const [, said] = /initramfs: (.+)\r\n/.exec(output) ?? [];
    if (said !== undefined) resolve(said);
  });
  child.stderr.on('data', (text: string) => {
    output += text;
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}

test('a root without a server', { timeout: BOOT_MS }, async () => {
  expect(await boot('nfsroot=/srv/root')).toBe('the kernel needs nfsroot=SERVER:PATH,OPTIONS');
});

test('an NFS server that is not there', { timeout: BOOT_MS }, async () => {
  expect(await boot('nfsroot=10.0.2.2:/srv/root,v3,tcp,port=9,mountport=9')).toBe(
    'cannot mount 10.0.2.2:/srv/root',
  );
});

test('an empty root', { timeout: BOOT_MS }, async () => {
  const { port, exportPath, stop } = await startNfsServer();
  try {
    const said = await boot(`nfsroot=10.0.2.2:${exportPath},v3,tcp,port=${port},mountport=${port}`);
    expect(said).toBe(`there is no /sbin/init in 10.0.2.2:${exportPath}`);
  } finally {
    await stop();
  }
});
