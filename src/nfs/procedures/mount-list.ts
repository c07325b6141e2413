/** Who mounted what, as far as MOUNT calls tell: RFC 1813 §5.2.2 says that it is for people to read, not for programs. */
export interface Mount {
  /** Numeric address of the client. */
  readonly address: string;
  readonly directory: string;
  readonly since: Date;
}

/** Clients that lose their power never unmount, so the list must not grow without end. */
const MAX_MOUNTS = 256;

export class MountList {
  private readonly mounts = new Map<string, Mount>();

  /** Remembers a mount as the latest; the oldest is forgotten when there are too many. */
  add(address: string, directory: string): void {
    const key = `${address} ${directory}`;
    this.mounts.delete(key);
    this.mounts.set(key, { address, directory, since: new Date() });
    for (const oldest of this.mounts.keys()) {
      if (this.mounts.size <= MAX_MOUNTS) return;
      this.mounts.delete(oldest);
    }
  }

  remove(address: string, directory: string): void {
    this.mounts.delete(`${address} ${directory}`);
  }

  removeAll(address: string): void {
    for (const [key, mount] of this.mounts) if (mount.address === address) this.mounts.delete(key);
  }

  /** The oldest first. */
  all(): readonly Mount[] {
    return [...this.mounts.values()];
  }
}
