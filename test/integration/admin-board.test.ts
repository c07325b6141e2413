/** novaboot-admin on a real machine: accounts, homes that fight back, a full disk, users, removal. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { STOP_MS } from '../support/container.ts';
import { PACKAGE_MS } from '../support/package-file.ts';
import { BOOT_MS, bootPackageMachine, type PackageMachine } from '../support/package-machine.ts';

vi.setConfig({ testTimeout: 90_000 });

let machine: PackageMachine;
beforeAll(async () => {
  machine = await bootPackageMachine();
}, BOOT_MS + PACKAGE_MS);
afterAll(() => machine?.stop(), STOP_MS);

/** Runs novaboot-admin, which has to succeed. */
async function admin(...words: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await machine.admin(...words);
  expect({ stderr, exitCode }, words.join(' ')).toMatchObject({ exitCode: 0 });
  return stdout;
}

/** The same of one that must refuse, in a line. */
async function refused(
  ...words: readonly string[]
): Promise<{ message: string; exitCode: number | undefined }> {
  const { stdout, stderr, exitCode } = await machine.admin(...words);
  expect(stdout, words.join(' ')).toBe('');
  expect(stderr).toMatch(/^novaboot-admin: [^\n]*\n$/);
  return { message: stderr.slice('novaboot-admin: '.length, -1), exitCode };
}

/** All that novaboot-admin may have changed, to find out that it has not. */
function hostState(): Promise<string> {
  return machine.root(`getent passwd; getent group; cat /etc/shadow
    find /home /srv/tftp /etc/novaboot /var/lib/systemd/linger \\( -type d -printf '%p %M %u %g\\n' \\) \\
      -o -printf '%p %M %u %g %s %T@ %l\\n' | sort`);
}

