/** Uploads by a real rsync through a real sshd, and what rsync must not be talked into. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Lab, startLab } from '../support/sshd.ts';

let lab: Lab;
const BOARD = 'board@127.0.0.1:';
const CLIENT = ['-RL', '--chmod=ugo=rwX'];

beforeAll(async () => {
  lab = await startLab();
});
beforeEach(async () => {
  await lab.writeConfig("console_cmd='echo UP; exec cat'\nreset_cmd=true\n");
  await lab.root(`cd ${lab.directory}; rm -rf files; mkdir -p files/sub/deep; cd files
    echo kernel >bzImage; echo ramdisk >sub/initrd; echo tree >sub/deep/dtb; ln -s bzImage link
    chmod 600 bzImage; chmod -R a+rX .`);
});
afterEach(async () => {
  await lab.clean();
  await lab.sh('rm -rf tftproot');
});
afterAll(() => lab?.stop());

async function upload(...args: string[]) {
  return await lab.rsync('bob', args);
}

const done = { exitCode: 0, stderr: '' };

describe('as the client calls it', () => {
  test('files land in ~/tftproot with their paths', async () => {
    expect(await upload(...CLIENT, 'files/bzImage', 'files/sub/initrd', BOARD)).toMatchObject(done);
    expect(await lab.sh('cd tftproot && find . -type f | sort')).toBe(
      './files/bzImage\n./files/sub/initrd\n',
    );
    expect(await lab.read('tftproot/files/sub/initrd')).toBe('ramdisk\n');
    expect(await lab.sh('stat -c %A tftproot/files/bzImage')).toMatch(/^-rw-r/);
  });

  test('links are copied as what they point to', async () => {
    expect(await upload(...CLIENT, 'files/link', BOARD)).toMatchObject(done);
    expect(await lab.sh('stat -c %F tftproot/files/link; cat tftproot/files/link')).toBe(
      'regular file\nkernel\n',
    );
  });

  test('an update sends what changed', async () => {
    await lab.root(
      `head -c 3000000 /dev/urandom >${lab.directory}/files/big; chmod 644 ${lab.directory}/files/big`,
    );
    const sent = async () => {
      const { stdout, exitCode } = await upload('--stats', '--no-whole-file', ...CLIENT, 'files/big', BOARD);
      expect(exitCode).toBe(0);
      return Number(/Total bytes sent: ([\d,]+)/.exec(stdout)?.[1]?.replaceAll(',', ''));
    };
    expect(await sent()).toBeGreaterThan(3_000_000);
    await lab.root(`echo more >>${lab.directory}/files/big`);
    expect(await sent()).toBeLessThan(100_000);
    const sums = await lab.root(
      `cat ${lab.directory}/files/big | sha256sum; cat ${lab.home}/tftproot/files/big | sha256sum`,
    );
    const [ours, theirs] = sums.split('\n');
    expect(theirs).toBe(ours);
  });

  test.each(['sub/', 'sub/dir/', './sub/', 'sub'])('into the subdirectory %s', async (destination) => {
    await lab.sh('mkdir -p tftproot/sub');
    expect(await upload('-L', '--chmod=ugo=rwX', 'files/bzImage', `${BOARD}${destination}`)).toMatchObject(
      done,
    );
    expect(await lab.read(`tftproot/${destination}/bzImage`)).toBe('kernel\n');
  });

  test('with --progress', async () => {
    const { stdout, exitCode } = await upload('--progress', ...CLIENT, 'files/bzImage', BOARD);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/files\/bzImage[\s\S]*100%/);
    expect(await lab.read('tftproot/files/bzImage')).toBe('kernel\n');
  });

  test('with --delete', async () => {
    await upload('-r', 'files/', BOARD);
    await lab.root(`rm ${lab.directory}/files/sub/initrd`);
    expect(await upload('-r', '--delete', 'files/', BOARD)).toMatchObject(done);
    expect(await lab.sh('cd tftproot && find . -type f | sort')).toBe('./bzImage\n./sub/deep/dtb\n');
  });

  test.each([
    [['-a']],
    [['-avz']],
    [['-rltzP']],
    [['-rtc', '--partial']],
    [['-a', '--delete-after']],
    [['-a', '--inplace']],
    [['-n', '-a']],
    [['-a', '--protocol=30']],
    [['-a', '--protocol=29']],
    [['-a', '--numeric-ids']],
  ])('with %j', async (options) => {
    const { exitCode, stderr } = await upload(...options, 'files/sub/', BOARD);
    expect({ exitCode, stderr }).toEqual(done);
    expect(await lab.exists('tftproot/initrd')).toBe(!options.includes('-n'));
  });

  test('waits for its turn like every locked command', async () => {
    const session = lab.spawnSsh('alice', ['console'], { tty: true });
    await session.waitForOutput(/UP/);
    const words = ['--no-wait', 'rsync', '--server', '-vlogDtpre.iLsfxCIvu', '.', '.'];
    expect((await lab.ssh('bob', words)).exitCode).toBe(75);
    session.kill('SIGTERM');
    expect((await upload('-r', 'files/', BOARD)).exitCode).toBe(0);
    expect((await lab.lockHolders()).holders).toEqual([]);
  });

  test('what was uploaded can be downloaded', async () => {
    await upload('-r', 'files/', BOARD);
    expect(await upload('-r', `${BOARD}sub/`, 'down')).toMatchObject({ exitCode: 0 });
    expect(await lab.root(`cat ${lab.directory}/down/initrd`)).toBe('ramdisk\n');
  });
});

describe('a tree of the administrator', () => {
  test('may be a link of root to another place', async () => {
    await lab.root(
      `mkdir -p /srv/tftp/here; chown ${lab.uid} /srv/tftp/here; ln -sfn /srv/tftp/here ${lab.home}/tftproot`,
    );
    try {
      expect(await upload('-r', 'files/', BOARD)).toMatchObject(done);
      expect(await lab.root('cat /srv/tftp/here/bzImage')).toBe('kernel\n');
    } finally {
      await lab.root(
        `rm -rf /srv/tftp/here ${lab.home}/tftproot; rmdir --ignore-fail-on-non-empty /srv/tftp`,
      );
    }
  });

  test('may lie elsewhere in the home directory', async () => {
    await lab.sh('rm -rf boot tftproot; mkdir boot; ln -s boot tftproot');
    expect(await upload('-r', 'files/', BOARD)).toMatchObject(done);
    expect(await lab.read('boot/bzImage')).toBe('kernel\n');
  });
});

/** What the server gets; the client end of the protocol is closed at once. */
async function expectRefused(...words: string[]): Promise<void> {
  const before = await lab.snapshot();
  const { stdout, stderr, exitCode } = await lab.ssh('bob', ['rsync', ...words]);
  expect(stderr).toMatch(/^novaboot-shell: [^\n]+\n$/);
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 77 });
  expect(await lab.snapshot()).toBe(before);
}

