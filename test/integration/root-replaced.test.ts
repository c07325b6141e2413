/** `root reset`, and roots that boards still run on, through a real sshd. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createFile } from '../nfs/procedures/local-export.ts';
import { LIVE, LONG_MS, RootsLab, saved } from '../support/roots-lab.ts';

let roots: RootsLab;
beforeAll(async () => {
  roots = await RootsLab.start();
});
afterEach(() => roots.clean());
afterAll(() => roots?.lab.stop());

describe('root reset, and replaced roots', () => {
  test('an empty root of root', async () => {
    await roots.fill();
    await roots.lab.sh(
      'chmod 700 nfsroot/bob/root; setfattr -n user.rsync.%stat -v "40700 0,0 1:1" nfsroot/bob/root',
    );
    expect(await roots.ok('reset')).toBe('Your root file system is empty now. The old one is gone.\n');
    const entry = roots.stored(LIVE)[''];
    expect(entry).toMatchObject({ mode: '40755', attributes: [] });
    expect(Object.keys(roots.stored(LIVE))).toEqual(['']);
  });

  test(
    'a root that a board runs on stays, by number, as long as it is needed',
    async () => {
      await roots.fill();
      const { nfs, top } = await roots.mount();
      const before = roots.stored(LIVE);
      expect(await roots.ok('reset')).toBe(
        'Your root file system is empty now. The old one is @1 while boards run on it.\n',
      );
      expect((await roots.list()).replaced).toMatchObject([{ number: 1, clients: ['127.0.0.1'], files: 7 }]);
      expect(await roots.ok('list')).toMatch(/^@1 .* 127\.0\.0\.1$/m);
      const { stdout: status } = await roots.lab.ssh('bob', ['nfs', 'status']);
      expect(status).toContain('Replaced root @1 is used by 127.0.0.1.\n');
      await roots.lab.sh('echo new >nfsroot/bob/root/new');

      // The board works on.
      await createFile(nfs, top, 'by-board');
      expect(await roots.ok('diff', '@1')).toBe(
        '- by-board\n- etc/\n- etc/link\n- etc/one\n- etc/two\n- home/\n- home/two\n- home/user/\n+ new\n',
      );
      expect(await roots.ok('save', 'kept', '@1')).toBe('Saved @1 as kept.\n');
      expect(Object.keys(roots.stored(saved('kept')))).toEqual([
        ...Object.keys(before).slice(0, 1),
        'by-board',
        ...Object.keys(before).slice(1),
      ]);

      // Back to it, with the same handles.
      expect(await roots.ok('restore', '@1')).toBe('Restored @1. The old one is gone.\n');
      expect(await roots.lab.exists('nfsroot/bob/root/by-board')).toBe(true);
      expect((await roots.list()).replaced).toEqual([]);
      await createFile(nfs, top, 'again');
      expect(await roots.lab.exists('nfsroot/bob/root/again')).toBe(true);

      await roots.ok('reset');
      expect(await roots.ok('remove', '@1')).toBe('Removed @1.\n');
      expect((await roots.list()).replaced).toEqual([]);
      nfs.close();
    },
    LONG_MS,
  );
});