describe('add-board', () => {
  const words = () => [
    ...['add-board', 'b1', '--key', machine.key('alice'), '--admin-id', 'alice'],
    ...[
      '--console-cmd',
      'echo this is the console',
      '--reset-cmd',
      'echo \'is\' "$NB_USER"',
      '--target-config',
      '--uboot=(uboot)',
    ],
    ...['--nfs', '127.0.0.1', '--power-off', '--address', '192.0.2.7', '--serial-number', '9a8b7c6d'],
  ];

  it('only tells what it would do', async () => {
    const before = await hostState();
    const told = await admin(...words(), '--dry-run');
    expect(told).toContain(
      '+ account b1, group novaboot, home /home/b1, login shell /usr/bin/novaboot-shell\n',
    );
    expect(told).toMatch(
      /\n~ \/home\/b1\/\.ssh\/authorized_keys\n {2}\+ alice \(admin\) ssh-ed25519 SHA256:/,
    );
    expect(await hostState()).toBe(before);
  });

  it('makes a board that works at once', async () => {
    const said = await admin(...words());
    expect(said).toMatch(/\nThe board b1 is ready: ssh b1@\S+ help\n$/);
    const { stdout } = await machine.ssh('alice', 'b1', 'get-config');
    expect(stdout).toMatch(
      /^--uboot=\(uboot\)\n--nfsroot=127\.0\.0\.1:\/home\/b1\/nfsroot\/alice\/root\n--nfsopts=v3,tcp,port=\d+/,
    );
    expect(await machine.ssh('alice', 'b1', 'reset')).toMatchObject({ stdout: 'is alice\n', exitCode: 0 });
    expect((await machine.ssh('alice', 'b1', 'console')).stdout).toContain('this is the console');
    expect((await machine.ssh('bob', 'b1', 'status')).exitCode).toBe(255);
  });

  it('makes it as it has to be', async () => {
    expect(
      await machine.root('getent passwd b1 | cut -d: -f5-; id -Gn b1; getent shadow b1 | cut -d: -f2'),
    ).toBe('novaboot board:/home/b1:/usr/bin/novaboot-shell\nnovaboot\n*\n');
    const stat = (...files: readonly string[]) => machine.root(`stat -c '%A %U %G %N' ${files.join(' ')}`);
    expect(
      await stat('/home/b1', '/home/b1/nfsroot', '/home/b1/.novaboot-shell', '/home/b1/.ssh/authorized_keys'),
    ).toBe(
      `drwx------ b1 novaboot '/home/b1'\ndrwx------ b1 novaboot '/home/b1/nfsroot'
-rw------- b1 novaboot '/home/b1/.novaboot-shell'\n-rw------- b1 novaboot '/home/b1/.ssh/authorized_keys'\n`,
    );
    expect(await stat('/srv/tftp/b1', '/home/b1/tftproot')).toBe(
      `drwxr-xr-x b1 novaboot '/srv/tftp/b1'\nlrwxrwxrwx root root '/home/b1/tftproot' -> '/srv/tftp/b1'\n`,
    );
    expect(await machine.root('cat /home/b1/.ssh/authorized_keys')).toBe(
      `restrict,pty,command="user alice admin" ${machine.publicKey('alice')}`,
    );
    expect(await machine.root('ls /var/lib/systemd/linger; cat /etc/novaboot/tftpd.conf.d/b1.conf')).toMatch(
      /^b1\n#.*\n\[board b1\]\naddress=192\.0\.2\.7\nserial=9a8b7c6d\n$/,
    );
    await machine.until('systemctl is-active --quiet novaboot-power-off@b1.timer');
  });

  it('said again, has nothing to do', async () => {
    const before = await hostState();
    expect(await admin(...words())).toMatch(/^Nothing to change\n/);
    expect(await hostState()).toBe(before);
  });

  it('completes what a killed run has left', async () => {
    const steps = [
      'useradd --gid novaboot --no-create-home --home-dir /home/half --shell /usr/bin/novaboot-shell half',
      'mkdir -m 700 /home/half',
      'chown half:novaboot /home/half; mkdir /srv/tftp/half',
      'chown half:novaboot /srv/tftp/half; ln -s /srv/tftp/half /home/half/tftproot; touch /home/half/.novaboot-shell.new',
    ];
    const words = ['add-board', 'half', '--key', machine.key('bob')];
    for (const [index, step] of steps.entries()) {
      await machine.root(steps.slice(0, index + 1).join('; '));
      expect(await admin(...words), step).toMatch(/\nThe board half is ready/);
      expect(await admin(...words), step).toMatch(/^Nothing to change\n/);
      await machine.root('userdel half; rm -r /home/half /srv/tftp/half');
    }
  });

  it('said again with something else, keeps what is there', async () => {
    const again = (...words: readonly string[]) => admin('add-board', 'keep', ...words);
    await again(
      '--nfs',
      '::1',
      '--server-addr',
      '127.0.0.1',
      '--mac',
      'dc:a6:32:01:02:03',
      '--reset-cmd',
      'r',
    );
    await again('--console', 'tcp:lab:1');
    await again('--serial-number', '00000001');
    await again('--nfs', '127.0.0.1');
    expect(
      await machine.root(`cd /home/keep; grep -hE '^(console|reset_cmd|[a-z_]*_addr|allowed_clients)=' .novaboot-*
        tail -n +2 /etc/novaboot/tftpd.conf.d/keep.conf | grep =`),
    ).toBe(
      `allowed_clients=127.0.0.1\nserver_addr=127.0.0.1\nconsole=tcp:lab:1\nreset_cmd=r
serial=00000001\nmac=dc:a6:32:01:02:03\n`,
    );
    await machine.root('mkdir -p /etc/systemd/system/novaboot-power-off@keep.timer.d');
    expect(await admin('remove-board', 'keep', '--purge')).toContain(
      '- /etc/systemd/system/novaboot-power-off@keep.timer.d\n',
    );
    expect(await machine.root('ls /etc/systemd/system | grep -c @keep || true')).toBe('0\n');
  });

  it('has its directory for boot files made again when that has gone', async () => {
    await machine.root('mv /srv/tftp/b1 /srv/gone');
    expect(await admin('add-board', 'b1')).toContain('+ directory /srv/tftp/b1, mode 0755\n');
    expect(await machine.root('stat -c %U /srv/tftp/b1')).toBe('b1\n');
    await machine.root('rmdir /srv/tftp/b1; mv /srv/gone /srv/tftp/b1');
  });

  it('gives back a board whose removal was killed', async () => {
    await machine.root('usermod --expiredate 1 b1');
    expect((await machine.ssh('alice', 'b1', 'version')).exitCode).not.toBe(0);
    const { stderr, exitCode } = await machine.admin('check', 'b1');
    expect({ stderr, exitCode }).toEqual({
      stderr: '/etc/shadow: b1 has expired: nobody can log in; novaboot-admin add-board b1 mends it\n',
      exitCode: 78,
    });
    expect(await admin('list')).toMatch(/^b1 .*, expired: nobody can log in$/m);
    expect(await admin('add-board', 'b1')).toContain(
      '~ account b1, which had expired, lets its users in again\n',
    );
    expect((await machine.ssh('alice', 'b1', 'version')).exitCode).toBe(0);
    expect(await admin('list')).not.toContain('expired');
  });

  it('does without a user manager that has ended, and left its socket', async () => {
    await admin('add-board', 'late', '--key', machine.key('alice'));
    await machine.root(`directory=/run/user/$(id -u late)
install -d -m 700 -o late "$directory" "$directory/systemd"
perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un($ARGV[0])) or die $!' "$directory/systemd/private"
chown late "$directory/systemd/private"`);
    expect(await admin('add-board', 'late', '--power-off')).toContain('+ automatic power-off of late\n');
    await machine.root('rm -r "/run/user/$(id -u late)"');
    await admin('remove-board', 'late', '--purge');
  });

  it('works with any umask', async () => {
    await machine.root(
      'mv /srv/tftp /srv/aside; umask 077; novaboot-admin add-board mask --address 192.0.2.9',
    );
    const seen = await machine.root(
      'stat -c "%A %U" /srv/tftp /srv/tftp/mask /etc/novaboot/tftpd.conf.d/mask.conf',
    );
    await machine.root('novaboot-admin remove-board mask --purge; rmdir /srv/tftp; mv /srv/aside /srv/tftp');
    expect(seen).toBe('drwxr-xr-x root\ndrwxr-xr-x mask\n-rw-r--r-- root\n');
  });
});

