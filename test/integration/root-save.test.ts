/** `root save`, `restore` and `remove`, through a real sshd. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { write } from '../../src/nfs/procedures/write.ts';
import { createFile } from '../nfs/procedures/local-export.ts';
import { LIVE, LONG_MS, RootsLab, saved } from '../support/roots-lab.ts';
import { eventually } from '../support/ssh-session.ts';
import { compareTrees } from '../support/tree-listing.ts';

let roots: RootsLab;
beforeAll(async () => {
  roots = await RootsLab.start();
});
afterEach(() => roots.clean());
afterAll(() => roots?.lab.stop());

describe('root save and restore', () => {
  test(
    'a copy with every kind of file, which nothing that happens to the live root changes',
    async () => {
      roots.upload();
      await roots.lab.sh('mkfifo nfsroot/bob/root/real-fifo; ln -s nowhere nfsroot/bob/root/real-link');
      const before = roots.stored(LIVE);
      expect(await roots.ok('save', 'fresh')).toBe('Saved the live root as fresh.\n');
      expect(compareTrees(before, roots.stored(LIVE))).toEqual({});
      expect(compareTrees(before, roots.stored(saved('fresh')))).toEqual({});
      expect(await roots.ok('diff', 'fresh')).toBe('');

      // Every file of the live root gets other content, in place.
      await roots.lab.sh(
        `cd nfsroot/bob/root; find . -type f -size +0 -exec sh -c 'for f; do printf CHANGED | dd of="$f" conv=notrunc status=none; setfattr -n user.rsync.%stat -v "100600 0,0 9:9" "$f"; done' sh {} +`,
      );
      expect(Object.keys(compareTrees(before, roots.stored(LIVE))).length).toBeGreaterThan(70);
      expect(compareTrees(before, roots.stored(saved('fresh')))).toEqual({});

      expect(await roots.ok('restore', 'fresh')).toBe('Restored fresh. The old one is gone.\n');
      expect(compareTrees(before, roots.stored(LIVE))).toEqual({});
      expect(compareTrees(before, roots.stored(saved('fresh')))).toEqual({});
      expect(await roots.lab.sh('ls -A nfsroot/bob nfsroot/bob/.replaced nfsroot/.saved/bob')).toBe(
        'nfsroot/.saved/bob:\nfresh\n\nnfsroot/bob:\n.replaced\nroot\n\nnfsroot/bob/.replaced:\n',
      );
    },
    LONG_MS,
  );

  test('shares nothing with the live root after a restore either', async () => {
    await roots.fill();
    await roots.ok('save', 'a');
    await roots.ok('restore', 'a');
    const before = roots.stored(saved('a'));
    await roots.lab.sh('cd nfsroot/bob/root; echo more >>etc/one; echo more >>home/two; rm etc/link');
    expect(compareTrees(before, roots.stored(saved('a')))).toEqual({});
    const inodes = await roots.lab.sh(
      'find nfsroot -type f -printf "%i\\n" | sort | uniq -c | sort -rn | head -n 1',
    );
    // The two names of one file, and no more.
    expect(inodes).toMatch(/^ +2 /);
  });

  test('several, and one after another', async () => {
    await roots.fill();
    await roots.ok('save', 'one');
    await roots.lab.sh('echo 2 >nfsroot/bob/root/etc/one');
    await roots.ok('save', 'two');
    await roots.ok('restore', 'one');
    expect(await roots.lab.read('nfsroot/bob/root/etc/one')).toBe('one\n');
    await roots.ok('restore', 'two');
    expect(await roots.lab.read('nfsroot/bob/root/etc/one')).toBe('2\n');
    expect(await roots.ok('remove', 'two')).toBe('Removed two.\n');
    expect((await roots.list()).saved).toMatchObject([{ name: 'one' }]);
  });

  test('a root that is empty', async () => {
    await roots.ok('save', 'nothing');
    await roots.lab.sh('echo x >nfsroot/bob/root/x');
    await roots.ok('restore', 'nothing');
    expect(await roots.lab.sh('ls -A nfsroot/bob/root')).toBe('');
  });

  test(
    'while a board writes, the copy is of one moment',
    async () => {
      await roots.fill();
      await roots.lab.sh(
        'cd nfsroot/bob/root; for d in 1 2 3 4; do mkdir $d; for f in $(seq 300); do echo $f >$d/$f; done; done',
      );
      const { nfs, top } = await roots.mount();
      const [first, second] = [await createFile(nfs, top, 'a-first'), await createFile(nfs, top, 'z-second')];
      let writing = true;
      let putOff = 0;
      let rounds = 0;
      const put = async (file: Buffer, round: number) => {
        const data = Buffer.from(String(round).padStart(8, '0'));
        for (;;) {
          const status = await nfs.status(write, { file, offset: 0, count: 8, stable: 0, data });
          if (status === 'NFS3_OK') return;
          expect(status).toBe('NFS3ERR_JUKEBOX');
          putOff += 1;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      };
      const board = (async () => {
        for (; writing; rounds += 1) {
          await put(first, rounds);
          await put(second, rounds);
        }
      })();
      await eventually('some rounds', () => rounds > 20);
      await roots.ok('save', 'moment');
      const after = rounds;
      await eventually('more rounds', () => rounds > after + 20);
      writing = false;
      await board;
      nfs.close();
      expect(putOff).toBeGreaterThan(0);
      const read = async (name: string) => Number(await roots.lab.read(`nfsroot/.saved/bob/moment/${name}`));
      const behind = (await read('a-first')) - (await read('z-second'));
      expect([0, 1]).toContain(behind);
    },
    LONG_MS,
  );

  test(
    'of what is not there, or has no name, is refused',
    async () => {
      await roots.fill();
      await roots.ok('save', 'a');
      const refusals: [exitCode: number, message: RegExp, ...words: string[]][] = [
        [1, /There is a saved root a already; "root remove a" removes it/, 'save', 'a'],
        [1, /There is no saved root b; "root list" shows what there is/, 'restore', 'b'],
        [1, /There is no saved root b;/, 'remove', 'b'],
        [1, /There is no saved root b;/, 'diff', 'b'],
        [1, /There is no saved root b;/, 'download', 'b'],
        [1, /There is no replaced root @1;/, 'restore', '@1'],
        [1, /There is no replaced root @7;/, 'remove', '@7'],
        [1, /There is no replaced root @2;/, 'save', 'b', '@2'],
        [64, /"\.hidden" is no name for a saved root/, 'save', '.hidden'],
        [64, /is no name/, 'save', 'a/b'],
        [64, /is no name/, 'restore', '../bob'],
        [64, /is no name/, 'remove', '..'],
        [64, /is no name/, 'remove', '@0'],
        [64, /is no name/, 'save', 'x'.repeat(65)],
      ];
      for (const [exitCode, message, ...words] of refusals) {
        expect(await roots.refused(exitCode, ...words)).toMatch(message);
      }
    },
    LONG_MS,
  );

  test('one at a time', async () => {
    await roots.fill();
    await roots.ok('save', 'a');
    const other = roots.lab.spawnAs([
      'flock',
      '--no-fork',
      '--shared',
      'nfsroot/bob',
      'sh',
      '-c',
      'echo locked; exec sleep 60',
    ]);
    await other.waitForOutput(/locked/);
    for (const words of [['save', 'b'], ['restore', 'a'], ['remove', 'a'], ['reset']]) {
      expect(await roots.refused(75, ...words)).toMatch(/try again after it/);
    }
    // What changes nothing goes on.
    expect((await roots.list()).saved).toHaveLength(1);
    expect(await roots.ok('diff', 'a')).toBe('');
  });

  test('leftovers of a run that was killed go at the next', async () => {
    await roots.fill();
    await roots.lab.sh('mkdir -p nfsroot/.saved/bob/.new/x nfsroot/.saved/bob/.gone/y');
    expect((await roots.list()).saved).toEqual([]);
    await roots.ok('save', 'a');
    expect(await roots.lab.sh('ls -A nfsroot/.saved/bob')).toBe('a\n');
  });

  test('a tree that was never finished is no root', async () => {
    await roots.fill();
    await roots.lab.sh('mkdir -p nfsroot/bob/.replaced/5/half; : >nfsroot/bob/.replaced/5.new');
    for (const words of [
      ['diff', '@5'],
      ['download', '@5'],
    ]) {
      expect(await roots.refused(1, ...words)).toMatch(/There is no replaced root @5;/);
    }
    expect((await roots.root('save', 'a', '@5')).stderr).toMatch(/There is no replaced root @5;/);
    expect(await roots.lab.sh('ls -A nfsroot/bob/.replaced nfsroot/.saved/bob')).toBe(
      'nfsroot/.saved/bob:\n\nnfsroot/bob/.replaced:\n',
    );
  });

  test.each([
    ['save', 'b'],
    ['restore', 'a'],
  ])(
    '%s ends with its client, and locks nobody out',
    async (...words) => {
      await roots.fill();
      await roots.lab.sh(
        'cd nfsroot/bob/root; for d in $(seq 8); do mkdir $d; (cd $d; seq 2500 | xargs touch); done',
      );
      await roots.ok('save', 'a');
      await roots.lab.sh('mkdir -p nfsroot/bob/.replaced');
      const live = () => roots.lab.sh('stat -c %i nfsroot/bob/root');
      const before = await live();
      const client = roots.lab.spawnSsh('bob', ['root', ...words]);
      const copies = () => roots.lab.processes().filter(({ command }) => command.startsWith('/usr/bin/cp '));
      await eventually('a copy', () => copies().length > 0);
      client.kill('SIGKILL');
      await eventually('its end', () => roots.lab.processes().length === 0);
      // The copy was not completed.
      expect(await live()).toBe(before);
      expect((await roots.list()).saved).toMatchObject([{ name: 'a' }]);
      await roots.ok('remove', 'a');
      expect(await roots.lab.sh('ls -A nfsroot/.saved/bob nfsroot/bob/.replaced')).toBe(
        'nfsroot/.saved/bob:\n\nnfsroot/bob/.replaced:\n',
      );
    },
    LONG_MS,
  );

  test('a file that cannot be copied ends it', async () => {
    await roots.fill();
    await roots.lab.root(
      `mknod ${roots.lab.home}/nfsroot/bob/root/device c 1 3; chown ${roots.lab.uid} ${roots.lab.home}/nfsroot/bob/root/device`,
    );
    expect(await roots.refused(1, 'save', 'a')).toMatch(
      /^novaboot-shell: Cannot copy: cannot create special file 'device': [^\n']+\n$/,
    );
    expect(await roots.lab.sh('ls -A nfsroot/.saved/bob')).toBe('');
  });

  test('of another user are out of reach', async () => {
    await roots.fill();
    await roots.ok('save', 'a');
    expect((await roots.lab.ssh('carol', ['root', 'restore', 'a'])).stderr).toContain(
      'There is no saved root a',
    );
    const carols = JSON.parse((await roots.lab.ssh('carol', ['root', 'list', '--json'])).stdout);
    expect(carols.saved).toEqual([]);
  });
});

describe('a full disk', () => {
  let small: RootsLab;
  beforeAll(async () => {
    small = await RootsLab.start({ homeKibibytes: 4096 });
  });
  afterAll(() => small?.lab.stop());

  afterEach(() => small.clean());

  test('keeps nobody from removing', async () => {
    await small.enableNfs('quota=20M\n');
    await small.fill();
    await small.ok('save', 'one');
    await small.lab.sh('rm .cache/unfsd/bob.usage; dd if=/dev/zero of=fill bs=4096 2>/dev/null || :');
    const { saved: copies } = await small.list();
    expect(copies).toMatchObject([{ name: 'one', files: 7 }]);
    expect(await small.ok('remove', 'one')).toBe('Removed one.\n');
    await small.lab.sh('rm fill');
    expect((await small.list()).quota.used.files).toBe(8);
  });

  test('ends save and restore with one line, and nothing is half done', async () => {
    await small.ok('list');
    await small.lab.sh('head -c 1200000 /dev/urandom >nfsroot/bob/root/a');
    await small.ok('save', 'one');
    await small.lab.sh('head -c 800000 /dev/urandom >nfsroot/bob/root/b');
    for (const words of [
      ['save', 'two'],
      ['restore', 'one'],
    ]) {
      const message = await small.refused(1, ...words);
      expect(message).toMatch(/: Cannot copy: [^\n]*'[ab]'[^\n]*: No space left on device\n$/);
    }
    expect(await small.lab.sh('cd nfsroot; ls -A .saved/bob bob/.replaced')).toBe(
      '.saved/bob:\none\n\nbob/.replaced:\n',
    );
  });
});
