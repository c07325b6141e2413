/** cpio archives in the "newc" form, which a Linux kernel unpacks as its first root file system (initramfs). */

const MAGIC = '070701';
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const TRAILER = 'TRAILER!!!';

/** Pads with NUL to a multiple of four bytes. */
function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc(-data.length & 3)]);
}

export class CpioArchive {
  readonly #parts: Buffer[] = [];
  readonly #names = new Set<string>();

  #add(path: string, mode: number, data: Buffer): void {
    const name = path.replace(/^\//, '');
    if (this.#names.has(name)) return;
    const parent = name.slice(0, Math.max(0, name.lastIndexOf('/')));
    if (parent !== '') this.directory(parent);
    this.#names.add(name);
    this.#entry(name, mode, data);
  }

  #entry(name: string, mode: number, data: Buffer): void {
    const nameBytes = Buffer.from(`${name}\0`);
    // inode, mode, uid, gid, links, time, size, four device numbers, length of the name, checksum
    const fields = [this.#names.size, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, nameBytes.length, 0];
    const header = MAGIC + fields.map((value) => value.toString(16).padStart(8, '0')).join('');
    this.#parts.push(padded(Buffer.concat([Buffer.from(header), nameBytes])), padded(data));
  }

  directory(path: string, mode = 0o755): void {
    this.#add(path, S_IFDIR | mode, Buffer.alloc(0));
  }

  file(path: string, data: Buffer | string, mode = 0o644): void {
    this.#add(path, S_IFREG | mode, Buffer.from(data));
  }

  symlink(path: string, target: string): void {
    this.#add(path, S_IFLNK | 0o777, Buffer.from(target));
  }

  /** The whole archive. What was added twice is in it once, as it was first. */
  bytes(): Buffer {
    this.#entry(TRAILER, 0, Buffer.alloc(0));
    return Buffer.concat(this.#parts);
  }
}