describe('what cannot be had is refused', () => {
  let before: string;
  beforeAll(async () => {
    await machine.root(`cd /root; cat keys/*.pub >two.pub; echo hello >none.pub; : >empty.pub; mkfifo fifo.pub
      ssh-keygen -q -t ed25519 -N '' -f private; head -c 100000 /dev/zero >large.pub
      shell=/usr/bin/novaboot-shell; useradd -M -o -u 0 -d /root -s $shell rootlike
      useradd -M -s $shell homeless; sed -i '/^homeless:/s|:/home/homeless:|::|' /etc/passwd
      useradd -m user; useradd -m -s /opt/novaboot-shell original
      mkdir /home/taken; touch /home/taken/file /home/taken3; mkdir -m 777 /home/open; ln -s /home/user /home/taken4
      mkdir /home/open/real; ln -s /home/open/real /home/linked; ln -s linked /home/linked2
      mkdir /srv/tftp/taken2; chown user /srv/tftp/taken2; mkdir /home/small`);
    before = await hostState();
  });
  afterEach(async () => expect(await hostState(), 'nothing has changed').toBe(before));

  it('a key that is none', async () => {
    const cases = {
      'two.pub': 'expected one public key, on one line',
      'none.pub': 'not a valid public key: expected TYPE BASE64 [COMMENT]',
      'empty.pub': 'expected a public key, got nothing',
      'fifo.pub': 'is not a regular file',
      private: 'this is a private key: keep it, and send the public one (the .pub file)',
      'large.pub': 'the file is too large',
      'missing.pub': 'no such file; --key takes the file of a public key, or -',
    };
    for (const [name, message] of Object.entries(cases)) {
      const result = await refused('add-board', 'new', '--key', `/root/${name}`);
      expect(result).toEqual({ message: `/root/${name}: ${message}`, exitCode: 64 });
    }
  });

  it('a name, a path, a value', async () => {
    expect((await refused('add-board', 'Ünsinn')).exitCode).toBe(64);
    expect((await refused('add-board', 'new', '--home', '/home/../etc')).exitCode).toBe(64);
    expect((await refused('add-board', 'new', '--uid', 'x')).message).toBe('--uid: "x" is not a number');
    expect((await refused('add-board', 'new', '--nfs', 'not a client!')).exitCode).toBe(78);
    expect((await refused('add-board', 'new', '--serial', '9a8b7c6d')).message).toMatch(
      /goes to --serial-number$/,
    );
    expect(
      (await refused('add-board', 'new', '--serial', '/dev/ttyS0', '--console', 'tcp:a:1')).exitCode,
    ).toBe(64);
  });

  it('what another board has', async () => {
    const uid = (await machine.root('id -u b1')).trim();
    expect((await refused('add-board', 'new', '--uid', uid)).message).toContain('belongs to b1');
    expect((await refused('add-board', 'new', '--address', '192.0.2.7')).message).toContain('b1');
  });

  it('an account with another shell', async () => {
    expect((await refused('add-board', 'user', '--key', machine.key('alice'))).message).toMatch(
      /^The account user has the login shell .*: it is no board$/,
    );
    expect((await refused('add-board', 'root')).message).toMatch(/it is no board$/);
    for (const words of [
      ['add-board', 'rootlike'],
      ['add-board', 'homeless'],
      ['remove-board', 'rootlike'],
    ]) {
      expect((await refused(...words)).message).toMatch(/^The account \w+ has .*, so it cannot be a board/);
    }
    expect((await refused('add-board', 'original')).message).toMatch(/novaboot-admin import original$/);
  });

  it("a directory that is somebody else's", async () => {
    const cases = [
      [['taken'], /^\/home\/taken is there already and belongs to root/],
      [['taken2'], /^\/srv\/tftp\/taken2 is there already and belongs to user/],
      [['taken3'], /is no directory/],
      [['taken4'], /belongs to user/],
      [['new', '--home', '/srv/tftp/new'], /^\/srv\/tftp\/new cannot be the home: the TFTP server gives/],
      [['new', '--home', '/dev/null/new'], /^There is no directory \/dev\/null for /],
      ...['open', 'linked', 'linked2'].map(
        (parent) =>
          [
            ['new', '--home', `/home/${parent}/new`],
            /^\/home\/open can be written by others than root/,
          ] as const,
      ),
    ] as const;
    for (const [words, message] of cases) {
      expect((await refused('add-board', ...words)).message).toMatch(message);
    }
  });

  it('what useradd refuses', async () => {
    // Its lock, held by a process that lives.
    await machine.root('echo 1 >/etc/passwd.lock');
    const { message } = await refused('add-board', 'new', '--key', machine.key('alice'));
    await machine.root('rm /etc/passwd.lock');
    expect(message).toMatch(/^account new, .*: useradd: .*; nothing was changed$/);
  });

  it('what somebody interrupts', async () => {
    await machine.root(`mv /usr/sbin/useradd /usr/sbin/useradd.real
      printf '%s\\n' '#!/bin/sh' 'kill -TERM $PPID' '/usr/sbin/useradd.real "$@"' >/usr/sbin/useradd
      chmod 755 /usr/sbin/useradd`);
    const result = await refused('add-board', 'new', '--key', machine.key('alice'));
    await machine.root('mv /usr/sbin/useradd.real /usr/sbin/useradd');
    expect(result).toEqual({ message: 'Ended by SIGTERM; nothing was changed', exitCode: 143 });
  });

  it('what there is no room for', async () => {
    await machine.root('mount -t tmpfs -o size=64k,mode=755 none /home/small');
    const words = [
      'add-board',
      'new',
      '--home',
      '/home/small/new',
      '--power-off',
      '--nfs',
      '::1',
      '--key',
      machine.key('alice'),
    ];
    // None for the first file, for the second, for the third.
    for (const pages of [0, 1, 2]) {
      await machine.root(`head -c ${(16 - pages) * 4096} /dev/zero >/home/small/filler`);
      expect(await refused(...words)).toEqual({
        message: expect.stringMatching(/the disk is full.*; nothing was changed$/),
        exitCode: 1,
      });
      expect(await machine.root('ls -A /home/small')).toBe('filler\n');
    }
    await machine.root('umount /home/small');
  });

  it('what only root may do', async () => {
    const { stderr, exitCode } = await machine.account('user', '/usr/sbin/novaboot-admin add-board new');
    expect({ stderr, exitCode }).toEqual({
      stderr: 'novaboot-admin: Only root may do this; say: sudo novaboot-admin add-board ...\n',
      exitCode: 77,
    });
    expect((await machine.account('user', '/usr/sbin/novaboot-admin list')).stdout).toContain('b1');
  });
});

