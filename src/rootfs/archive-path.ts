/** Names in archives as places in a tree: relative, beneath its top, in one form. */
/** NAME_MAX, and PATH_MAX without its NUL: what system calls take. Bytes. */
const MAX_NAME = 255;
const MAX_PATH = 4095;
const SLASH = 0x2f;
const DOT = 0x2e;

/** One path at a time, for system calls. */
export class ArchivePath {
  /** With a NUL behind it. */
  readonly bytes = Buffer.alloc(MAX_PATH + 2);
  /** 0 for the top itself. */
  length = 0;
  /** Of the directory's part; 0 for what lies in the top. */
  parentLength = 0;

  /**
   * @param name as in the archive: `./` in front, `/` behind and what is doubled is dropped
   * @returns what is wrong with an absolute name, one with `..`, and one that no system call takes
   */
  set(name: Buffer): string | undefined {
    if (name[0] === SLASH) return 'an absolute name';
    this.length = 0;
    this.parentLength = 0;
    for (let start = 0; start < name.length; ) {
      let end = start;
      while (end < name.length && name[end] !== SLASH) end += 1;
      const problem = this.add(name, start, end);
      if (problem !== undefined) return problem;
      start = end + 1;
    }
    this.bytes[this.length] = 0;
    return undefined;
  }

  private add(name: Buffer, start: number, end: number): string | undefined {
    const length = end - start;
    if (length === 0 || (length === 1 && name[start] === DOT)) return undefined;
    if (length === 2 && name[start] === DOT && name[start + 1] === DOT) return 'a name with ".."';
    if (length > MAX_NAME) return `a name of ${length} bytes, where ${MAX_NAME} are possible`;
    if (this.length + 1 + length > MAX_PATH) return `a name of more than ${MAX_PATH} bytes`;
    this.parentLength = this.length;
    if (this.length > 0) {
      this.bytes[this.length] = SLASH;
      this.length += 1;
    }
    name.copy(this.bytes, this.length, start, end);
    this.length += length;
    return undefined;
  }

  /** The last part, with a NUL behind it; a view. */
  get name(): Buffer {
    return this.bytes.subarray(this.parentLength === 0 ? 0 : this.parentLength + 1);
  }

  /** Bytes as latin1 characters. */
  get text(): string {
    return this.bytes.toString('latin1', 0, this.length);
  }

  /** The directory's part. */
  get parent(): string {
    return this.bytes.toString('latin1', 0, this.parentLength);
  }
}
