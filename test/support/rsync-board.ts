/** The real rsync at both ends; the server runs as an unprivileged account when we are root. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeDirectories, nfsPlace } from '../../src/shell/nfs-place.ts';
import { landlockAbi } from '../../src/system/landlock.ts';
import type { CommandName, ServerSettings } from './rsync-server.ts';

const SERVER = path.resolve(import.meta.dirname, 'rsync-server.ts');
const ACCOUNT = 65534;
const asRoot = process.getuid?.() === 0;
export const uid = asRoot ? ACCOUNT : (process.getuid?.() ?? 0);
export const LOWERED = asRoot ? `setpriv --reuid=${ACCOUNT} --regid=${ACCOUNT} --clear-groups ` : '';
const CANARY_TIME = new Date('2001-01-01T00:00:00Z');
const [, major = 0, minor = 0] =
  /version (\d+)\.(\d+)/.exec(execFileSync('rsync', ['--version']).toString()) ?? [];
if (Number(major) < 3 || (Number(major) === 3 && Number(minor) < 5)) {
  throw new Error('These tests need rsync 3.5.0 or newer, which follows no symbolic link of others');
}
if (landlockAbi() === 0) throw new Error('These tests need a kernel with Landlock (landlock(7)) switched on');

/** Runs a program as root. */
export function asSuperuser(...command: string[]): void {
  const [file = '', ...args] = asRoot ? command : ['sudo', '-n', ...command];
  execFileSync(file, args, { stdio: 'pipe' });
}

/** Where each command's tree lies in the home directory. */
export const TREES = { rsync: 'tftproot', 'rsync-nfsroot': 'nfsroot/bob' } as const;

let command: CommandName;
/** A directory for the test; in it an account's home with a canary, its tree, and what a client uploads. */
export let base: string;
export let home: string;
export let tree: string;
export let source: string;

export function write(file: string, text = 'new'): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}

export function giveToAccount(): void {
  if (asRoot) execFileSync('chown', ['-hR', `${ACCOUNT}:${ACCOUNT}`, home]);
}

export function makeBoard(of: CommandName): void {
  command = of;
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'rsync-'));
  fs.chmodSync(base, 0o755);
  home = path.join(base, 'home');
  tree = path.join(home, TREES[command]);
  source = path.join(base, 'source');
  write(path.join(home, '.ssh/authorized_keys'), 'canary');
  write(path.join(home, '.novaboot-shell'), 'canary');
  fs.chmodSync(path.join(home, '.ssh'), 0o700);
  for (const name of ['.novaboot-shell', '.ssh/authorized_keys', '.ssh']) {
    if (name !== '.ssh') fs.chmodSync(path.join(home, name), 0o600);
    fs.utimesSync(path.join(home, name), CANARY_TIME, CANARY_TIME);
  }
  fs.mkdirSync(tree, { recursive: true });
  if (command === 'rsync-nfsroot') {
    write(path.join(home, '.novaboot-nfs'), 'allowed_clients=127.0.0.1\n');
    makeDirectories(nfsPlace(home, path.basename(tree)));
  }
  write(path.join(source, 'file'));
  write(path.join(source, 'a/b/deep'));
  giveToAccount();
}

export function removeBoard(): void {
  fs.rmSync(base, { recursive: true });
}

/** Everything in the home directory but the tree: names, types, modes, owners, sizes, times and contents. */
export function canary(): string {
  const lines: string[] = [];
  for (const name of fs.readdirSync(home, { recursive: true, encoding: 'utf8' }).sort()) {
    if (`${name}/`.startsWith(`${TREES[command].split('/')[0]}/`)) continue;
    const { mode, uid: owner, size, mtimeMs } = fs.lstatSync(path.join(home, name));
    const isFile = fs.lstatSync(path.join(home, name)).isFile();
    const text = isFile ? fs.readFileSync(path.join(home, name), 'utf8') : '';
    lines.push([name, mode.toString(8), owner, isFile ? size : '', mtimeMs, text].join(' '));
  }
  return lines.join('\n');
}

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A script for rsync's --rsh, which gets HOST rsync --server ... */
function remoteShell(settings: Partial<ServerSettings>): string {
  const file = path.join(base, `rsh${Math.random()}`);
  const json = JSON.stringify({ home, command, ...(asRoot ? { account: ACCOUNT } : {}), ...settings });
  const node = `${process.execPath} ${SERVER}`;
  fs.writeFileSync(file, `#!/bin/sh\numask 022\nshift 2\nexec ${node} '${json}' "$@"\n`, {
    mode: 0o755,
  });
  return file;
}

export function rsync(args: readonly string[], settings: Partial<ServerSettings> = {}): Result {
  const options = { cwd: source, encoding: 'utf8', timeout: 45_000 } as const;
  return spawnSync('rsync', ['-e', remoteShell(settings), ...args], options);
}

/** The server alone, as a client that is not rsync could start it. */
export function server(words: readonly string[], settings: Partial<ServerSettings> = {}): Result {
  const options = { cwd: base, encoding: 'utf8', input: '', timeout: 45_000 } as const;
  return spawnSync(remoteShell(settings), ['HOST', 'rsync', ...words], options);
}

export function read(name: string): string {
  return fs.readFileSync(path.join(tree, name), 'utf8');
}

export function list(): string[] {
  return fs.readdirSync(tree, { recursive: true, encoding: 'utf8' }).sort();
}

export const FENCES = [
  ['with Landlock', {}],
  ['without Landlock', { abi: 0 }],
] as const satisfies [string, Partial<ServerSettings>][];
