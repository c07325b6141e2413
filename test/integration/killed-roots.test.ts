/**
 * kill -9 at random moments of untar, save and restore, and at system calls that change names or wait for the disk: the
 * live root is the old or the new one as a whole, a saved root is whole or not there, and the next run removes what was
 * left over. On ext4, where all is copied, and on btrfs, where blocks are shared.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LIVE, RootsLab, saved } from '../support/roots-lab.ts';
import { eventually } from '../support/ssh-session.ts';
import { compareTrees, type Listing } from '../support/tree-listing.ts';

/** On each file system, in each operation. */
const RANDOM_KILLS = 7;
/** A kill at the n-th of these calls of one process. */
const CALLS: readonly (readonly [calls: string, n: number])[] = [
  ['mkdir,mkdirat', 1],
  ['mkdir,mkdirat', 3],
  ['rename,renameat,renameat2', 1],
  ['rename,renameat,renameat2', 2],
  ['unlink,unlinkat', 1],
  ['unlink,unlinkat', 30],
  ['syncfs', 1],
  ['fsync', 1],
];
/** What makes a file system, and how many of the tries have to be kills in time. */
const FILE_SYSTEMS = {
  ext4: { make: 'mkfs.ext4 -q -F', leastKills: 32 },
  btrfs: { make: 'mkfs.btrfs -q', leastKills: 20 },
} as const;
const IMAGE_BYTES = 400 * 1024 ** 2;
const LONG_MS = 200_000;

/** Two root file systems with hardly a file in common. */
const TREES = {
  one: `mkdir dir etc; for n in $(seq 150); do
head -c 40000 /dev/urandom >dir/$n; setfattr -n user.rsync.%stat -v "104755 0,0 $n:5" dir/$n; done
printf target >etc/link; setfattr -n user.rsync.%stat -v '120777 0,0 0:0' etc/link`,
  two: `mkdir -p usr/lib etc; for n in $(seq 200); do head -c 20000 /dev/urandom >usr/lib/$n; ln usr/lib/$n etc/$n; done
: >etc/tty; setfattr -n user.rsync.%stat -v '20600 4,64 0:5' etc/tty; chmod 700 usr`,
};
type Name = keyof typeof TREES;
const other = (name: Name): Name => (name === 'one' ? 'two' : 'one');

