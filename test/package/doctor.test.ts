/** `doctor` on an installed host with a real systemd and sshd: content with what is right, and finds each thing that is not. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { STOP_MS } from '../support/container.ts';
import { PACKAGE_MS } from '../support/package-file.ts';
import { BOOT_MS, bootPackageMachine, type PackageMachine } from '../support/package-machine.ts';
import { eventually } from '../support/ssh-session.ts';

vi.setConfig({ testTimeout: 90_000 });

const EXAMPLE = '/usr/share/doc/novaboot-server/examples/sshd-novaboot.conf';
const INSTALLED = '/etc/ssh/sshd_config.d/novaboot.conf';
/** A reload returns before sshd has read its settings and listens again. */
const RELOAD = 'systemctl reset-failed ssh; systemctl restart ssh';
const CONFIG = '/home/b1/.novaboot-shell';
const KEYS = '/home/b1/.ssh/authorized_keys';
/** What the machine of the tests cannot help. */
const KNOWN = ['rsync', 'clock'];
const SECRET = 'canary-of-the-power-switch';

interface Finding {
  readonly check: string;
  readonly severity: string;
  readonly subject: string;
  readonly what: string;
}

let machine: PackageMachine;

beforeAll(async () => {
  machine = await bootPackageMachine();
  const { stderr, exitCode } = await machine.admin(
    ...['add-board', 'b1', '--key', machine.key('alice'), '--admin-id', 'alice', '--power-off'],
    ...['--nfs', '127.0.0.1', '--address', '127.0.0.1'],
    ...['--console-cmd', 'cat', '--on-cmd', 'true', '--off-cmd', 'true'],
  );
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  expect(await machine.admin('add-user', 'b1', 'bob', '--key', machine.key('bob'))).toMatchObject({
    exitCode: 0,
  });
}, BOOT_MS + PACKAGE_MS);
afterAll(() => machine?.stop(), STOP_MS);

async function doctor(
  ...words: readonly string[]
): Promise<{ exitCode: number | undefined; findings: Finding[] }> {
  const { stdout, stderr, exitCode } = await machine.admin('doctor', '--json', ...words);
  expect(stderr).toBe('');
  const { version, errors, warnings, findings } = JSON.parse(stdout);
  const count = (severity: string) => findings.filter((each: Finding) => each.severity === severity).length;
  expect({ version, errors, warnings }).toEqual({
    version: 1,
    errors: count('error'),
    warnings: count('warning'),
  });
  expect(exitCode).toBe(errors > 0 ? 1 : 0);
  return { exitCode, findings };
}

/** What is wrong, besides what the tests' machine cannot help. */
async function faults(): Promise<Finding[]> {
  const { findings } = await doctor();
  return findings.filter(({ severity, check }) => severity !== 'ok' && !KNOWN.includes(check));
}

describe('the example for sshd', () => {
  test('is what doctor asks for, and all that it asks for', async () => {
    const before = await faults();
    expect(before.map(({ check, severity, subject }) => ({ check, severity, subject }))).toEqual(
      Array(3).fill({ check: 'sshd', severity: 'warning', subject: 'b1' }),
    );
    await machine.root(`install -m 644 ${EXAMPLE} ${INSTALLED}; ${RELOAD}`);
    expect(await faults()).toEqual([]);
  });

  test('leaves boards usable: console, uploads, resets on one connection', async () => {
    const console = machine.spawnSsh('alice', 'b1', 'console');
    await eventually('the console', () => console.stdout.includes('Connected'));
    expect(await machine.ssh('alice', 'b1', 'get-config')).toMatchObject({ exitCode: 0 });
    console.kill('SIGHUP');
    await machine.until('flock -n /home/b1 true');
    const upload = await machine.outside([
      'rsync',
      `--rsh=${machine.rsh('alice')}`,
      '/etc/hostname',
      'b1@127.0.0.1:',
    ]);
    expect(upload).toMatchObject({ stderr: '', exitCode: 0 });
    expect(await machine.root('ls /srv/tftp/b1')).toBe('hostname\n');
  });

  test('shuts what a key without restrict leaves open', async () => {
    await machine.root(
      `echo 'command="user carol" '"$(cat ${machine.key('carol')})" >>/home/b1/.ssh/authorized_keys`,
    );
    const forward = () =>
      machine.outside([...machine.rsh('carol').split(' '), '-W', '127.0.0.1:22', 'b1@127.0.0.1']);
    expect(await forward()).toMatchObject({ stdout: '', exitCode: 255 });
    await machine.root(`mv ${INSTALLED} ${INSTALLED}.off; ${RELOAD}`);
    expect((await forward()).stdout).toMatch(/^SSH-2.0-/);
    await machine.root(
      `mv ${INSTALLED}.off ${INSTALLED}; ${RELOAD}; sed -i /carol/d /home/b1/.ssh/authorized_keys`,
    );
    expect(await faults()).toEqual([]);
  });

  test('internal-sftp, which it cannot shut, is an error, and is one', async () => {
    const edit = (value: string) =>
      machine.root(`sed -i 's,^Subsystem.*,Subsystem sftp ${value},' /etc/ssh/sshd_config; ${RELOAD}`);
    await machine.root(`cat ${machine.key('carol')} >>${KEYS}`);
    const sftp = () => machine.outside([...machine.rsh('carol').split(' '), '-s', 'b1@127.0.0.1', 'sftp']);
    expect(await sftp()).toMatchObject({ exitCode: 1 });
    await edit('internal-sftp');
    const found = await faults();
    // It serves until its input ends, and that is at once.
    expect(await sftp()).toMatchObject({ stderr: '', exitCode: 0 });
    await edit('/usr/lib/openssh/sftp-server');
    await machine.root(`sed -i /carol/d ${KEYS}`);
    expect(found).toContainEqual(
      expect.objectContaining({
        check: 'sshd',
        severity: 'error',
        what: expect.stringContaining('internal-sftp'),
      }),
    );
  });
});

