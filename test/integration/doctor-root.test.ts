/** `doctor root` through a real sshd. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { program, X86_64 } from '../doctor/root/root-tree.ts';
import { LONG_MS, RootsLab } from '../support/roots-lab.ts';

let roots: RootsLab;
beforeAll(async () => {
  roots = await RootsLab.start();
});
afterEach(() => roots.clean());
afterAll(() => roots?.lab.stop());

/** A root that lacks nothing, made in the account's name. */
const GOOD = `mkdir -p nfsroot/bob/root; cd nfsroot/bob/root; mkdir -p dev proc sys run tmp etc sbin
setfattr -n user.rsync.%stat -v '41777 0,0 0:0' tmp
echo 'nameserver 10.0.0.1' >etc/resolv.conf; echo 'console::respawn:/sbin/getty -L console 0' >etc/inittab
echo ${program(X86_64).toString('base64')} | base64 -d >sbin/init; chmod 755 sbin/init`;

const doctor = (...words: string[]) => roots.lab.ssh('bob', ['doctor', 'root', ...words]);

async function findings(...words: string[]): Promise<string[]> {
  const { stdout } = await doctor('--json', ...words);
  const { findings } = JSON.parse(stdout) as {
    findings: { severity: string; check: string; what: string }[];
  };
  return findings
    .filter(({ severity }) => severity !== 'ok')
    .map(({ severity, check, what }) => `${severity} ${check}: ${what}`);
}

test(
  'is content with a good root, and names what is wrong with a bad one',
  async () => {
    await roots.lab.sh(GOOD);
    expect(await doctor()).toMatchObject({
      stdout: '0 errors, 0 warnings, 9 in order (-v shows them)\n',
      stderr: '',
      exitCode: 0,
    });
    await roots.ok('save', 'good');
    // The kernel of an ARM64 board: "ARM\\x64" at 0x38.
    await roots.lab.sh(`mkdir -p tftproot; head -c 4096 /dev/zero >tftproot/Image
printf 'ARMd' | dd of=tftproot/Image bs=1 seek=56 conv=notrunc 2>/dev/null
cd nfsroot/bob/root; echo '/dev/mmcblk0p2 / ext4 defaults 0 1' >etc/fstab; rmdir proc
printf '\\033[2Jx' >etc/machine-id; mkdir -p usr/bin; : >usr/bin/ping
setfattr -n user.rsync.security.capability -v 0x01 usr/bin/ping`);
    const wrong = await doctor();
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stdout).toContain(
      'ERROR: the live root, /sbin/init: It is a program for x86-64, but the kernel Image is for ARM64\n',
    );
    expect(wrong.stdout).toMatch(/\n3 errors, 2 warnings, \d+ in order \(-v shows them\)\n$/);
    expect(await findings()).toEqual([
      'error init: It is a program for x86-64, but the kernel Image is for ARM64',
      'error directories: Directories are missing: /proc',
      'error fstab: It wants /dev/mmcblk0p2 (ext4) as /',
      'warning identity: It is no machine ID',
      'warning capabilities: File capabilities do not count on NFS: /usr/bin/ping',
    ]);
    // Each of the user's roots, by its name.
    expect(await findings('good')).toEqual([
      'error init: It is a program for x86-64, but the kernel Image is for ARM64',
    ]);
  },
  LONG_MS,
);

test(
  'reads nothing outside a hostile root, and ends',
  async () => {
    await roots.lab.sh(`${GOOD}
mkdir -p ~/secret ~/tftproot; rm -f ~/tftproot/*; echo '/dev/canary / ext4 canary 0 1' >~/secret/file; rm etc/* sbin/init
ln -s ~/secret/file etc/fstab; ln -s ~/secret etc/systemd; mkfifo etc/inittab; ln -s ../../../../../secret/file etc/resolv.conf
ln -s inittab etc/shadow; truncate -s 1T etc/machine-id; ln -s /bin/sh sbin/init; ln -s ~/secret/file ~/tftproot/Image
printf '/proc/self/root/bin/sh' >init; setfattr -n user.rsync.%stat -v '120777 0,0 0:0' init
mkdir -p usr/bin; cd usr/bin; for i in $(seq 500); do : >"$(printf 'a\\033]0;x\\007%s' $i)"; done; cd ../..
perl -e 'chdir "lib" if mkdir "lib"; for (1 .. 1500) { mkdir "d"; chdir "d" or die $! }'`);
    const { stdout, stderr, exitCode } = await doctor('-v');
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 1 });
    expect(stdout).toContain('ERROR: the live root: There is no init');
    expect(stdout).not.toContain('canary');
    expect(stdout.replaceAll('\n', '')).toMatch(/^[\x20-\x7e]*$/);
  },
  LONG_MS,
);

test("knows the console that the last kernel was told, from the console's log", async () => {
  await roots.lab.sh(`${GOOD}; rm -f ~/tftproot/*; echo ttyS0 >etc/securetty`);
  expect(await findings()).toEqual([]);
  const line = '[    0.000000] Kernel command line: console=ttyAMA0,115200 root=/dev/nfs';
  await roots.lab.writeConfig(`console_log=yes\nconsole_cmd='echo "${line}"'\n`);
  await roots.lab.ssh('bob', ['console']);
  expect(await findings()).toEqual(['warning login: It does not list ttyAMA0']);
});

test('says what it cannot look at', async () => {
  expect(await doctor()).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('no root file system yet'),
  });
  expect(await doctor('gone')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('no saved root gone'),
  });
  expect(await doctor('../x')).toMatchObject({
    exitCode: 64,
    stderr: expect.stringMatching(/^novaboot-shell: [^\n]+\n$/),
  });
  await roots.lab.sh('rm .novaboot-nfs');
  expect(await doctor()).toMatchObject({ exitCode: 69, stdout: '' });
});
