/** The archive that a user names: a file of the upload directory, or standard input. */
import fs from 'node:fs';
import { FileType } from '../../rootfs/file-type.ts';
import { readOwner } from '../../rootfs/ownership.ts';
import { CommandError } from '../../shell/errors.ts';
import { printable } from '../../shell/text.ts';
import { openBeneath } from '../../system/openat2.ts';

const { O_RDONLY, O_DIRECTORY, O_NONBLOCK } = fs.constants;

/** Bytes. */
const CHUNK = 256 * 1024;

/** Why a file cannot be opened. */
const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'is not in your upload directory; put it there with rsync --rsync-path=rsync-nfsroot',
  ENOTDIR: 'is not in your upload directory: a part of its path is a file',
  ELOOP: 'is a symbolic link, or lies behind one',
  EXDEV: 'leads out of your upload directory',
  ENXIO: 'is not a regular file',
  ENAMETOOLONG: 'is not in your upload directory',
};

/** What a file is stored as, where it is not what it looks like. */
function typeOf(fd: number, stat: fs.Stats): string | undefined {
  if (stat.isDirectory()) return 'a directory';
  if (!stat.isFile()) return 'not a regular file';
  const type = readOwner(fd, stat.mode)?.type ?? FileType.regular;
  if (type === FileType.regular) return undefined;
  return type === FileType.symlink ? 'a symbolic link' : 'not a regular file';
}

/**
 * @param base the upload directory
 * @param file a path in it
 * @returns its descriptor
 * @throws CommandError for what is no regular file there
 */
export function openUpload(base: string, file: string): number {
  const name = printable(file);
  let directory: number | undefined;
  try {
    directory = fs.openSync(base, O_RDONLY | O_DIRECTORY);
    const fd = openBeneath(directory, file, O_RDONLY | O_NONBLOCK);
    const type = typeOf(fd, fs.fstatSync(fd));
    if (type === undefined) return fd;
    fs.closeSync(fd);
    throw new CommandError(`${name} is ${type}; untar needs an archive`);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new CommandError(`${name} ${PROBLEMS[code] ?? `cannot be read: ${code}`}`, 1, { cause: error });
  } finally {
    if (directory !== undefined) fs.closeSync(directory);
  }
}

/** Reads to the end, and tells how far it has come. */
export class Input {
  /** Bytes read. */
  bytes = 0;
  /** Bytes; undefined where nobody knows. */
  readonly size: number | undefined;
  private readonly fd: number;

  constructor(fd: number) {
    const stat = fs.fstatSync(fd);
    this.fd = fd;
    this.size = stat.isFile() ? stat.size : undefined;
  }

  /**
   * Each chunk is valid until the next one is asked for. All but the last are full: a stream that gets one waits until
   * it is used up. Reading blocks, as nothing else is to be done meanwhile.
   */
  async *chunks(): AsyncGenerator<Buffer, void, void> {
    const buffer = Buffer.allocUnsafeSlow(CHUNK);
    for (let length = CHUNK; length === CHUNK; ) {
      length = this.fill(buffer);
      this.bytes += length;
      if (length > 0) yield buffer.subarray(0, length);
    }
  }

  private fill(buffer: Buffer): number {
    let length = 0;
    while (length < buffer.length) {
      const count = fs.readSync(this.fd, buffer, length, buffer.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return length;
  }
}
