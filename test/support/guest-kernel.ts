/** The kernel that scripts/kernel.sh fetched, and its modules. */
import fs from 'node:fs';
import path from 'node:path';

/** Its package, unpacked in part. */
export const KERNEL_DIRECTORY = path.resolve(
  import.meta.dirname,
  '../../node_modules/.cache/novaboot-kernel',
);

/** @throws Error if it is not there */
export function kernelImage(): string {
  const image = path.join(KERNEL_DIRECTORY, 'vmlinuz');
  if (!fs.existsSync(image))
    throw new Error('Missing kernel for QEMU; fetch it with: sh scripts/kernel.sh guest');
  return image;
}