describe('homes that fight back', () => {
  beforeAll(async () => {
    await admin('add-board', 'evil', '--key', machine.key('alice'));
    await machine.root('echo canary >/root/canary; chmod 600 /root/canary; mkdir /root/target');
  });

  it("links, FIFOs, devices and a lock: nobody waits, nothing of root's is touched", async () => {
    const traps = [
      'rm -rf .ssh; ln -s /root .ssh',
      'rm -rf .ssh; ln -s /etc .ssh',
      'rm -rf .ssh; mkdir .ssh; ln -s /root/canary .ssh/authorized_keys',
      'rm -rf .ssh; mkdir .ssh; ln -s /etc/shadow .ssh/authorized_keys',
      'rm -rf .ssh; mkdir .ssh; ln -s /dev/zero .ssh/authorized_keys',
      'rm -rf .ssh; mkdir .ssh; mkfifo .ssh/authorized_keys',
      'rm -rf .ssh; mkdir .ssh; mkfifo .ssh/authorized_keys.new',
      'rm -rf .ssh; mkdir -p .ssh/authorized_keys.new/x',
      'rm -rf .ssh; mkdir .ssh; head -c 5000000 /dev/zero >.ssh/authorized_keys',
      'rm -rf .ssh; mkdir -m 0 .ssh',
      'chmod 700 .ssh; rm -rf .ssh; mkdir .ssh; exec flock .ssh sleep 60 >/dev/null 2>&1 &',
    ];
    const outcomes: (number | undefined)[] = [];
    const before = await machine.root(
      'ls -laR --full-time /root; cat /root/canary; md5sum /etc/shadow /etc/passwd; ls /etc',
    );
    for (const trap of traps) {
      await machine.account('evil', trap);
      const { exitCode, stderr } = await machine.admin(
        'add-user',
        'evil',
        'bob',
        '--key',
        machine.key('bob'),
      );
      outcomes.push(exitCode);
      if (exitCode !== 0) expect(stderr).toMatch(/^novaboot-admin: [^\n]*\n$/);
    }
    await admin('list');
    expect(
      await machine.root(
        'ls -laR --full-time /root; cat /root/canary; md5sum /etc/shadow /etc/passwd; ls /etc',
      ),
    ).toBe(before);
    // Of the FIFO beside the file we get rid.
    expect(outcomes).toEqual([1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 75]);
  });

  it('the configuration, too', async () => {
    for (const trap of [
      'rm -f .novaboot-shell; ln -s /root/canary .novaboot-shell',
      'rm -f .novaboot-shell; mkfifo .novaboot-shell',
      'rm -f .novaboot-shell; ln -s /proc/self/environ .novaboot-shell',
    ]) {
      await machine.account('evil', trap);
      expect(await refused('add-board', 'evil', '--console', 'tcp:lab:1'), trap).toMatchObject({
        exitCode: expect.toBeOneOf([1, 78]),
      });
    }
    expect(await machine.root('cat /root/canary')).toBe('canary\n');
  });

  it('what they start ends with who looks', async () => {
    const lines =
      'for i in 1 2 3 4 5; do setsid sh -c \'trap "" TERM HUP INT; exec sleep 333\' & done; sleep 444 &';
    await machine.account('evil', `rm -rf .novaboot-shell; cat >.novaboot-shell <<'END'\n${lines}\nEND`);
    await machine.admin('check', 'evil');
    await machine.admin('doctor', 'evil');
    expect(await machine.root('ps -o args= -u evil | grep -E "sleep (333|444)" || echo none')).toBe('none\n');
  });

  it('purging leaves a mount alone, and all else with it', async () => {
    await machine.root(
      'mkdir /home/evil/disk; mount -t tmpfs none /home/evil/disk; touch /home/evil/disk/file',
    );
    const { message } = await refused('remove-board', 'evil', '--purge');
    expect(message).toBe('Something is mounted on /home/evil/disk; unmount it, and say this again');
    await machine.root('rm /home/evil/disk/file; umount /home/evil/disk; ls /home/evil/.novaboot-shell');
  });

  it('purging follows no link', async () => {
    await machine.account(
      'evil',
      'pkill flock; ln -s /root/target a; mkdir -p d/e; ln -s /root d/e/root; chmod 0 d',
    );
    await admin('remove-board', 'evil', '--purge', '--force');
    expect(
      await machine.root('cat /root/canary; ls -d /root/target; ls /home /srv/tftp | grep -c evil || true'),
    ).toBe('canary\n/root/target\n0\n');
  });
});

