/** `root list`, and words that are no command, through a real sshd. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LONG_MS, RootsLab } from '../support/roots-lab.ts';

const USAGE = /^novaboot-shell: Usage: root list \[--json\], root save NAME \[@N\], [^\n]*\n$/;

let roots: RootsLab;
beforeAll(async () => {
  roots = await RootsLab.start();
});
afterEach(() => roots.clean());
afterAll(() => roots?.lab.stop());

describe('root list', () => {
  test('for people and for programs', async () => {
    expect(await roots.ok('list')).toMatch(
      /^ROOT +SIZE +FILES +MADE +CLIENTS\n\(live\) +4\.0K +1 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n\(uploads\) +4\.0K +1\n$/,
    );
    await roots.fill();
    await roots.lab.sh(
      'head -c 3000000 /dev/zero >nfsroot/bob/image; head -c 2000000 /dev/zero >nfsroot/bob/root/x',
    );
    await roots.ok('save', 'a');
    const figures = {
      bytes: expect.any(Number),
      files: 8,
      clients: [],
      madeAt: expect.stringMatching(/^20.*Z$/),
    };
    const shown = await roots.list();
    expect(shown).toMatchObject({
      version: 1,
      live: figures,
      saved: [{ name: 'a', ...figures }],
      replaced: [],
      quota: null,
    });
    expect(shown.live.bytes).toBeGreaterThan(2_000_000);
    expect(shown.saved[0].bytes).toBe(shown.live.bytes);
    expect(shown.uploads).toMatchObject({ files: 2 });
    expect(await roots.ok('list')).toMatch(/^a +1\.9M +8 +20/m);
  });

  test('with a quota, what is used of it', async () => {
    await roots.fill();
    await roots.enableNfs('quota=10M\nmax_files=100\n');
    await roots.ok('save', 'a');
    const { quota, live, saved: copies, uploads } = await roots.list();
    const used = live.bytes + copies[0].bytes + uploads.bytes;
    expect(quota).toEqual({
      limit: { bytes: 10 * 1024 ** 2, files: 100 },
      used: { bytes: used, files: 15 },
      free: { bytes: 10 * 1024 ** 2 - used, files: 85 },
    });
    expect(await roots.ok('list')).toMatch(
      /\n\nQuota: [\d.]+K of 10\.0M and 15 of 100 files used; replaced roots do not count\.\n$/,
    );
    await roots.lab.sh('head -c 6000000 /dev/zero >nfsroot/bob/root/x');
    await roots.lab.sh('rm .cache/unfsd/bob.usage');
    expect(await roots.refused(1, 'save', 'b')).toMatch(
      /Your quota has no room for it; "root list" shows what takes it/,
    );
    await roots.ok('reset');
    await roots.ok('restore', 'a');
    expect((await roots.list()).quota.used.files).toBe(15);
  });
});

describe('bad input', () => {
  test(
    'is answered by what there is',
    async () => {
      const requests = [
        ...[
          '',
          'lsit',
          'constructor',
          'list --yaml',
          'save',
          'save a b',
          'save a @1 @2',
          'restore',
          'restore a b',
        ],
        ...['remove', 'remove a b', 'diff', 'diff a b c', 'reset a', 'download a b'],
      ];
      const before = await roots.lab.snapshot();
      for (const request of requests) {
        const { stdout, stderr, exitCode } = await roots.root(...request.split(' ').filter(Boolean));
        expect({ request, stdout, exitCode }).toEqual({ request, stdout: '', exitCode: 64 });
        expect(stderr).toMatch(USAGE);
      }
      expect(await roots.lab.snapshot()).toBe(before);
    },
    LONG_MS,
  );

  test('needs a name, and ~/.novaboot-nfs', async () => {
    expect((await roots.lab.ssh('guest', ['root', 'list'])).exitCode).toBe(77);
    await roots.lab.sh('rm .novaboot-nfs');
    expect((await roots.root('list')).exitCode).toBe(69);
    expect(await roots.lab.exists('nfsroot')).toBe(false);
  });
});
