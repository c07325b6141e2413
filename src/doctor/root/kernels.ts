/** Kernels among the boot files of a board. */
import fs from 'node:fs';
import path from 'node:path';
import { openBeneath } from '../../system/openat2.ts';
import { type KernelImage, kernelImage, START } from './kernel-image.ts';

export interface Kernel extends KernelImage {
  /** From ~/tftproot. */
  readonly name: string;
}

const { O_RDONLY, O_NONBLOCK, O_DIRECTORY } = fs.constants;
/** Entries that are looked at, and levels of directories. */
const MAX_FILES = 300;
const MAX_DEPTH = 3;
/** Kernels whose version is looked for in all of their file, and the largest of them, bytes. */
const MAX_READ = 4;
const MAX_SIZE = 64 << 20;

interface Candidate {
  readonly name: string;
  readonly fd: number;
  readonly size: number;
  readonly time: number;
}

/** @returns undefined for one that is gone, or not ours to read */
function openDirectory(top: number, name: string): fs.Dir | undefined {
  let fd: number;
  try {
    fd = openBeneath(top, name, O_RDONLY | O_DIRECTORY);
  } catch {
    return undefined;
  }
  try {
    return fs.opendirSync(`/proc/self/fd/${fd}`, { bufferSize: 64 });
  } finally {
    fs.closeSync(fd);
  }
}

/** Plain files, breadth first. Each that is open is closed by `look`. */
function visit(top: number, look: (candidate: Candidate) => void): void {
  const directories: { name: string; depth: number }[] = [{ name: '.', depth: 1 }];
  let left = MAX_FILES;
  for (let next = directories.shift(); next !== undefined; next = directories.shift()) {
    const directory = openDirectory(top, next.name);
    if (directory === undefined) continue;
    for (let entry = directory.readSync(); entry !== null && left > 0; entry = directory.readSync()) {
      left -= 1;
      const name = path.join(next.name, entry.name);
      if (entry.isDirectory() && next.depth < MAX_DEPTH) directories.push({ name, depth: next.depth + 1 });
      else if (entry.isFile()) open(top, name, look);
    }
    directory.closeSync();
  }
}

function open(top: number, name: string, look: (candidate: Candidate) => void): void {
  let fd: number;
  try {
    fd = openBeneath(top, name, O_RDONLY | O_NONBLOCK);
  } catch {
    // Gone, or not ours to read.
    return;
  }
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isFile()) look({ name, fd, size: stat.size, time: stat.mtimeMs });
  } finally {
    fs.closeSync(fd);
  }
}

function readStart(fd: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, fs.readSync(fd, buffer, 0, length, 0));
}

/** @param directory ~/tftproot @returns none if it cannot be read; the newest first */
export function findKernels(directory: string): Kernel[] {
  let top: number;
  try {
    top = fs.openSync(directory, O_RDONLY | O_DIRECTORY);
  } catch {
    return [];
  }
  const kernels: (Kernel & { time: number })[] = [];
  let left = MAX_READ;
  try {
    visit(top, ({ name, fd, size, time }) => {
      const image = kernelImage(readStart(fd, Math.min(size, START)));
      if (image === undefined) return;
      const isWhole = image.version !== undefined || left === 0 || size > MAX_SIZE;
      if (!isWhole) left -= 1;
      const { version } = isWhole ? image : (kernelImage(readStart(fd, size)) ?? image);
      kernels.push({ name, machine: image.machine, version, time });
    });
  } finally {
    fs.closeSync(top);
  }
  return kernels.sort((one, other) => other.time - one.time);
}
