/** How far apart two changes of a file have to be to differ in its ctime. */
import fs from 'node:fs';
import os from 'node:os';

/** Twice the longest clock tick of kernels: 100 a second. */
const COARSE_MS = 20;

/** <linux/magic.h>: file systems whose ctimes differ after each look, since kernel 6.13 (FS_MGTIME). */
const MULTIGRAIN = new Set([
  0xef53, // ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x01021994, // tmpfs
]);

/** @returns milliseconds; 0 where every change that follows a look at the file has a ctime of its own */
export function ctimeTickMs(directory: string): number {
  const [major = 0, minor = 0] = os.release().split('.').map(Number);
  const isRecent = major > 6 || (major === 6 && minor >= 13);
  return isRecent && MULTIGRAIN.has(fs.statfsSync(directory).type) ? 0 : COARSE_MS;
}
