/** Old roots stay while a client uses them, and go when none does. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Gate } from '../../../src/nfs/gate.ts';
import { ReplacedRoots } from '../../../src/nfs/roots/replaced.ts';
import { RootUse } from '../../../src/nfs/roots/use.ts';
import { lockRoots } from '../../../src/rootfs/lock.ts';
import { readMounts } from '../../../src/rootfs/mounts.ts';
import { beginTree, switchBack } from '../../../src/rootfs/new-tree.ts';
import { replacedRoots, unusedRoots } from '../../../src/rootfs/replaced.ts';
import { rootsOf } from '../../../src/rootfs/roots.ts';
import { eventually } from '../../support/ssh-session.ts';
import { codeOf, makePlace, type Place, patiently } from '../vfs/fixture.ts';

const GRACE_MS = 250;
const DAY_MS = 24 * 3600_000;
const ONE = '10.0.0.1';
const TWO = '10.0.0.2';

let place: Place;
let use: RootUse;
let gate: Gate;
let replaced: ReplacedRoots;
/** How much later it is than the clock says. */
let laterMs = 0;
let graceMs: number;
const logged: string[] = [];
const roots = () => rootsOf(place.base);
const file = () => path.join(place.top, 'alice.mounts');
const numbers = () => replacedRoots(roots()).map(({ number }) => number);
const unused = () => unusedRoots(roots(), readMounts(file(), roots())).map(({ number }) => number);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function start(): void {
  place.restart({ exportPath: roots().live });
  const { vfs } = place;
  gate = new Gate();
  const log = (priority: string, message: string) => logged.push(`${priority}: ${message}`);
  const now = () => Date.now() + laterMs;
  use = new RootUse({ file: file(), roots: roots(), vfs, log, now, onMount: () => replaced.look() });
  replaced = new ReplacedRoots({ roots: roots(), vfs, use, gate, log, graceMs });
  replaced.look();
}

function restart(): void {
  replaced.close();
  use.close();
  start();
}

beforeEach(() => {
  logged.length = 0;
  laterMs = 0;
  graceMs = GRACE_MS;
  place = makePlace();
  fs.mkdirSync(roots().live);
  start();
});
afterEach(() => {
  vi.restoreAllMocks();
  replaced.close();
  place.remove();
});

/** For a test that has to do something in time. */
function graceIsLong(): void {
  graceMs = 4 * GRACE_MS;
  restart();
}

/** As untar does. @returns the old root's number */
function replace(files = 3): number {
  const tree = beginTree(roots());
  for (let number = 0; number < files; number += 1) fs.writeFileSync(path.join(tree.path, `f${number}`), '');
  tree.switchIn();
  return tree.number;
}

/** MNT. @returns the handle that the client gets */
function mount(client: string): Buffer {
  const { vfs } = place;
  while (!use.mount(client, vfs.root));
  return vfs.handleOf(vfs.root);
}

/** A call as procedures tell of it. */
async function call(client: string, handle: Buffer): Promise<void> {
  await patiently(() => use.see(client, place.vfs.resolve(handle)));
}

const goes = (number: number) => eventually(`@${number} is gone`, () => !numbers().includes(number), 10_000);

async function stays(number: number): Promise<void> {
  await pause(graceMs * 1.6);
  expect(numbers()).toContain(number);
}