describe.each(Object.entries(FILE_SYSTEMS))('on %s', (type, { make, leastKills }) => {
  let roots: RootsLab;
  const whole = {} as Record<Name, Listing>;
  let kills = 0;
  /** Milliseconds that the command takes which is being killed, at its quickest so far. */
  let quickest = Number.POSITIVE_INFINITY;

  beforeAll(async () => {
    roots = await RootsLab.start({
      setup: `truncate -s ${IMAGE_BYTES} "$lab/image"
${make} "$lab/image"
mkdir "$home/nfsroot"
mount -o loop "$lab/image" "$home/nfsroot"
chown "$uid:$uid" "$home/nfsroot"
chmod 700 "$home/nfsroot"
`,
    });
    const { lab } = roots;
    for (const name of Object.keys(TREES) as Name[]) {
      await roots.ok('reset');
      await lab.sh(`cd nfsroot/bob/root; ${TREES[name]}`);
      await lab.sh(`${command(`root download`)} >nfsroot/bob/${name}.tar`);
      await lab.sh(command(`untar ${name}.tar`));
      await roots.ok('save', name);
      whole[name] = roots.stored(LIVE);
      expect(compareTrees(whole[name], roots.stored(saved(name)))).toEqual({});
    }
  }, LONG_MS);
  afterAll(() => roots?.lab.stop());

  /** Without ssh, so that it is over sooner. */
  function command(words: string): string {
    return `SSH_ORIGINAL_COMMAND='${words}' exec ${roots.lab.shell} -c 'user bob'`;
  }

  async function run(words: string): Promise<void> {
    await roots.lab.sh(command(words));
  }

  /** To its end. A machine that was busy when it ran first would have it killed too late. */
  async function runTimed(words: string): Promise<void> {
    const begin = performance.now();
    await run(words);
    quickest = Math.min(quickest, performance.now() - begin);
  }

  /** Kills the first process of a command, or all of them, after so many milliseconds. */
  async function killAfter(words: string, milliseconds: number, all: boolean): Promise<void> {
    const { lab } = roots;
    const session = lab.spawnAs(['sh', '-c', command(words)]);
    await Promise.race([session.exited, new Promise((resolve) => setTimeout(resolve, milliseconds))]);
    const pids = all ? lab.processes().map(({ pid }) => pid) : session.running ? [session.pid] : [];
    await Promise.all(pids.map((pid) => lab.signal(pid, 'KILL').catch(() => {})));
    await over(session.exited);
  }

  /** Kills the process that comes to the n-th of these system calls. */
  async function killAtCall(words: string, calls: string, n: number): Promise<void> {
    const { lab } = roots;
    const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:signal=KILL:when=${n}`];
    const strace = ['strace', '-f', '-qq', '-o', '/dev/null', ...inject];
    await over(lab.spawnAs([...strace, 'sh', '-c', command(words)]).exited);
  }

  /** All that ran for it ends without further help. */
  async function over(exited: Promise<{ exitCode: number | undefined }>): Promise<void> {
    const { exitCode } = await exited;
    if (exitCode !== 0) kills += 1;
    await eventually('the end of all processes', () => roots.lab.processes().length === 0);
  }

  const isWhole = (listing: Listing, name: Name) =>
    Object.keys(compareTrees(whole[name], listing)).length === 0;

  const names = (directory: string) => roots.lab.sh(`ls -A nfsroot/${directory}`);

  async function nothingLeft(): Promise<void> {
    expect(await names('bob')).toBe('.replaced\none.tar\nroot\ntwo.tar\n');
    expect(await names('bob/.replaced')).toBe('');
    expect(await names('.saved/bob')).toBe('one\ntwo\n');
  }

  /** Every way to kill a command, each given to `check` with how it is called. */
  async function atEveryPoint(
    check: (point: string, kill: (words: string) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    for (let index = 0; index < RANDOM_KILLS; index += 1) {
      const after = quickest * (0.1 + 0.85 * Math.random());
      const all = index % 2 === 0;
      const point = `${all ? 'all' : 'the first'} after ${after.toFixed()} of ${quickest.toFixed()} ms`;
      await check(point, (words) => killAfter(words, after, all));
    }
    for (const [calls, n] of CALLS) {
      await check(`${calls} ${n}`, (words) => killAtCall(words, calls, n));
    }
  }

  /** @param words the command that makes the tree of this name the live one */
  async function testSwitch(words: (name: Name) => string): Promise<void> {
    let live: Name = 'one';
    await run(words('two'));
    quickest = Number.POSITIVE_INFINITY;
    await runTimed(words(live));
    await atEveryPoint(async (point, kill) => {
      const next = other(live);
      await kill(words(next));
      const found = roots.stored(LIVE);
      expect(isWhole(found, live) || isWhole(found, next), point).toBe(true);
      await runTimed(words(next));
      expect(compareTrees(whole[next], roots.stored(LIVE)), point).toEqual({});
      await nothingLeft();
      live = next;
    });
  }

  // It knows nothing of shared blocks.
  if (type === 'ext4') test('untar', () => testSwitch((name) => `untar ${name}.tar`), LONG_MS);

  test('root restore', () => testSwitch((name) => `root restore ${name}`), LONG_MS);

  test(
    'root save',
    async () => {
      await run('root restore two');
      quickest = Number.POSITIVE_INFINITY;
      await runTimed('root save three');
      await run('root remove three');
      await atEveryPoint(async (point, kill) => {
        await kill('root save three');
        expect(compareTrees(whole.two, roots.stored(LIVE)), point).toEqual({});
        if ((await names('.saved/bob')).includes('three')) {
          expect(compareTrees(whole.two, roots.stored(saved('three'))), point).toEqual({});
        } else {
          await runTimed('root save three');
        }
        await run('root remove three');
        await nothingLeft();
      });
      expect(compareTrees(whole.two, roots.stored(saved('two')))).toEqual({});
    },
    LONG_MS,
  );

  /** Of a directory beneath ~/nfsroot, on a disk that has lost all that was not written when the command returned. */
  async function afterPowerCut(words: string, directory: string): Promise<Listing> {
    const { lab } = roots;
    const at = (name: string) => `${lab.directory}/${name}`;
    const change = (image: string) =>
      lab.root(`umount ${lab.home}/nfsroot; mount -o loop ${at(image)} ${lab.home}/nfsroot`);
    await run(words);
    await lab.root(`cp --sparse=always ${at('image')} ${at('cut')}`);
    await change('cut');
    try {
      return roots.stored(directory);
    } finally {
      await change('image');
    }
  }

  test(
    'a power cut takes nothing away that a command has reported',
    async () => {
      const steps: [words: string, directory: string, name: Name][] = [
        ['untar two.tar', LIVE, 'two'],
        ['root restore one', LIVE, 'one'],
        ['root save three', saved('three'), 'one'],
      ];
      for (const [words, directory, name] of steps) {
        expect(compareTrees(whole[name], await afterPowerCut(words, directory)), words).toEqual({});
      }
    },
    LONG_MS,
  );

  test('enough of them were killed', () => {
    expect(kills).toBeGreaterThanOrEqual(leastKills);
  });
});