describe('users', () => {
  it('come and go', async () => {
    expect(await admin('add-user', 'b1', 'bob', '--key', machine.key('bob'))).toMatch(
      /\+ bob ssh-ed25519 SHA256:/,
    );
    expect((await machine.ssh('bob', 'b1', 'version')).exitCode).toBe(0);
    expect((await machine.ssh('bob', 'b1', 'list-keys')).exitCode).toBe(1);
    expect(await admin('list')).toMatch(/^b1 +\/home\/b1 +alice\* bob +nfs, power-off$/m);
    await machine.root(`sed 's/^/# /; p; s/^# //' ${machine.key('carol')} >>/home/b1/.ssh/authorized_keys`);
    expect(await admin('list')).toMatch(/^b1 .* alice\* bob \(unnamed keys: 1\) /m);
    await machine.root("sed -i '$d' /home/b1/.ssh/authorized_keys");
    await machine.root('mv /home/b1 /home/away');
    const { message: homeless } = await refused('add-user', 'b1', 'dave', '--key', machine.key('carol'));
    await machine.root('mv /home/away /home/b1');
    expect(homeless).toBe('The home directory /home/b1 is not there; mount its disk, or say add-board b1');
    expect((await refused('add-user', 'b1', 'carol', '--key', machine.key('bob'))).message).toBe(
      'this key already belongs to user bob',
    );
    await admin('remove-user', 'b1', 'bob');
    expect((await machine.ssh('bob', 'b1', 'version')).exitCode).toBe(255);
    expect((await refused('remove-user', 'b1', 'bob')).message).toMatch(/^b1 has no user bob/);
    expect((await refused('add-user', 'nobody', 'bob', '--key', machine.key('bob'))).exitCode).toBe(1);
  });
});

