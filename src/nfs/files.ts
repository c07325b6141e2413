/** The files of a server, side by side: FILE.ports, as it is told by --port-file, FILE.lock and so on. */
export interface StateFiles {
  readonly ports: string;
  /** flock(2): one server only. */
  readonly lock: string;
  readonly status: string;
  /** flock(2): while others have it, nothing is changed. */
  readonly pause: string;
  /** How much the roots take. */
  readonly usage: string;
  /** Who uses which root. */
  readonly mounts: string;
  /** What clients do when they boot. */
  readonly journal: string;
}

export function filesOf(portFile: string | undefined): StateFiles | undefined {
  if (portFile === undefined) return undefined;
  const stem = portFile.slice(0, -'.ports'.length);
  const beside = (suffix: string) => `${stem}.${suffix}`;
  return {
    ...{ ports: portFile, lock: beside('lock'), status: beside('status') },
    ...{ pause: beside('pause'), usage: beside('usage') },
    ...{ mounts: beside('mounts'), journal: beside('journal') },
  };
}
