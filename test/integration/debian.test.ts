/**
 * A Debian base system by each way that users have: up to the server through a real sshd, booted from there by a real
 * kernel to a login prompt, changed on the board, down again, and compared with what the stock tools and the kernel of
 * this machine make of the same.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Board, bootBoard } from '../support/board-console.ts';
import { BOOTED, CHANGES, TELL, told } from '../support/debian-board.ts';
import { asRoot, DEBIAN_MS, makeBoardTree } from '../support/debian-tree.ts';
import { findPrograms } from '../support/guest-tools.ts';
import { ACCOUNT, type Lab, startLab } from '../support/sshd.ts';
import { compareTrees, type Listing, listTreeAsRoot } from '../support/tree-listing.ts';

/** With the mount options that new accounts get. */
const CONFIG = `allowed_clients=127.0.0.1
server_addr=10.0.2.2
mount_options=rsize=1048576,wsize=1048576
`;
const COMMAND_MS = 120_000;
const TEST_MS = 240_000;

interface Way {
  readonly name: string;
  readonly user: string;
  /** Makes of ./debian what is uploaded, and ./NAME, which a stock tool makes of the same. */
  readonly prepare: string;
  readonly upload: string;
  /** In what ./NAME differs from ./debian. */
  readonly lost: Readonly<Record<string, string>>;
  /** What the second upload prints. */
  readonly printsAgain: RegExp;
  /** Puts another root in the place of the one that the board runs on, which becomes @1. */
  readonly replace: string;
}

const TAR = "tar --xattrs --xattrs-include='*' --acls --numeric-owner";
const RSYNC = 'rsync -aHAXS --numeric-ids';
const UNTAR: Way = {
  name: 'untar',
  user: 'alice',
  prepare: `${TAR} -S --warning=no-file-ignored -C debian -cf - . | zstd -q -1 >debian.tar.zst
      mkdir untar; ${TAR} --warning=no-timestamp -xpf debian.tar.zst -C untar`,
  upload: '$SSH $BOARD untar - <debian.tar.zst',
  // GNU tar stores no sockets, and special files without their links.
  lost: {
    'srv/special/dev/console': 'links',
    'srv/special/dev/pipe': 'links',
    'srv/special/dev/socket': 'missing',
    'srv/special/links/console': 'links',
    'srv/special/links/pipe': 'links',
  },
  printsAgain: /^$/,
  replace: `${RSYNC} -e "$SSH" --rsync-path=rsync-nfsroot debian.tar.zst $BOARD:.
      $SSH $BOARD untar debian.tar.zst`,
};
const RSYNC_NFSROOT: Way = {
  name: 'rsync-nfsroot',
  user: 'bob',
  prepare: `${RSYNC} debian/ rsync-nfsroot`,
  upload: `${RSYNC} --delete --stats -e "$SSH" --rsync-path=rsync-nfsroot debian/ $BOARD:root/`,
  lost: {},
  // Less than 1 MB, most of it the list of 9,000 files with their attributes
  printsAgain: /^Total bytes sent: \d{1,3},\d{3}$/m,
  replace: '$SSH $BOARD root save kept; $SSH $BOARD root reset',
};
const DOWNLOADS = {
  rsync: `${RSYNC} -e "$SSH" --rsync-path=rsync-nfsroot $BOARD:root/ down`,
  'root download': `mkdir down; $SSH $BOARD root download | ${TAR} --warning=no-timestamp -xpf - -C down`,
} as const;

let lab: Lab;
let directory: string;
let started: number;

beforeAll(async () => {
  findPrograms(['rsync', 'zstd', 'tar']);
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'debian-'));
  lab = await startLab({ config: 'console_cmd=cat\n' });
  await lab.writeConfig(CONFIG, '.novaboot-nfs');
  makeBoardTree(path.join(directory, 'debian'), lab.uid);
  started = Date.now();
}, DEBIAN_MS);
afterAll(async () => {
  await lab?.stop();
  if (directory !== undefined) await root('rm -rf "$PWD"');
});

/**
 * Runs a script of bash as root in the test's directory, with `$SSH` and `$BOARD` for a user's session.
 *
 * @throws Error with what was said, if a command fails
 */
async function root(script: string, user = '', input = ''): Promise<string> {
  const variables = [`SSH=${lab.rsyncRsh(user)}`, `BOARD=${ACCOUNT}@127.0.0.1`, 'LC_ALL=C.UTF-8'];
  const argv = [...asRoot, 'env', '-C', directory, ...variables, 'bash', '-euo', 'pipefail', '-c', script];
  const { stdout } = await execa(argv[0] ?? '', argv.slice(1), {
    input,
    timeout: COMMAND_MS,
    maxBuffer: 1 << 26,
  });
  return stdout;
}

function list(name: string): Listing {
  return listTreeAsRoot(asRoot, path.join(directory, name));
}

/** As a user gets it back. */
async function download(how: keyof typeof DOWNLOADS, user: string): Promise<Listing> {
  await root(DOWNLOADS[how], user);
  const listing = list('down');
  await root('rm -rf down');
  return listing;
}

