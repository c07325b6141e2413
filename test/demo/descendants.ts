/** Processes that a demo has started, to see that none is left. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Tells it from a later one with the same pid. */
  readonly started: string;
  /** Arguments, with blanks. */
  readonly command: string;
  readonly directory: string;
}

function processes(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'latin1')
        .replace(/^.*\) /, '')
        .split(' ');
      const [state = '', parent = ''] = fields;
      if (state === 'Z') return [];
      const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ');
      const directory = readlinkSync(`/proc/${name}/cwd`);
      // proc_pid_stat(5): field 22, and the first two were cut off
      return [{ pid: Number(name), parent: Number(parent), started: fields[19] ?? '', command, directory }];
    } catch {
      // It has ended.
      return [];
    }
  });
}

/** Its descendants, and whatever else has something to do with a directory. */
export function startedBy(pid: number, directory: string): Process[] {
  const all = processes();
  const family = new Set([pid]);
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const process of all) if (family.has(process.parent)) family.add(process.pid);
  }
  return all.filter(
    (process) =>
      process.pid !== pid &&
      (family.has(process.pid) ||
        process.command.includes(directory) ||
        process.directory.startsWith(directory)),
  );
}

/** Those that still run. */
export function remaining(earlier: readonly Process[], directory: string): string[] {
  const known = new Set(earlier.map(({ pid, started }) => `${pid} ${started}`));
  return processes()
    .filter(
      ({ pid, started, command, directory: at }) =>
        known.has(`${pid} ${started}`) || command.includes(directory) || at.startsWith(directory),
    )
    .map(({ pid, command }) => `${pid} ${command}`);
}
