/** Which root file systems clients use: told by the procedures, kept by ../roots/use.ts. */
import type { Inode } from '../vfs/vfs.ts';

export interface Uses {
  /** Moves when calls of clients that were seen before are to be told once more; NaN while all are. */
  readonly epoch: number;
  /** A client called a procedure on that file. @throws PutOff */
  see(client: string, called: Inode): void;
  /** A client mounts a directory. @returns false if another root has taken the place of its own meanwhile */
  mount(client: string, directory: Inode): boolean;
  unmount(client: string): void;
  unmountAll(client: string): void;
}
