/** What a file of a root file system is, whatever it is stored as. */

/** The numbers are those of ftype3 (RFC 1813 §2.5). */
export const FileType = {
  regular: 1,
  directory: 2,
  block: 3,
  character: 4,
  symlink: 5,
  socket: 6,
  fifo: 7,
} as const;

export type FileType = (typeof FileType)[keyof typeof FileType];
