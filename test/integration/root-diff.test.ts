/** `root diff` through a real sshd. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LONG_MS, RootsLab } from '../support/roots-lab.ts';

let roots: RootsLab;
beforeAll(async () => {
  roots = await RootsLab.start();
});
afterEach(() => roots.clean());
afterAll(() => roots?.lab.stop());

describe('root diff', () => {
  test(
    'tells what has changed, and how',
    async () => {
      await roots.fill();
      await roots.lab.sh(`cd nfsroot/bob/root; mkdir dev gone acl; echo x >gone/x; echo x >"$(printf 'odd\\033\\377')"
echo same >etc/touched; echo aaaa >etc/equal-size; : >dev/null; : >dev/sda; : >acl/file
setfattr -n user.rsync.%stat -v '20666 1,3 0:0' dev/null; setfattr -n user.rsync.%stat -v '60660 8,0 0:6' dev/sda`);
      await roots.ok('save', 'a');
      expect(await roots.ok('diff', 'a')).toBe('');
      await roots.lab.sh(`cd nfsroot/bob/root; rm -r gone "$(printf 'odd\\033\\377')"; touch etc/touched; sleep 0.01
echo bbbb >etc/equal-size; echo longer >>etc/two; chmod 700 home/user; mkdir new; echo x >new/x; rm home/two
setfattr -n user.rsync.%stat -v '100755 0,0 33:0' etc/one; printf two >etc/link
setfattr -n user.rsync.%stat -v '60660 8,1 0:6' dev/sda; setfattr -n user.rsync.%stat -v '10644 0,0 0:0' dev/null
setfattr -n user.rsync.security.capability -v 0x01 acl/file; setfattr -n user.x -v 1 acl; setfattr -n user.rsync.%aacl -v 0x00 acl
ln etc/one etc/one-more`);
      expect(await roots.ok('diff', 'a')).toBe(`M acl/  (xattrs user.x, ACL)
M acl/file  (xattrs security.capability)
M dev/null  (type character device -> FIFO)
M dev/sda  (device 8:0 -> 8:1)
M etc/equal-size  (content)
M etc/link  (target one -> two)
M etc/one  (mode 4755 -> 0755, owner 33:44 -> 33:0)
+ etc/one-more
M etc/two  (content)
- gone/
- gone/x
- home/two
M home/user/  (mode 0755 -> 0700)
+ new/
+ new/x
- odd?\u{fffd}
`);
      expect(await roots.ok('diff', 'a', '/etc/link')).toBe('M etc/link  (target one -> two)\n');
      expect(await roots.ok('diff', 'a', 'home')).toBe('- home/two\nM home/user/  (mode 0755 -> 0700)\n');
      expect(await roots.ok('diff', 'a', './gone//')).toBe('- gone/\n- gone/x\n');
      expect(await roots.refused(1, 'diff', 'a', 'nowhere')).toMatch(/Neither root has nowhere/);
      expect(await roots.refused(1, 'diff', 'a', 'etc/link/x')).toMatch(/Neither root has etc\/link\/x/);
      expect(await roots.refused(64, 'diff', 'a', '../../x')).toMatch(/has no "\.\."/);
    },
    LONG_MS,
  );

  test(
    'refuses what lies too deep, as do save and download',
    async () => {
      await roots.ok('save', 'a');
      const deep =
        'chdir "nfsroot/bob/root"; for (1 .. 4000) { mkdir "d"; chdir "d" or die $! } open F, ">f"';
      await roots.lab.sh(`perl -e '${deep}'`);
      const cut = '(d/){50}\\.\\.\\.(/d){50}';
      expect(await roots.refused(1, 'save', 'b')).toMatch(
        new RegExp(`: Cannot copy: [a-z ]*'${cut}': File name too long\n$`),
      );
      const diff = await roots.root('diff', 'a');
      const reason = 'has files more than 1000 directories deep';
      expect(diff).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(`^novaboot-shell: ${cut} ${reason}\n$`),
      });
      const download = await roots.root('download');
      expect(download).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(`^novaboot-shell: ${cut}: ${reason}\n[^\n]*not complete[^\n]*\n$`),
      });
    },
    LONG_MS,
  );

  test('never goes through a real symbolic link', async () => {
    await roots.fill();
    await roots.ok('save', 'a');
    await roots.lab.sh('mkdir secret; echo x >secret/x; ln -s ../../../secret nfsroot/bob/root/link');
    expect(await roots.ok('diff', 'a')).toBe('+ link\n');
    expect(await roots.refused(1, 'diff', 'a', 'link/x')).toMatch(/Neither root has link\/x/);
  });
});
