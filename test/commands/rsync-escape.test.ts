/** Attempts to reach what lies outside the tree through symbolic links in it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  canary,
  FENCES,
  giveToAccount,
  home,
  LOWERED,
  makeBoard,
  removeBoard,
  rsync,
  source,
  tree,
  write,
} from '../support/rsync-board.ts';
import type { CommandName, ServerSettings } from '../support/rsync-server.ts';

afterEach(removeBoard);

/** From a place in the tree to one in the home directory. */
function wayOut(from: string, to: string): string {
  return path.relative(path.join(tree, from), path.join(home, to));
}

/** What a hostile client tries, with a link out of the tree already planted. */
const ATTACKS: readonly (readonly string[])[] = [
  ['-a', 'x', 'B:'],
  ['-a', 'x/', 'B:x'],
  ['-a', 'x/', 'B:x/'],
  ['-a', 'x/', 'B:x/new/'],
  ['-a', 'x/', 'B:in/x'],
  ['-aI', 'x/authorized_keys', 'B:x/'],
  ['-a', 'authorized_keys', 'B:x/authorized_keys'],
  ['-a', 'authorized_keys', 'B:keys'],
  ['-a', '--mkpath', 'authorized_keys', 'B:x/new/authorized_keys'],
  ['-aR', 'x/authorized_keys', 'B:'],
  ['-aR', '--no-implied-dirs', 'x/authorized_keys', 'B:'],
  ['-rptR', '--no-implied-dirs', '--protocol=29', 'x/authorized_keys', 'x/new', 'B:'],
  ['-aR', '--no-implied-dirs', '--ignore-existing', 'x/authorized_keys', 'x/new', 'B:'],
  ['-aR', '--no-implied-dirs', '--inplace', 'x/authorized_keys', 'x/new', 'B:'],
  ['-aRO', '--no-implied-dirs', '--size-only', 'x/authorized_keys', 'B:'],
  ['-aRJ', '--no-implied-dirs', '--delete', 'x/', 'B:'],
  ['-a', '--ignore-existing', 'x', 'B:'],
  ['-a', '--ignore-existing', '--delete-after', 'x', 'B:'],
  ['-a', '--existing', 'x', 'B:'],
  ['-aK', 'x', 'B:'],
  ['-a', '-MK', 'x', 'B:'],
  ['-d', 'x', 'B:'],
  ['-dp', 'x/', 'B:x'],
  ['-a', '--delete', 'x/', 'B:x'],
  ['-a', '--delete', 'a/', 'B:'],
  ['-a', '--delete', '--force', '--no-links', 'a', 'B:x'],
  ['-ab', '--suffix=.b', 'x', 'B:'],
  ['-pt', '--size-only', 'keys', 'B:'],
  ['-pt', '--inplace', 'keys', 'B:'],
  ['-p', '--append', 'keys', 'B:'],
  ['-a', '-M--log-file=../.novaboot-shell', 'x', 'B:'],
  ['-a', '--temp-dir=x', 'file', 'B:'],
  ['-a', '--partial-dir=x', 'file', 'B:'],
  ['-ab', '--backup-dir=x', 'file', 'B:'],
  ['-a', '--link-dest=../.ssh', 'x/', 'B:'],
  ['-a', '--copy-dest=../.ssh', 'x/', 'B:'],
  ['-a', 'link', 'B:'],
];

const SERVERS: (readonly [CommandName, string, Partial<ServerSettings>])[] = [
  ...FENCES.map(([fences, settings]) => ['rsync', fences, settings] as const),
  ['rsync', 'by a client that hides --no-implied-dirs', { drop: ['--no-implied-dirs'] }],
  ...FENCES.map(([fences, settings]) => ['rsync-nfsroot', fences, settings] as const),
];

describe.each(SERVERS)('%s: nothing outside the tree changes %s', (command, _, settings) => {
  beforeEach(() => {
    makeBoard(command);
    write(path.join(source, 'x/authorized_keys'), 'canary');
    write(path.join(source, 'x/new'), 'evil');
    write(path.join(source, 'authorized_keys'), 'canary');
    write(path.join(source, 'keys'), 'canary');
    fs.symlinkSync('../.ssh', path.join(source, 'link'));
    for (const name of ['x', 'x/authorized_keys', 'authorized_keys', 'keys']) {
      fs.chmodSync(path.join(source, name), 0o777);
      fs.utimesSync(path.join(source, name), new Date(), new Date());
    }
    fs.symlinkSync(wayOut('.', '.ssh'), path.join(tree, 'x'));
    fs.symlinkSync(wayOut('.', '.ssh/authorized_keys'), path.join(tree, 'keys'));
    fs.mkdirSync(path.join(tree, 'in'));
    fs.symlinkSync(wayOut('in', '.ssh'), path.join(tree, 'in/x'));
    giveToAccount();
  });

  test.each(ATTACKS.map((args) => [args.join(' '), args] as const))('%s', (_, args) => {
    const before = canary();
    rsync(args, settings);
    expect(canary()).toBe(before);
  });
});

test('the canary sees what an unfenced server does', () => {
  makeBoard('rsync');
  fs.symlinkSync(wayOut('.', '.ssh'), path.join(tree, 'x'));
  giveToAccount();
  const before = canary();
  const [command = 'rsync', ...args] = [...`${LOWERED}rsync`.split(' '), '-rp', 'a/', path.join(tree, 'x/')];
  execFileSync(command, args, { cwd: source });
  expect(canary()).not.toBe(before);
});

test.each(['rsync', 'rsync-nfsroot'] as const)(
  'a directory that turns into a link during uploads: %s',
  async (of) => {
    makeBoard(of);
    const link = `ln -s '${wayOut('.', '.ssh')}' d`;
    const flip = `cd '${tree}' || exit; while :; do mkdir d; rm -rf d; ${link}; rm d; done 2>/dev/null`;
    const lowered = LOWERED.trim().split(' ').filter(Boolean);
    const [command = 'sh', ...args] = [...lowered, 'sh', '-c', flip];
    const flipper = spawn(command, args, { stdio: 'ignore', detached: true });
    write(path.join(source, 'd/authorized_keys'), 'canary');
    for (const name of ['d', 'd/authorized_keys']) fs.chmodSync(path.join(source, name), 0o777);
    const before = canary();
    try {
      for (let round = 0; round < 6; round += 1) {
        rsync(['-a', 'd', 'B:']);
        rsync(['-aI', 'd/', 'B:d/']);
        rsync(['-aR', 'd/authorized_keys', 'B:']);
        rsync(['-a', 'd/authorized_keys', 'B:d/authorized_keys']);
      }
    } finally {
      const ended = once(flipper, 'close');
      process.kill(-(flipper.pid ?? 0), 'SIGKILL');
      await ended;
    }
    expect(canary()).toBe(before);
  },
  60_000,
);
