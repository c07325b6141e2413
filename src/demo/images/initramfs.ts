/** The initramfs of the demo's board: a static busybox, the modules that it takes to mount a root by NFS, an init. */
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { CpioArchive } from './cpio.ts';
import { kernelModules } from './kernel-modules.ts';

/** af_packet is what udhcpc sends with; it may be built in, as any of them. */
const MODULES = ['virtio_pci', 'virtio_net', 'af_packet', 'nfsv3'];

/**
 * @param busybox the program's bytes
 * @param modules a directory with the kernel's modules
 * @returns a compressed cpio archive, as the kernel takes it
 */
export function initramfs(busybox: Buffer, modules: string): Buffer {
  const archive = new CpioArchive();
  const script = (name: string) => fs.readFileSync(path.join(import.meta.dirname, name));
  archive.file('bin/busybox', busybox, 0o755);
  archive.file('init', script('initramfs-init.sh'), 0o755);
  archive.file('dhcp.sh', script('initramfs-dhcp.sh'), 0o755);
  const found = kernelModules(modules, MODULES);
  for (const { name, data } of found) archive.file(`modules/${name}.ko`, data);
  archive.file('modules/order', found.map(({ name }) => `${name}\n`).join(''));
  return gzipSync(archive.bytes());
}
