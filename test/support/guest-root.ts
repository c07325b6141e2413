/** A root file system of busybox alone, for a guest that has it as `/`. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { GROUP, PASSWD } from './guest-accounts.ts';
import { findPrograms, librariesOf } from './guest-tools.ts';

const INITTAB = `::sysinit:/bin/hostname board
::once:/bin/sh /guest-agent.sh
`;

/** Writes it into a new directory. */
export function addRootFileSystem(directory: string): void {
  const [busybox = ''] = findPrograms(['busybox']);
  const write = (name: string, data: Buffer | string, mode = 0o644) => {
    const file = path.join(directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, data);
    fs.chmodSync(file, mode);
  };
  for (const library of librariesOf(busybox)) write(library, fs.readFileSync(library), 0o755);
  write('bin/busybox', fs.readFileSync(busybox), 0o755);
  for (const name of execFileSync(busybox, ['--list-full'], { encoding: 'utf8' }).split('\n')) {
    const link = path.join(directory, name);
    fs.mkdirSync(path.dirname(link), { recursive: true });
    if (!fs.existsSync(link)) fs.symlinkSync('/bin/busybox', link);
  }
  write('etc/passwd', PASSWD);
  write('etc/group', GROUP);
  write('etc/inittab', INITTAB);
  write('guest-agent.sh', fs.readFileSync(path.join(import.meta.dirname, 'guest-agent.sh')), 0o755);
  for (const name of ['dev', 'proc', 'sys', 'run', 'root', 'tmp']) fs.mkdirSync(path.join(directory, name));
  fs.chmodSync(path.join(directory, 'tmp'), 0o1777);
  fs.chmodSync(directory, 0o755);
}