/** What a tar archive cannot hold. */
function sockets(listing: Listing): Record<string, 'missing'> {
  const names = Object.keys(listing).filter((name) => listing[name]?.mode.startsWith('140'));
  return Object.fromEntries(names.map((name) => [name, 'missing']));
}

/** Times of day that nobody chose become "now". */
function withoutClock(listing: Listing): Listing {
  const isNow = (mtime: string) =>
    Number(mtime) / 1e6 > started - 2000 && Number(mtime) / 1e6 < Date.now() + 2000;
  return Object.fromEntries(
    Object.entries(listing).map(([name, entry]) => [
      name,
      isNow(entry.mtime) ? { ...entry, mtime: 'now' } : entry,
    ]),
  );
}

/** The board's root, as get-config tells the client. */
async function nfsroot(user: string): Promise<string> {
  const { stdout, stderr } = await lab.ssh(user, ['get-config']);
  expect(stderr).toBe('');
  const [, where, options] = /^--nfsroot=(\S+)\n--nfsopts=(\S+)\n$/.exec(stdout) ?? [];
  return `${where},${options}`;
}

describe.each([UNTAR, RSYNC_NFSROOT])('$name', (way) => {
  const { name, user, upload } = way;
  let original: Listing;
  let board: Board | undefined;
  const running = () => {
    if (board === undefined) throw new Error('The board did not boot');
    return board;
  };

  beforeAll(async () => {
    await root(way.prepare);
    original = list(name);
  }, COMMAND_MS);
  afterAll(async () => {
    await board?.stop();
    await lab.ssh(user, ['nfs', 'stop']);
    await root(`rm -rf ${name} ${lab.home}/nfsroot/${user}`);
  });

  test('arrives with all that it has', { timeout: TEST_MS }, async () => {
    expect(compareTrees(list('debian'), original)).toEqual(way.lost);
    await root(upload, user);
    expect(compareTrees(original, await download('rsync', user))).toEqual({});
    expect(compareTrees(original, await download('root download', user))).toEqual(sockets(original));
    // What boots has nothing wrong.
    const { stdout } = await lab.ssh(user, ['doctor', 'root']);
    expect(stdout).toMatch(/^0 errors, 0 warnings, \d+ in order/);
  });

  test('boots to a login prompt', { timeout: TEST_MS }, async () => {
    board = await bootBoard(await nfsroot(user));
    await board.logIn('board');
    expect(await board.sh('cat /proc/1/comm; hostname; id -u; systemctl is-system-running --wait')).toBe(
      'systemd\nboard\n0\nrunning',
    );
    expect(await board.sh('grep " / nfs " /proc/mounts')).toContain(
      `${lab.home}/nfsroot/${user}/root / nfs rw,`,
    );
    // Set-uid programs work, and permissions count.
    expect(
      await board.sh('su nobody -s /bin/sh -c "passwd -S; cat /srv/special/var/file0000; true"'),
    ).toMatch(/^nobody L [^\n]*\ncat: [^\n]*: Permission denied$/);
  });

  test('shows the board what was uploaded', { timeout: TEST_MS }, async () => {
    await running().sh(`(${TELL}) >/root/told`);
    const onBoard = told(await root(`cat ${lab.home}/nfsroot/${user}/root/root/told`));
    const here = told(await root(`chroot ${name} sh -e`, user, TELL));
    await running().sh('rm /root/told');
    expect(here.length).toBeGreaterThan(8000);
    expect(onBoard).toEqual(here);
  });

  test('stays with the running board while another root comes and goes', {
    timeout: TEST_MS,
  }, async () => {
    await root(way.replace, user);
    await running().sh(
      'echo 3 >/proc/sys/vm/drop_caches; date >/root/now; sync; md5sum /usr/sbin/* >/dev/null',
    );
    const place = `${lab.home}/nfsroot/${user}`;
    expect(await root(`cd ${place}; ls -d root/root/now .replaced/1/root/now 2>/dev/null || true`)).toBe(
      '.replaced/1/root/now',
    );
    await root('$SSH $BOARD root restore @1', user);
    await running().sh('rm /root/now');
  });

  test('keeps what the board changes', { timeout: TEST_MS }, async () => {
    await running().sh(CHANGES);
    await running().powerOff();
    await root(`chroot ${name} sh -e`, user, CHANGES);
    const expected = withoutClock(list(name));
    const byRsync = withoutClock(await download('rsync', user));
    expect(compareTrees(expected, byRsync)).toEqual(BOOTED);
    const byTar = withoutClock(await download('root download', user));
    expect(compareTrees(expected, byTar)).toEqual({ ...BOOTED, ...sockets(expected) });
    // What Debian itself has written is the same too; rsync makes holes of its zeros.
    for (const name of Object.keys(BOOTED)) {
      expect({ ...byTar[name], allocated: 0 }).toEqual({ ...byRsync[name], allocated: 0 });
    }
  });

  test('a second upload takes back what the board changed', { timeout: TEST_MS }, async () => {
    expect(await root(upload, user)).toMatch(way.printsAgain);
    expect(compareTrees(original, await download('rsync', user))).toEqual({});
  });
});
