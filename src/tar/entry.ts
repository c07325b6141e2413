/** What a tar archive holds, whatever its format. */

export type TarType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';

/** Seconds since 1970, also negative; nanoseconds count upwards from them, 0 to 999,999,999. */
export interface TarTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** A part of a sparse file that is stored; what lies between the parts reads as zeros. Bytes. */
export interface TarExtent {
  readonly offset: number;
  readonly length: number;
}

/** Names are raw bytes, as in the archive: a name may be absolute or contain `..`; it is never empty and has no NUL. */
export interface TarEntry {
  readonly name: Buffer;
  readonly type: TarType;
  /** 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of devices, else 0. */
  readonly major: number;
  readonly minor: number;
  /** Bytes of the unpacked content, with holes; 0 for all that has none. */
  readonly size: number;
  readonly mtime: TarTime;
  /** The target of a symbolic or hard link, else empty. */
  readonly link: Buffer;
  /** By name, each character of which is one byte (latin1). */
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** As text; see acl.ts. */
  readonly acl: { readonly access?: string; readonly default?: string };
}

/** Takes what a reader finds, in the archive's order: for each entry one `entry`, any `data`, one `end`. */
export interface TarVisitor {
  entry(entry: TarEntry): void;
  /**
   * @param offset bytes from the start of the file; offsets only grow, and skip holes
   * @param chunk a view, valid during the call
   */
  data(offset: number, chunk: Buffer): void;
  /** The entry is complete. */
  end(): void;
}

/** What is wrong with an archive, in words for its owner. */
export class TarError extends Error {
  override readonly name = 'TarError';
}
