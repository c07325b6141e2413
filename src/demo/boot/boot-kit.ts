/** What the demo boots on its virtual board, and what that takes. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { missingPackages } from '../board/virtual-machine.ts';
import type { BootKit } from './boot.ts';

/** Where `scripts/setup.sh board` puts it. */
export function bootKit(program: string): BootKit {
  const directory = resolve(dirname(program), '../node_modules/.cache/novaboot-board');
  return {
    kernel: join(directory, 'Image'),
    ramdisk: join(directory, 'initramfs.cpio.gz'),
    root: join(directory, 'root.tar'),
    arguments: 'console=ttyAMA0',
    prompt: 'root@board:~# ',
  };
}

/**
 * Why the virtual board cannot be had, in a line; undefined if it can.
 *
 * @param directory the demo's, which will be a part of the kernel's command line
 */
export function obstacle(kit: BootKit, directory: string): string | undefined {
  const packages = missingPackages();
  if (packages.length > 0) return `missing Debian packages: ${packages.join(' ')}`;
  const files = [kit.kernel, kit.ramdisk, kit.root].filter((file) => !existsSync(file));
  if (files.length > 0) return `no ${files.join(', no ')} ("sh scripts/setup.sh board" makes them)`;
  if (/^[\w.,:/@%+=-]{1,250}$/.test(directory)) return undefined;
  return `a kernel's command line cannot name ${directory}, give another --state DIR`;
}
