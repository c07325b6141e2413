/** `root download` through a real sshd, and what GNU tar makes of the archive. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { listEveryKind } from '../support/every-kind.ts';
import { LONG_MS, RootsLab } from '../support/roots-lab.ts';
import { eventually } from '../support/ssh-session.ts';
import { compareTrees, type Listing } from '../support/tree-listing.ts';

const NO_NAMESPACES = `printf '#!/bin/sh\\nexit 1\\n' >/run/unshare
chmod 755 /run/unshare
mount --bind /run/unshare /usr/bin/unshare
`;

describe.each([
  ['with user namespaces', {}],
  ['where user namespaces are forbidden', { setup: NO_NAMESPACES }],
])('root download %s', (_, options) => {
  let roots: RootsLab;
  beforeAll(async () => {
    roots = await RootsLab.start(options);
  });
  afterEach(() => roots.clean());
  afterAll(() => roots?.lab.stop());

  /** What ssh writes into a file of the lab's directory. */
  function download(...words: string[]): { status: number | null; stderr: string; file: string } {
    const file = path.join(roots.lab.directory, 'download.tar');
    const script = `exec ${roots.lab.rsyncRsh('bob')} board@127.0.0.1 root download ${words.join(' ')} >"$0"`;
    const { status, stderr } = spawnSync('sh', ['-c', script, file], { encoding: 'utf8' });
    return { status, stderr, file };
  }

  /** By GNU tar. */
  function extract(file: string): Listing {
    const copy = path.join(roots.lab.directory, 'copy');
    roots.runAsRoot('rm', '-rf', copy);
    fs.mkdirSync(copy);
    const all = ['--numeric-owner', '--acls', '--xattrs', '--xattrs-include=*'];
    roots.runAsRoot('tar', ...all, '-C', copy, '-xpf', file);
    return listEveryKind(copy);
  }

  /** Without the sockets, which tar has no place for. */
  const withoutSockets = (listing: Listing): Listing =>
    Object.fromEntries(Object.entries(listing).filter(([, { mode }]) => !mode.startsWith('14')));

  test(
    'what GNU tar extracts from it is what was uploaded',
    async () => {
      const before = withoutSockets(roots.upload());
      const { status, stderr, file } = download();
      expect({ status, stderr }).toEqual({
        status: 0,
        stderr: 'novaboot-shell: dev/socket: a socket, left out\n',
      });
      expect(compareTrees(before, extract(file))).toEqual({});
      await roots.ok('save', 'a');
      await roots.ok('reset');
      const again = download('a');
      expect(again.status).toBe(0);
      expect(compareTrees(before, extract(again.file))).toEqual({});
      expect(extract(download().file)).toMatchObject({ '': { mode: '40755', owner: '0:0', attributes: [] } });
    },
    LONG_MS,
  );

  test('needs little memory, whatever the reader does, and ends with it', async () => {
    await roots.fill();
    await roots.lab.sh('head -c 300000000 /dev/zero >nfsroot/bob/root/large');
    const pipe = path.join(roots.lab.directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const nobodyReads = fs.openSync(pipe, 'r+');
    const [program = '', ...args] = [
      ...roots.lab.rsyncRsh('bob').split(' '),
      'board@127.0.0.1',
      'root',
      'download',
    ];
    const client = spawn(program, args, { stdio: ['ignore', nobodyReads, 'inherit'] });
    fs.closeSync(nobodyReads);
    const { pid } = await eventually('the command', () =>
      roots.lab.processes().find(({ command }) => command.includes('novaboot-shell.js')),
    );
    const number = (file: string, field: string) =>
      Number(
        new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(fs.readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1],
      );
    let written = 0;
    await eventually('a reader that is full', async () => {
      const before = written;
      written = number('io', 'wchar');
      await new Promise((resolve) => setTimeout(resolve, 200));
      return written > 100_000 && before === written;
    });
    expect(written).toBeLessThan(50_000_000);
    expect(number('status', 'RssAnon')).toBeLessThan(50_000);
    client.kill('SIGKILL');
    await eventually('its end', () => roots.lab.processes().length === 0);
  });

  test('refuses a terminal, and works for an empty root', async () => {
    const terminal = await roots.lab.ssh('bob', ['root', 'download'], { tty: true });
    expect(terminal).toMatchObject({ exitCode: 64 });
    expect(terminal.stdout).toMatch(/^novaboot-shell: An archive is nothing for a terminal: add >FILE\r\n$/);
    const { status, file } = download();
    expect(status).toBe(0);
    expect(execFileSync('tar', ['-tf', file], { encoding: 'utf8' })).toBe('./\n');
  });
});
