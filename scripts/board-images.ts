/** Makes what the demo boots its board with, of what scripts/kernel.sh has fetched. Argument: the directory. */
import fs from 'node:fs';
import path from 'node:path';
import { initramfs } from '../src/demo/images/initramfs.ts';
import { rootArchive } from '../src/demo/images/root-archive.ts';

/** Linux's Documentation/arm64/booting.rst: what U-Boot's booti looks for. */
const ARM64_MAGIC = { offset: 56, text: 'ARM\x64' } as const;

const directory = process.argv[2] ?? '';
const read = (name: string) => fs.readFileSync(path.join(directory, name));

/** In one step, so that what is there is whole. */
function write(name: string, data: Buffer): void {
  const file = path.join(directory, name);
  fs.writeFileSync(`${file}.${process.pid}`, data);
  fs.renameSync(`${file}.${process.pid}`, file);
}

const kernel = read('Image');
const { offset, text } = ARM64_MAGIC;
if (kernel.toString('latin1', offset, offset + text.length) !== text) {
  console.error("novaboot: this Debian's kernel is compressed: U-Boot cannot boot it");
  process.exit(69);
}
const busybox = read('busybox');
write('initramfs.cpio.gz', initramfs(busybox, directory));
write('root.tar', rootArchive(busybox));