const LISTEN =
  "/usr/lib/novaboot-server/node -e 'require(`dgram`).createSocket(`udp4`).bind(69, () => console.log(1))'";

const OWN_UNIT = 'unit=~b1/.config/systemd/user/novaboot-nfsd@y.service';
const AS_BOARD = `setpriv --reuid=b1 --regid=novaboot --init-groups env XDG_RUNTIME_DIR=/run/user/$(id -u b1)`;

interface Fault {
  readonly does: string;
  readonly undo: string;
  readonly check: string;
  readonly severity: 'error' | 'warning';
  readonly what: RegExp;
}

const fault = (
  check: string,
  severity: Fault['severity'],
  what: RegExp,
  does: string,
  undo: string,
): Fault => ({
  ...{ check, severity, what, does, undo },
});
const configured = (check: string, severity: Fault['severity'], what: RegExp, lines: string): Fault =>
  fault(
    check,
    severity,
    what,
    `cp -p ${CONFIG} /root; cat >>${CONFIG} <<'END'\n${lines}\nEND`,
    `cp -p /root/.novaboot-shell ${CONFIG}`,
  );

/** Faults that do not hide each other, so that one look finds all of them. */
const AT_ONCE: Readonly<Record<string, readonly Fault[]>> = {
  'of accounts and files': [
    fault(
      'tftp-server',
      'error',
      /uploaded to \/srv\/tftp\/old, but the TFTP server has \/srv\/tftp\/b1/,
      'mkdir /srv/tftp/old; install -m 600 -o b1 /dev/null /srv/tftp/old/x; chown b1: /srv/tftp/old; ln -sfn /srv/tftp/old /home/b1/tftproot',
      'ln -sfn /srv/tftp/b1 /home/b1/tftproot',
    ),
    fault('tftp', 'warning', /not for everybody to read: x$/, ':', ':'),
    fault(
      'home',
      'error',
      /others than the account may write to \/home\/b1$/,
      'chmod 777 /home/b1',
      'chmod 700 /home/b1',
    ),
    fault('accounts', 'warning', /has a password/, "usermod -p '$6$x' b1", "usermod -p '*' b1"),
    fault(
      'accounts',
      'warning',
      /another novaboot-shell/,
      'cp /bin/true /usr/local/bin/novaboot-shell; useradd -M -s /usr/local/bin/novaboot-shell old',
      'userdel old',
    ),
    fault(
      'accounts',
      'error',
      /has root's uid, so it cannot be a board/,
      'useradd -o -u 0 -g novaboot -M -s /usr/bin/novaboot-shell toor',
      'sed -i /^toor:/d /etc/passwd /etc/shadow',
    ),
    fault('accounts', 'error', /\/etc\/nologin/, 'touch /etc/nologin', 'rm /etc/nologin'),
    fault(
      'accounts',
      'error',
      /others than root may replace \/usr\/lib\/novaboot-server,/,
      'chmod 777 /usr/lib/novaboot-server',
      'chmod 755 /usr/lib/novaboot-server',
    ),
    configured(
      'commands',
      'error',
      /reset_cmd needs the program sispmctl, which is not there/,
      "reset_cmd='sispmctl -f 1 /dev/ttyUSB9'",
    ),
  ],
  'of devices and services': [
    configured(
      'power',
      'error',
      /the power switch does not answer: .*127\.0\.0\.1/,
      `power='http://u:${SECRET}@127.0.0.1:9/cm?cmnd=Power1'\nconsole=serial:/dev/ttyUSB9\nconsole_cmd=`,
    ),
    fault('console', 'error', /the console \/dev\/ttyUSB9 is absent/, ':', ':'),
    fault(
      'tftp-server',
      'error',
      /nobody listens on UDP port 69/,
      'systemctl stop novaboot-tftpd.socket novaboot-tftpd.service',
      'systemctl start novaboot-tftpd.socket',
    ),
    fault(
      'tftp-server',
      'warning',
      /does not know the board/,
      'mv /etc/novaboot/tftpd.conf.d/b1.conf /root',
      'mv /root/b1.conf /etc/novaboot/tftpd.conf.d',
    ),
    fault('sshd', 'error', /nobody listens on port 22/, 'systemctl stop ssh', 'systemctl start ssh'),
    fault('sshd', 'warning', /does not tell its settings: it does not run/, ':', ':'),
    fault(
      'systemd',
      'error',
      /novaboot-x.service has failed/,
      'systemd-run -q --unit=novaboot-x false; until systemctl is-failed -q novaboot-x; do sleep 0.1; done',
      'systemctl reset-failed novaboot-x',
    ),
    fault(
      'units',
      'error',
      /novaboot-nfsd@y.service has failed/,
      `${AS_BOARD} sh -ec '${OWN_UNIT}; mkdir -p ~b1/.config/systemd/user; printf "[Service]\\nExecStart=false\\n" >$unit
        systemctl --user daemon-reload; systemctl --user start novaboot-nfsd@y; until systemctl --user is-failed -q novaboot-nfsd@y; do sleep 0.1; done'`,
      `${AS_BOARD} sh -ec '${OWN_UNIT}; rm $unit; systemctl --user daemon-reload; systemctl --user reset-failed novaboot-nfsd@y'`,
    ),
    fault(
      'nfs',
      'warning',
      /does not linger/,
      'rm /var/lib/systemd/linger/b1',
      'touch /var/lib/systemd/linger/b1',
    ),
    fault(
      'power-off',
      'error',
      /sudo does not let the account/,
      'mv /etc/sudoers.d/novaboot-server /root',
      'mv /root/novaboot-server /etc/sudoers.d',
    ),
  ],
  'of configurations': [
    fault('tftp', 'error', /leads nowhere/, 'mv /srv/tftp/b1 /srv/tftp/x', 'mv /srv/tftp/x /srv/tftp/b1'),
    configured('configuration', 'error', /^\/home\/b1\/\.novaboot-shell:\d+: /, 'if'),
    fault(
      'tftp-server',
      'error',
      /tftpd\.conf:\d+: nonsense: unknown setting/,
      'echo nonsense=1 >>/etc/novaboot/tftpd.conf',
      "sed -i '$d' /etc/novaboot/tftpd.conf",
    ),
    fault(
      'accounts',
      'error',
      /same uid as/,
      'useradd -o -u "$(id -u b1)" -g novaboot -M -d /home/b1 -s /usr/bin/novaboot-shell twin',
      'sed -i /^twin:/d /etc/passwd /etc/shadow',
    ),
  ],
  'of networks': [
    fault(
      'nfs',
      'error',
      /port \d+, which the NFS server of alice is to keep, is taken by uid 0/,
      `${AS_BOARD} systemctl --user stop novaboot-nfsd@alice.socket novaboot-nfsd@alice.service
      port=$(sed -n s/^ListenStream=//p /home/b1/.config/systemd/user/novaboot-nfsd@alice.socket.d/port.conf)
      systemd-run -q --unit=taker /usr/lib/novaboot-server/node -e "require('net').createServer().listen($port)"
      until grep -q ":$(printf %04X $port) .* 0A " /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done`,
      `systemctl stop taker; ${AS_BOARD} systemctl --user start novaboot-nfsd@alice.socket`,
    ),
    fault(
      'nfs',
      'warning',
      /server_addr 192\.0\.2\.77 is no address of this host/,
      'echo server_addr=192.0.2.77 >>/home/b1/.novaboot-nfs',
      'sed -i /^server_addr/d /home/b1/.novaboot-nfs',
    ),
    fault(
      'firewall',
      'error',
      /the firewall drops what comes for sshd \(tcp port 22\)/,
      // Stands for nft(8), which is not installed: a policy, and no rule.
      `printf '#!/bin/sh\\necho '"'"'{"nftables": [{"chain": {"family": "inet", "table": "t", "name": "in",
        "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}}]}'"'"'\\n' >/usr/sbin/nft; chmod 755 /usr/sbin/nft`,
      'rm /usr/sbin/nft',
    ),
    fault(
      'tftp-server',
      'warning',
      /another TFTP server has UDP port 69: .*node/,
      `systemctl stop novaboot-tftpd.socket novaboot-tftpd.service
      systemd-run -q --unit=other ${LISTEN}; until grep -q ':0045 ' /proc/net/udp; do sleep 0.1; done`,
      'systemctl stop other; systemctl start novaboot-tftpd.socket',
    ),
  ],
};

