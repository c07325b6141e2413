/** A real Linux kernel as client: what it sees of owners, permissions, kinds of files, links and times. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type NfsLab, startNfsLab, storedOwnership } from '../../support/guest-mount.ts';

// An emulated processor is slow.
vi.setConfig({ testTimeout: 120_000 });

let lab: NfsLab;
const sh = (script: string) => lab.guest.sh(`cd /mnt\n${script}`);
const run = (script: string) => lab.guest.run(`cd /mnt\n${script}`);
const stored = (name: string) => storedOwnership(lab.server, name);

beforeAll(async () => {
  lab = await startNfsLab();
}, 240_000);
beforeEach(() => lab.guest.sh('umask 022; rm -rf /mnt/* /mnt/.??*; chmod 755 /mnt; chown 0:0 /mnt'));
afterAll(() => lab?.stop());

async function expectError(script: string, message: string): Promise<void> {
  const { status, stderr } = await run(script);
  expect(stderr).toContain(message);
  expect(status).not.toBe(0);
}

test('owners and modes are kept, and stored as rsync --fake-super stores them', async () => {
  await sh(
    'echo text >file; chown 1000:2000 file; chmod 640 file; mkdir dir; chown 33:44 dir; chmod 2711 dir',
  );
  expect(await sh("stat -c '%n %u:%g %a' file dir")).toBe('file 1000:2000 640\ndir 33:44 2711');
  expect(stored('file')).toBe('100640 0,0 1000:2000');
  expect(stored('dir')).toBe('42711 0,0 33:44');
  await lab.remount();
  expect(await sh("stat -c '%n %u:%g %a' file dir")).toBe('file 1000:2000 640\ndir 33:44 2711');
});

test.each(['755', '000', '4755', '2755', '1777', '7777', '111', '6000'])('mode %s', async (mode) => {
  await sh(`touch file; mkdir dir; chmod ${mode} file dir`);
  expect(await sh('stat -c %a file dir')).toBe(`${Number(mode)}\n${Number(mode)}`);
  for (const [name, real] of [
    ['file', 0o600],
    ['dir', 0o700],
  ] as const) {
    const { mode: bits } = fs.statSync(path.join(lab.server.exportPath, name));
    expect(bits & 0o7000, 'no set-id bit on the host').toBe(0);
    expect(bits & real, 'the account reads and writes').toBe(real);
  }
});

test('what other users make is theirs', async () => {
  await sh('mkdir -m 1777 tmp; mkdir team; chown 0:2000 team; chmod 2775 team');
  await sh(
    'as alice touch tmp/file; as alice mkdir tmp/dir; as alice ln -s x tmp/link; as alice mkfifo tmp/fifo',
  );
  expect(await sh("cd tmp; stat -c '%n %u:%g' dir fifo file link")).toBe(
    'dir 1000:1000\nfifo 1000:1000\nfile 1000:1000\nlink 1000:1000',
  );
  await sh('as alice touch team/file; as alice mkdir team/dir');
  expect(await sh("cd team; stat -c '%n %u:%g %a' dir file")).toBe('dir 1000:2000 2755\nfile 1000:2000 644');
});

test('who may change what', async () => {
  await sh('mkdir -m 1777 tmp; as alice sh -c "echo secret >tmp/file"; chmod 600 tmp/file');
  await expectError('as bob cat tmp/file', 'Permission denied');
  await expectError('as bob sh -c "echo x >>tmp/file"', 'Permission denied');
  await expectError('as bob chmod 666 tmp/file', 'Operation not permitted');
  await expectError('as bob chown bob tmp/file', 'Operation not permitted');
  await expectError('as bob rm -f tmp/file', 'Operation not permitted');
  await expectError('as bob mv tmp/file tmp/stolen', 'Operation not permitted');
  await expectError('as bob touch here', 'Permission denied');
  await expectError('as alice chown bob tmp/file', 'Operation not permitted');
  await expectError('as alice chgrp bob tmp/file', 'Operation not permitted');
  await sh('as alice chgrp staff tmp/file; as alice chmod 000 tmp/file');
  await expectError('as alice cat tmp/file', 'Permission denied');
  expect(await sh('cat tmp/file')).toBe('secret');
});

test('supplementary groups count', async () => {
  await sh('echo text >file; chown 0:2000 file; chmod 640 file; mkdir -m 770 dir; chown 0:2000 dir');
  expect(await sh('as alice cat file; as alice touch dir/file')).toBe('text');
  await expectError('as bob cat file', 'Permission denied');
  await expectError('as bob ls dir', 'Permission denied');
});

test('who may write may touch, though not the owner', async () => {
  await sh('touch file; chmod 666 file; touch -d 2001-01-01 file; as bob touch file');
  expect(Number(await sh('stat -c %Y file'))).toBeGreaterThan(1_600_000_000);
  await expectError('as bob touch -d 2001-01-01 file', 'Operation not permitted');
});

test('set-id bits go when somebody else writes, and when the owner changes', async () => {
  await sh('echo text >file; chmod 6777 file; as bob sh -c "echo x >>file"');
  expect(await sh('stat -c %a file')).toBe('777');
  await sh('chmod 6755 file; chown 1000 file');
  expect(await sh('stat -c %a file')).toBe('755');
  expect(stored('file')).toBe('100755 0,0 1000:0');
});

test('a program of mode 4711 runs as its owner, for users who may not read it', async () => {
  await sh('cp /usr/bin/id id; chmod 4711 id');
  expect(await sh('as bob ./id')).toMatch(/uid=1001\(bob\) gid=1001\(bob\) euid=0\(root\)/);
  await expectError('as bob cat id', 'Permission denied');
  await lab.remount();
  expect(await sh('as bob ./id')).toMatch(/euid=0\(root\)/);
});

test('devices, FIFOs and sockets', async () => {
  await sh(`mknod null c 1 3; mknod -m 660 big b 4095 1048575; mkfifo -m 622 fifo; chown 5:6 big
    perl -e 'socket(S, 1, 1, 0); bind(S, pack("S a*", 1, "socket")) or die $!'`);
  const seen = "stat -c '%n %F %a %u:%g %t,%T' big fifo null socket";
  const expected = `big block special file 660 5:6 fff,fffff
fifo fifo 622 0:0 0,0
null character special file 644 0:0 1,3
socket socket 755 0:0 0,0`;
  expect(await sh(seen)).toBe(expected);
  await lab.remount();
  expect(await sh(seen)).toBe(expected);
  expect(stored('big')).toBe('60660 4095,1048575 5:6');
  for (const name of ['big', 'fifo', 'null', 'socket']) {
    expect(fs.lstatSync(path.join(lab.server.exportPath, name)).isFile()).toBe(true);
  }
  await sh('echo text >null; echo through >fifo & cat fifo');
  await sh('rm big fifo null socket');
  expect(fs.readdirSync(lab.server.exportPath)).toEqual([]);
});

test.each([
  ['fifo', '0010644'],
  ['socket', '0140644'],
  ['device', '0020644'],
])('making a %s twice: EEXIST', async (_, mode) => {
  // mknod(2) itself, with the numbers of x86-64: a program may look before it
  const mknod = `perl -e '$name = "node"; exit(syscall(133, $name, ${mode}, 259) ? $! + 0 : 0)'`;
  expect((await run(mknod)).status).toBe(0);
  expect((await run(mknod)).status).toBe(17);
});

test('a socket and a FIFO connect processes of the guest', async () => {
  expect(
    await sh(`perl -e '$name = pack("S a*", 1, "socket"); socket(S, 1, 1, 0); bind(S, $name); listen(S, 1);
      if (!fork) { socket(C, 1, 1, 0); connect(C, $name) or die $!; syswrite C, "hello"; exit }
      accept(A, S); sysread A, $text, 9; print $text'`),
  ).toBe('hello');
  expect(await sh('mkfifo fifo; echo through >fifo & cat fifo')).toBe('through');
});

test('hard links', async () => {
  await sh('echo one >a; mkdir d; ln a d/b; chown 7:8 a; echo two >>d/b');
  const same = await sh("stat -c '%h %i %u:%g' a d/b");
  expect(same).toMatch(/^(2 \d+ 7:8)\n\1$/);
  expect(await sh('rm a; cat d/b; stat -c %h d/b')).toBe('one\ntwo\n1');
  await expectError('ln d e', 'not allowed');
  await sh('mkfifo p; ln p q; ln -s x l; ln -P l m');
  expect(await sh('stat -c "%h %F" q m')).toBe('2 fifo\n2 symbolic link');
});

test('of several hard links any may go, and others come', async () => {
  await sh(
    'echo text >a; mkdir d; ln a b; rm b; ln a c; rm a; ln c d/e; rm c; ln d/e a; rm d/e; cat a; echo more >>a',
  );
  expect(await sh('stat -c %h a; cat a; ls -A d')).toBe('1\ntext\nmore');
});

test('symbolic links, also dangling and long ones', async () => {
  const long = 'x/'.repeat(1000);
  await sh(
    `ln -s nowhere/at/all a; ln -s ${long} b; ln -s dir c; mkdir dir; echo text >dir/file; chown -h 3:4 a`,
  );
  expect(await sh('readlink a b')).toBe(`nowhere/at/all\n${long}`);
  expect(await sh('cat c/file; stat -c "%u:%g %a %s" a')).toBe('text\n3:4 777 14');
  await lab.remount();
  expect(await sh('readlink a; stat -c %u:%g a')).toBe('nowhere/at/all\n3:4');
  expect(fs.lstatSync(path.join(lab.server.exportPath, 'a')).isFile()).toBe(true);
  expect(fs.readFileSync(path.join(lab.server.exportPath, 'a'), 'utf8')).toBe('nowhere/at/all');
  await expectError('ln -s other a', 'File exists');
});

test('times to the nanosecond, also of a dangling symbolic link', async () => {
  const time = '2001-02-03 04:05:06.123456789';
  await sh(`touch -d '${time}' file; ln -s nowhere link; touch -h -d '${time}' link; mkdir dir; mkfifo fifo
    touch -d '${time}' dir fifo`);
  await lab.remount();
  expect(await sh("TZ=UTC stat -c '%n %x %y' dir fifo file link")).toBe(
    ['dir', 'fifo', 'file', 'link'].map((name) => `${name} ${time} +0000 ${time} +0000`).join('\n'),
  );
  const old = await sh(
    'touch -d 1969-12-31T00:00:00Z file; stat -c %Y file; touch -d 2100-01-01T00:00:00Z file',
  );
  expect(old).toMatch(/^\d+$|^-86400$/);
});

test('ctime and the mtime of the parents move with every change', async () => {
  const stamps = "stat -c '%z' file; stat -c '%y' .";
  for (const change of [
    'chmod 600 file',
    'ln file other',
    'echo x >>file',
    'mv other third',
    'chown 5 file',
  ]) {
    await sh('touch file; rm -f other third; ln -f file other');
    const before = (await sh(stamps)).split('\n');
    await sh(`sleep 0.02; rm -f third; [ "${change}" = 'ln file other' ] && rm other; ${change}`);
    const after = (await sh(stamps)).split('\n');
    expect(after[0], change).not.toBe(before[0]);
    if (/^(ln|mv)/.test(change)) expect(after[1], change).not.toBe(before[1]);
  }
});

test('rename over a file that is open: its reader keeps the old content', async () => {
  expect(
    await sh(`echo old >file; echo new >fresh; exec 3<file; mv -f fresh file
      cat <&3; cat file; exec 3<&-; ls -A`),
  ).toBe('old\nnew\nfile');
});

test('rename: directories, into each other, over full ones', async () => {
  await sh('mkdir -p a/b c/d e; touch a/b/file; mv a c/d/moved; mv -T e c/e');
  expect(await sh('find . | sort')).toBe(
    '.\n./c\n./c/d\n./c/d/moved\n./c/d/moved/b\n./c/d/moved/b/file\n./c/e',
  );
  const rename = (from: string, to: string) => run(`perl -e 'exit(rename("${from}", "${to}") ? 0 : $! + 0)'`);
  expect((await rename('c/e', 'c/d')).status, 'ENOTEMPTY').toBe(39);
  expect((await rename('c', 'c/d/self')).status, 'EINVAL').toBe(22);
  expect((await rename('c/d/moved/b/file', 'c/e')).status, 'EISDIR').toBe(21);
  expect((await rename('c/e', 'c/d/moved/b/file')).status, 'ENOTDIR').toBe(20);
  expect((await rename('none', 'c/x')).status, 'ENOENT').toBe(2);
});

test('unlink while open: read and write go on, and nothing is left behind', async () => {
  expect(
    await sh(
      'echo one >file; exec 3<>file; rm file; ls; cat <&3; echo two >&3; stat -L -c %s /proc/self/fd/3',
    ),
  ).toBe('one\n8');
  expect(await sh('ls -A')).toBe('');
  expect(fs.readdirSync(lab.server.exportPath)).toEqual([]);
});

test('a file that is renamed or replaced on the host', async () => {
  await sh('echo one >file; sync');
  const at = (name: string) => path.join(lab.server.exportPath, name);
  const reader = sh(
    'exec 3<file; touch /tmp/opened; until [ -e /tmp/go ]; do sleep 0.1; done; dd iflag=direct status=none bs=4k <&3',
  );
  await sh('until [ -e /tmp/opened ]; do sleep 0.1; done');
  fs.renameSync(at('file'), at('moved'));
  fs.writeFileSync(at('file'), 'another');
  await sh('touch /tmp/go');
  expect(await reader).toBe('one');
});

test('odd names', async () => {
  const names = ['\\377\\001', ' ', '-n', 'a\\nb', '\\303\\244', 'x'.repeat(255)];
  await sh(
    `${names.map((name) => `name=$(printf '${name.replace(/^-/, '\\055')}.'); echo text >"./\${name%.}"`).join('\n')}`,
  );
  expect(await sh('find . -type f | wc -c; ls | wc -l')).toBe(
    await sh('cd /tmp; rm -rf n; mkdir n; cp -r /mnt/. n; cd n; find . -type f | wc -c; ls | wc -l'),
  );
  expect(fs.readdirSync(lab.server.exportPath)).toHaveLength(names.length);
  await expectError(`touch ${'x'.repeat(256)}`, 'File name too long');
});
