/** The server seen by a stranger's client: the programs of Debian's libnfs-utils. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type NfsServer, startNfsServer } from '../support/nfs-server.ts';

const MAX_OUTPUT = 64 * 1024 * 1024;
const run = promisify(execFile);
let server: NfsServer;

beforeAll(async () => {
  server = await startNfsServer();
});
afterAll(() => server?.stop());

function url(name: string, uid = 0): string {
  const ports = `nfsport=${server.port}&mountport=${server.port}`;
  return `nfs://127.0.0.1${server.exportPath}/${name}?version=3&uid=${uid}&gid=${uid}&${ports}`;
}

function libnfs(program: string, ...args: readonly string[]) {
  return run(program, args, { encoding: 'buffer', maxBuffer: MAX_OUTPUT });
}

test('copies a file there and back, in pieces of any size', async () => {
  const content = randomBytes(20 * 1024 * 1024 + 4711);
  const file = path.join(server.base, 'local');
  fs.writeFileSync(file, content);
  await libnfs('nfs-cp', file, url('copied'));
  expect(fs.readFileSync(path.join(server.exportPath, 'copied')).equals(content)).toBe(true);
  const { stdout } = await libnfs('nfs-cat', url('copied'));
  expect(stdout.equals(content)).toBe(true);
});

test('lists each of 3,000 files once, and directories with their files', async () => {
  const names = Array.from({ length: 3000 }, (_, index) => `file-${index}`);
  for (const name of names) fs.writeFileSync(path.join(server.exportPath, name), '');
  fs.mkdirSync(path.join(server.exportPath, 'deeper/still'), { recursive: true });
  const { stdout } = await libnfs('nfs-ls', url(''));
  const listed = stdout
    .toString()
    .split('\n')
    .map((line) => line.split(' ').at(-1) ?? '');
  expect(listed.filter((name) => name.startsWith('file-')).sort()).toEqual(names.sort());
  expect((await libnfs('nfs-ls', '-R', url('deeper'))).stdout.toString()).toContain('still');
});

test('is refused what another user may not read, and what is not there', async () => {
  const file = path.join(server.exportPath, 'secret');
  fs.writeFileSync(file, 'secret', { mode: 0o600 });
  expect((await libnfs('nfs-cat', url('secret'))).stdout.toString()).toBe('secret');
  await expect(libnfs('nfs-cat', url('secret', 1000))).rejects.toThrow('ACCESS denied');
  await expect(libnfs('nfs-cat', url('missing'))).rejects.toThrow('NFS3ERR_NOENT');
});

test('is not served a path outside the export', async () => {
  const outside = url('').replace(server.exportPath, path.dirname(server.exportPath));
  await expect(libnfs('nfs-ls', outside)).rejects.toThrow(/MNT3ERR|mount/i);
});