test.each(Object.entries(AT_ONCE))('finds faults %s', async (_, wrong) => {
  await machine.root(wrong.map(({ does }) => does).join('\n'));
  const found = await faults();
  await machine.root(wrong.map(({ undo }) => undo).join('\n'));
  for (const { check, severity, what } of wrong) {
    expect(found).toContainEqual(
      expect.objectContaining({ check, severity, what: expect.stringMatching(what) }),
    );
  }
});

test('is content again when all of that is undone', async () => {
  expect(await faults()).toEqual([]);
});

test('whatever an account puts into its home: doctor ends, tells, and goes on with the others', async () => {
  await machine.root(`novaboot-admin add-board b2 --key ${machine.key('alice')} --admin-id alice >/dev/null
    cd /home/b2; rm .ssh/authorized_keys; mkfifo .ssh/authorized_keys .novaboot-nfs
    echo 'sleep 1000 & while :; do :; done' >.novaboot-shell; ln -sfn /proc tftproot; chown -h b2: tftproot .novaboot-nfs .ssh/*`);
  const start = Date.now();
  const { findings, exitCode } = await doctor();
  expect(Date.now() - start).toBeLessThan(60_000);
  expect(exitCode).toBe(1);
  const wrong = findings.filter(({ severity, check }) => severity === 'error' && check !== 'rsync');
  expect([...new Set(wrong.map(({ subject }) => subject))]).toEqual(['b2']);
  expect(wrong.map(({ what }) => what).join('\n')).toMatch(/\.novaboot-shell[\s\S]*\.novaboot-nfs/);
  await machine.root('pkill -KILL -u b2 || :; novaboot-admin remove-board b2 --purge >/dev/null');
});