describe('an old root', () => {
  it('stays until all clients that used it have mounted the new one', async () => {
    for (const client of [ONE, TWO]) mount(client);
    const old = replace();
    expect(unused()).toEqual([]);
    await stays(old);
    mount(ONE);
    await stays(old);
    mount(TWO);
    expect(unused()).toEqual([]);
    await goes(old);
    expect(fs.readdirSync(roots().replaced)).toEqual([]);
    expect(logged).toEqual([`info: removing the replaced root @${old}: no client uses it`]);
  });

  it('stays while a client uses it that has mounted the new one besides', async () => {
    graceIsLong();
    const handle = mount(ONE);
    const old = replace();
    mount(ONE);
    for (let time = 0; time < 12; time += 1) {
      await call(ONE, handle);
      await pause(graceMs / 6);
    }
    expect(numbers()).toEqual([old]);
    await goes(old);
    expect(await codeOf(() => patiently(() => place.vfs.resolve(handle)))).toBe('ESTALE');
  });

  it('stays when it was mounted after the one that is live again', async () => {
    mount(ONE);
    const number = replace();
    mount(ONE);
    for (const restarts of [false, true]) {
      // What the client has mounted last gives way to what it had before.
      if (!restarts) switchBack(roots(), number);
      else restart();
      replaced.look();
      await stays(number);
    }
    mount(ONE);
    await goes(number);
  });

  it('stays over restarts of the server', async () => {
    const handle = mount(ONE);
    const old = replace();
    restart();
    await stays(old);
    await call(ONE, handle);
    restart();
    mount(TWO);
    await stays(old);
    mount(ONE);
    restart();
    await goes(old);
  });

  it('without clients is nobody’s, and goes if untar did not remove it', async () => {
    const old = replace();
    expect(unused()).toEqual([old]);
    replaced.look();
    await goes(old);
  });

  it('is used by a client that has a handle from before, mounted or not', async () => {
    const handle = place.vfs.handleOf(place.vfs.root);
    await call(ONE, handle);
    const old = replace();
    expect(unused()).toEqual([]);
    replaced.look();
    await stays(old);
    // Also by one that comes only now.
    replaced.close();
    fs.rmSync(file());
    start();
    await call(TWO, handle);
    await stays(old);
    expect(use.usersOf(replacedRoots(roots())[0]?.identity ?? '')).toEqual([TWO]);
  });

  it('goes after seven days without a call, and not before', async () => {
    const handle = mount(ONE);
    const old = replace();
    laterMs += 6 * DAY_MS;
    await call(ONE, handle);
    laterMs += 6 * DAY_MS;
    restart();
    await stays(old);
    laterMs += 1.1 * DAY_MS;
    restart();
    await goes(old);
  });

  it('stays while somebody works on the roots', async () => {
    mount(ONE);
    const old = replace();
    const lock = lockRoots(roots(), 'shared');
    mount(ONE);
    await stays(old);
    fs.closeSync(lock);
    await goes(old);
  });

  it('stays while nobody is heard, and until all had time to call since', async () => {
    graceIsLong();
    const handle = mount(ONE);
    const old = replace();
    mount(ONE);
    gate.shut();
    await stays(old);
    gate.open();
    await pause(graceMs / 2);
    await call(ONE, handle);
    await pause(graceMs / 2);
    expect(numbers()).toEqual([old]);
    await goes(old);
  });

  it('without clients stays until those who come back to a new server had time to call', async () => {
    graceIsLong();
    const old = replace();
    restart();
    await pause(graceMs / 2);
    expect(numbers()).toEqual([old]);
    await goes(old);
  });

  it('stays when the root that had its number is not needed any more', async () => {
    for (const files of [3000, 0, 0]) {
      mount(ONE);
      replace(files);
    }
    mount(ONE);
    // @2 takes a while, and @3 would be next.
    const gone = path.join(roots().replaced, '2.gone');
    await eventually('the removal', () => fs.existsSync(gone), 10_000);
    switchBack(roots(), 3);
    await eventually('its end', () => !fs.existsSync(gone), 10_000);
    await stays(3);
    mount(ONE);
    await goes(3);
  });

  it.each(['before', 'after'])('is not forgotten when roots change places just %s one look', async (when) => {
    mount(ONE);
    const old = replace();
    mount(ONE);
    const { readdirSync } = fs;
    await new Promise<void>((resolve) => {
      vi.spyOn(gate, 'wasOpenFor').mockImplementationOnce(() => {
        const readdir = vi.spyOn(fs, 'readdirSync').mockImplementation(((...args: [string]) => {
          readdir.mockRestore();
          if (when === 'before') switchBack(roots(), old);
          const entries = readdirSync(...args);
          if (when === 'after') replace();
          resolve();
          return entries;
        }) as never);
        return true;
      });
    });
    await pause(GRACE_MS / 2);
    // Both, as untar sees it.
    expect(readMounts(file(), roots())[ONE]).toHaveLength(2);
  });

  it('is removed while others are served, and the lock is free meanwhile', async () => {
    const before = mount(ONE);
    replace(3000);
    const handle = mount(ONE);
    const old = replace();
    mount(ONE);
    const gone = path.join(roots().replaced, `${old}.gone`);
    await eventually('the removal', () => fs.existsSync(gone), 10_000);
    let turns = 0;
    for (; fs.existsSync(gone); turns += 1) {
      fs.closeSync(lockRoots(roots(), 'exclusive'));
      await pause(1);
    }
    expect(turns).toBeGreaterThan(5);
    for (const stale of [before, handle]) {
      expect(await codeOf(() => patiently(() => place.vfs.resolve(stale)))).toBe('ESTALE');
    }
  });
});

describe('a client', () => {
  it('that unmounts as often as it mounted uses the root no more', async () => {
    for (const client of [ONE, ONE, TWO]) mount(client);
    use.unmount(ONE);
    use.unmount(TWO);
    expect(Object.keys(readMounts(file(), roots()))).toEqual([ONE]);
    use.unmount(ONE);
    use.unmount(ONE);
    expect(readMounts(file(), roots())).toEqual({});
    const old = replace();
    expect(unused()).toEqual([old]);
  });

  it('that unmounts the new root has the old one still', async () => {
    const handle = mount(ONE);
    const old = replace();
    mount(ONE);
    use.unmount(ONE);
    await stays(old);
    use.unmountAll(ONE);
    expect(unused()).toEqual([old]);
    await call(ONE, handle);
    expect(unused()).toEqual([]);
  });

  it('that mounts while the root is replaced is noted with the one that it gets', () => {
    const rename = vi.spyOn(fs, 'renameSync').mockImplementationOnce(() => {
      rename.mockRestore();
      // The file is written after the exchange, and untar has read it before.
      replace();
    });
    const handle = mount(ONE);
    expect(handle).toEqual(place.vfs.handleOf(place.vfs.root));
    expect(Object.values(readMounts(file(), roots())).flat()).toHaveLength(2);
  });
});

it('many clients are too many to be told apart, and keep a root', async () => {
  const clients = Array.from({ length: 300 }, (_, number) => `10.1.${number >> 8}.${number & 255}`);
  for (const client of clients) use.see(client, place.vfs.root);
  expect(Object.keys(readMounts(file(), roots()))).toHaveLength(257);
  const old = replace();
  restart();
  for (const client of clients) mount(client);
  await stays(old);
});

it('of which nothing is known is used by anybody', async () => {
  mount(ONE);
  const old = replace();
  replaced.close();
  fs.writeFileSync(file(), '');
  start();
  expect(unused()).toEqual([]);
  mount(ONE);
  await stays(old);
  const next = replace();
  restart();
  mount(ONE);
  await stays(next);
  expect(numbers()).toEqual([old, next]);
  laterMs += 7.1 * DAY_MS;
  restart();
  await goes(old);
});
