/** The port file, readable by a shell and by systemd's EnvironmentFile=. */
import fs from 'node:fs';

const VARIABLES = ['NFS_UDP', 'NFS_TCP', 'MOUNT_UDP', 'MOUNT_TCP'];

/** Replaces the file in one step: a reader sees the old one or the new one. */
export function replaceFile(file: string, text: string, mode: number): void {
  const fresh = `${file}.new`;
  fs.rmSync(fresh, { force: true });
  fs.writeFileSync(fresh, text, { mode, flag: 'wx' });
  fs.renameSync(fresh, file);
}

export function writePortFile(file: string, port: number): void {
  replaceFile(file, VARIABLES.map((name) => `${name}=${port}\n`).join(''), 0o644);
}

export function removePortFile(file: string): void {
  fs.rmSync(file, { force: true });
}