describe('ssh BOARD doctor', () => {
  test('tells its users about the board, and its administrators about the keys', async () => {
    await machine.root(`echo "$(cat ${machine.key('carol')})" >>/home/b1/.ssh/authorized_keys`);
    const [admin, user] = [
      await machine.ssh('alice', 'b1', 'doctor'),
      await machine.ssh('bob', 'b1', 'doctor'),
    ];
    expect(admin).toMatchObject({ stderr: '', exitCode: 0 });
    expect(admin.stdout).toMatch(/warning: b1: authorized_keys, line \d+: no restrict\n/);
    expect(user).toMatchObject({ stderr: '', exitCode: 0 });
    expect(user.stdout).not.toContain('authorized_keys');
    await machine.root('sed -i /carol/d /home/b1/.ssh/authorized_keys');
  });

  test('has no secrets and nothing of other boards', async () => {
    await machine.root(`cp -p /home/b1/.novaboot-shell /root; chmod 711 /home/b1; chmod 644 /home/b1/.novaboot-shell
      echo "power='http://u:${SECRET}@127.0.0.1:9/cm?cmnd=Power1'" >>/home/b1/.novaboot-shell`);
    const { stdout, exitCode } = await machine.ssh('bob', 'b1', 'doctor -v --json');
    await machine.root('cp -p /root/.novaboot-shell /home/b1; chmod 700 /home/b1');
    expect(exitCode).toBe(1);
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    expect(findings.map(({ what }) => what)).toContainEqual(expect.stringMatching(/may read the password/));
    expect(stdout).not.toContain(SECRET);
    expect([...new Set(findings.map(({ subject }) => subject))].sort()).toEqual(['b1', 'host']);
  });

  test('refuses other words', async () => {
    expect(await machine.ssh('bob', 'b1', 'doctor roots')).toMatchObject({
      stdout: '',
      stderr: expect.stringMatching(/^novaboot-shell: Usage: doctor [^\n]*\n$/),
      exitCode: 64,
    });
  });
});

test('novaboot-admin doctor is for root, and for boards', async () => {
  expect(await machine.admin('doctor', 'nobody')).toMatchObject({ exitCode: 1, stdout: '' });
  const asUser = await machine.run('setpriv --reuid=65534 --clear-groups -- novaboot-admin doctor');
  expect(asUser).toMatchObject({ exitCode: 77, stderr: expect.stringMatching(/^novaboot-admin: Only root/) });
  const { findings } = await doctor('b1');
  expect(new Set(findings.map(({ subject }) => subject))).toEqual(new Set(['host', 'b1']));
});