describe('adduser-novaboot', () => {
  it('takes the options of the original', async () => {
    await machine.root(`groupadd lab; adduser-novaboot --key - --admin-id boss --home /srv/old --gecos 'An old board' \\
      --firstuid 3000 --lastuid 3999 --ingroup lab old <${machine.key('carol')}`);
    expect(await machine.root('getent passwd old | cut -d: -f1,3,5-; id -Gn old')).toBe(
      'old:3000:An old board:/srv/old:/usr/bin/novaboot-shell\nlab novaboot\n',
    );
    expect((await machine.ssh('carol', 'old', 'list-keys')).stdout).toContain('boss');
    const { stderr, exitCode } = await machine.run('adduser-novaboot old2');
    expect({ stderr, exitCode }).toMatchObject({
      stderr: expect.stringMatching(/^adduser-novaboot: --key is missing;/),
      exitCode: 64,
    });
  });
});

describe('remove-board', () => {
  it('refuses while the board has its root file system mounted', async () => {
    const { stdout } = await machine.ssh('alice', 'b1', 'get-config');
    const port = /port=(\d+)/.exec(stdout)?.[1];
    const client = machine.run(`bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}; touch /run/mounted
      while [ -e /run/mounted ]; do sleep 0.1; done'`);
    await machine.until('novaboot-admin status b1 | grep -q "1 running (1 clients)"');
    const result = await refused('remove-board', 'b1');
    await machine.root('rm /run/mounted');
    await client;
    expect(result).toEqual({
      message:
        'b1 has a root file system of alice mounted (clients: 1); switch it off, or end that: novaboot-admin remove-board b1 --force',
      exitCode: 75,
    });
  });

  it('refuses while a host has it mounted by UDP, where only calls tell', async () => {
    const { stdout } = await machine.ssh('alice', 'b1', 'get-config');
    const port = /port=(\d+)/.exec(stdout)?.[1];
    // RFC 5531 §9: NULL of NFS version 3.
    const call = String.raw`\0\0\0\1\0\0\0\0\0\0\0\2\0\1\206\243\0\0\0\3${String.raw`\0`.repeat(20)}`;
    await machine.until(`timeout 20 bash -c 'exec 3<>/dev/udp/127.0.0.1/${port}; printf "${call}" >&3
      head -c 4 <&3 | grep -qz .'`);
    const { message, exitCode } = await refused('remove-board', 'b1');
    expect({ message, exitCode }).toEqual({
      message: expect.stringMatching(
        /^b1 has a root file system of alice in use by UDP \(127\.0\.0\.1, last at [-:\d ]+\); switch it off and wait for 10 minutes, or end that: novaboot-admin remove-board b1 --force$/,
      ),
      exitCode: 75,
    });
  });

  it('refuses while somebody has the board, and ends that by force', async () => {
    await machine.root("sed -i 's/^console_cmd=.*/console_cmd=cat/' /home/b1/.novaboot-shell");
    const session = machine.spawnSsh('alice', 'b1', 'console');
    await session.waitForOutput(/Connected/);
    const { message, exitCode } = await refused('remove-board', 'b1');
    expect({ message, exitCode }).toEqual({
      message: expect.stringMatching(
        /^b1 is in use by alice \(since .*, from .*\); wait, or end that: novaboot-admin remove-board b1 --force$/,
      ),
      exitCode: 75,
    });
    const uid = (await machine.root('id -u b1')).trim();
    const leftovers =
      '/var/spool/cron/crontabs/b1 /var/spool/cron/atjobs/job /var/lib/novaboot-tftpd/b1.journal';
    await machine.root(`for file in ${leftovers}; do mkdir -p "$(dirname $file)"; touch $file; done
      chown b1 /var/spool/cron/atjobs/job`);
    const dropIn = '/etc/systemd/system/novaboot-power-off@b1.timer.d';
    await machine.root(`mkdir -p ${dropIn}`);
    const { stdout: removed, stderr: notes } = await machine.admin('remove-board', 'b1', '--force');
    expect(removed).toMatch(/^- account b1$/m);
    expect(notes).toContain(`${dropIn} stays, and counts for a later board b1 too\n`);
    expect(await machine.root(`ls ${leftovers} 2>&1 | grep -c 'No such file'`)).toBe('3\n');
    expect(
      await machine.root(
        `getent passwd b1 || echo none; ps -o pid= -u ${uid} || echo none; ls /var/lib/systemd/linger /etc/novaboot/tftpd.conf.d`,
      ),
    ).toMatch(/^none\nnone\n/);
    expect(
      await machine.root("systemctl list-units --all --no-legend '*b1*' | grep -v b1.service || true"),
    ).toBe('');
  });

  it('keeps its files for root alone, and it can come back with them', async () => {
    expect(await machine.root("stat -c '%A %U' /home/b1 /srv/tftp/b1")).toBe(
      'drwx------ root\ndrwx------ root\n',
    );
    expect((await refused('add-board', 'b1')).message).toMatch(
      /^\/home\/b1 is there already and belongs to root; .*: chown UID \/home\/b1, and say add-board --uid UID/,
    );
    await machine.root('chown 4321 /home/b1 /srv/tftp/b1; chown -R 4321 /home/b1/.ssh /home/b1/.[cln]*');
    await admin('add-board', 'b1', '--uid', '4321');
    expect(await machine.root('stat -c %A /srv/tftp/b1')).toBe('drwxr-xr-x\n');
    expect((await machine.ssh('alice', 'b1', 'list-keys')).stdout).toContain('alice');
  });

  it('reaches what is behind a link of root, and advises nothing that the account has chosen', async () => {
    await machine.root('mv /srv/tftp /srv/files; ln -s files /srv/tftp');
    const words = ['add-board', 'b9', '--key', machine.key('alice'), '--uid', '2100', '--nfs', '127.0.0.1'];
    expect(await machine.admin(...words)).toMatchObject({ exitCode: 0 });
    await machine.root('echo quota=1G >>/home/b9/.novaboot-nfs');
    const { stderr } = await machine.admin('remove-board', 'b9');
    const [, advice = ''] = /, say: (.*)\n$/.exec(stderr) ?? [];
    expect(advice).toBe(
      'chown 2100 /home/b9 /srv/files/b9; novaboot-admin add-board b9 --uid 2100 --nfs 127.0.0.1',
    );
    await machine.root(advice);
    expect(await machine.root('cat /home/b9/.novaboot-nfs')).toMatch(/^quota=1G$/m);
    const hostile = `allowed_clients="127.0.0.1 ;touch\${IFS}/root/x $(id)"`;
    await machine.write('/home/b9/.novaboot-nfs', `${hostile}\n`);
    expect((await machine.admin('remove-board', 'b9', '--dry-run')).stderr).toMatch(/ --uid 2100\n$/);
    expect(await machine.admin('remove-board', 'b9', '--purge')).toMatchObject({ exitCode: 0 });
    expect(await machine.root('ls /home /srv/files; rm /srv/tftp; mv /srv/files /srv/tftp')).not.toMatch(
      /b9/,
    );
  });

  it('leaves no unit behind that has failed', async () => {
    expect(await machine.root("systemctl list-units --failed --no-legend 'novaboot-*'")).toBe('');
  });

  it('one at a time', async () => {
    const first = machine.run(
      'flock /run/novaboot-admin.lock sh -c "touch /run/first; while [ -e /run/first ]; do sleep 0.1; done"',
    );
    await machine.until('[ -e /run/first ]');
    expect(await refused('remove-board', 'b1')).toEqual({
      message: 'Another novaboot-admin is at work; try again when it has ended',
      exitCode: 75,
    });
    await machine.root('rm /run/first');
    expect((await first).exitCode).toBe(0);
  });
});