describe('refused', () => {
  test.each([
    ['--server', '--daemon', '.', '.'],
    ['--daemon'],
    ['--daemon', '--config=tftproot/rsyncd.conf', '--no-detach'],
    ['--server', '--daemon', '--config=tftproot/rsyncd.conf', '.'],
    ['--server', '--config=x', '-e.iLsfxCIvu', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--log-file=../.novaboot-shell', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--log-file', '../.novaboot-shell', '.', '.'],
    ['--server', '-logDtpKre.iLsfxCIvu', '.', '.'],
    ['--server', '-logDtpLre.iLsfxCIvu', '.', '.'],
    ['--server', '-logDtprkse.iLsfxCIvu', '.', '.'],
    ['--server', '-se.LsfxCIvu'],
    ['--server', '-s', '-logDtpre.iLsfxCIvu', '.', '.'],
    ['--server', '--secluded-args', '-logDtpre.iLsfxCIvu', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--files-from=/etc/passwd', '.', '.'],
    ['--server', '--sender', '-logDtpre.iLsfxCIvu', '--files-from=/etc/passwd', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--temp-dir=/tmp', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--temp-dir', '../.ssh', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--partial-dir=../.ssh', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--backup-dir=..', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--compare-dest=/etc', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--link-dest=../.ssh', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--copy-dest=..', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--rsync-path=sh', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--remove-source-files', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--write-batch=x', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--only-write-batch=../x', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--password-file=x', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--keep-dirlinks', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--copy-unsafe-links', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '--no-such-option', '.', '.'],
    ['--server', '-logDtpre.iLsfxCIvu', '.', '..'],
    ['--server', '-logDtpre.iLsfxCIvu', '.', '../'],
    ['--server', '-logDtpre.iLsfxCIvu', '.', 'sub/../../.ssh/'],
    ['--server', '-logDtpre.iLsfxCIvu', '.', '/tmp/'],
    ['--server', '-logDtpre.iLsfxCIvu', '.', '/'],
    ['--server', '--sender', '-logDtpre.iLsfxCIvu', '.', '../.ssh/authorized_keys'],
    ['--server', '--sender', '-logDtpre.iLsfxCIvu', '.', '/etc/passwd'],
    ['--server', '--sender', '-logDtpLre.iLsfxCIvu', '.', '.'],
    ['-a', 'x', 'y'],
    [],
    ['--version'],
    ['--help'],
  ])('%j', async (...words) => {
    await expectRefused(...words.filter((word) => word !== undefined));
  });

  test('an uploaded rsyncd.conf with --daemon does not take over the account', async () => {
    const config = `use chroot = no\n[home]\npath = ${lab.home}\nread only = no\npre-xfer exec = touch ${lab.home}/pwned\n`;
    await lab.root(`printf %s '${config}' >${lab.directory}/files/rsyncd.conf`);
    expect((await upload('-R', 'files/./rsyncd.conf', BOARD)).exitCode).toBe(0);
    expect(await lab.exists('tftproot/rsyncd.conf')).toBe(true);
    await expectRefused('--server', '--daemon', '.', '.');
    expect(await lab.exists('pwned')).toBe(false);
  });

  test('a log file is not written over the configuration', async () => {
    const before = await lab.snapshot();
    const { exitCode } = await upload(
      ...['-r', '--remote-option=--log-file=../.novaboot-shell'],
      ...['--remote-option=--log-file-format=console_cmd=sh', 'files/', BOARD],
    );
    expect(exitCode).not.toBe(0);
    expect(await lab.snapshot()).toBe(before);
  });
});

describe('a symbolic link out of ~/tftproot', () => {
  const targets = ['.ssh', '.ssh/', '../home/.ssh', '/tmp'];

  test.each(targets)('to %s is no way to write there', async (target) => {
    await lab.sh(
      `mkdir -p tftproot; ln -s "${target.startsWith('/') ? target : `../${target}`}" tftproot/out`,
    );
    const outside = () => lab.sh('ls -lA .ssh /tmp; cat .ssh/*');
    const before = await outside();
    await lab.root(
      `cd ${lab.directory}/files; mkdir -p out; echo evil >out/authorized_keys; chmod -R a+rX out`,
    );
    await upload('-R', 'files/./out/authorized_keys', BOARD);
    await upload('-r', 'files/out/', `${BOARD}out/`);
    await upload('-r', 'files/out/', `${BOARD}out`);
    await upload('-rt', '--inplace', '--chmod=a=rwx', 'files/out', BOARD);
    expect(await outside()).toBe(before);
  });

  test('that a user uploads is no way to write there', async () => {
    await lab.root(
      `cd ${lab.directory}/files; ln -s ../.ssh out; ln -s ../.ssh/authorized_keys key; echo evil >evil`,
    );
    const before = await lab.sh('ls -lA .ssh; cat .ssh/*');
    await upload('-rl', 'files/', BOARD);
    await upload('-r', 'files/evil', `${BOARD}out/authorized_keys`);
    await upload('--inplace', 'files/evil', `${BOARD}key`);
    await upload('-rl', '--chmod=a=rwx', 'files/', BOARD);
    expect(await lab.sh('ls -lA .ssh; cat .ssh/*')).toBe(before);
  });

  test('is no way to read from there', async () => {
    await lab.sh('mkdir -p tftproot; ln -s ../.ssh tftproot/out; ln -s ../.novaboot-shell tftproot/config');
    await upload('-rL', `${BOARD}out/`, 'stolen');
    await upload('-r', `${BOARD}out/authorized_keys`, 'stolen');
    await upload('-L', `${BOARD}config`, 'stolen-config');
    expect(await lab.root(`cat ${lab.directory}/stolen* ${lab.directory}/stolen/* 2>/dev/null || true`)).toBe(
      '',
    );
  });
});
