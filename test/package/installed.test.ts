/** The package in a fresh Debian: from dpkg -i to a board that users have, and back, with a real systemd and sshd. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { STOP_MS } from '../support/container.ts';
import { findPrograms } from '../support/guest-tools.ts';
import { PACKAGE_MS } from '../support/package-file.ts';
import { BOOT_MS, bootPackageMachine, type PackageMachine } from '../support/package-machine.ts';

const BOARD = 'b1';
const TIMER = `novaboot-power-off@${BOARD}.timer`;
const NFSD = 'novaboot-nfsd@alice';
const CONFIG = [
  ...['--console-cmd', 'cat', '--on-cmd', 'echo on >>~/power', '--off-cmd', 'echo off >>~/power'],
  '--target-config=--prefix=/x',
];

vi.setConfig({ testTimeout: 90_000 });

let machine: PackageMachine;
let installation: string;

beforeAll(async () => {
  findPrograms(['curl', 'nfs-ls', 'rsync']);
  machine = await bootPackageMachine({ install: false });
  const { stdout, stderr, exitCode } = await machine.install();
  installation = stderr;
  expect({ stdout, stderr, exitCode }).toMatchObject({ exitCode: 0 });
}, BOOT_MS + PACKAGE_MS);
afterAll(() => machine?.stop(), STOP_MS);

/** Runs a program of the outside in the machine's network. */
const outside = (...argv: readonly string[]) => machine.outside(argv);
/** A property of a unit of the board's user manager. */
const property = async (unit: string, name: string) =>
  (await machine.account(BOARD, `systemctl --user show --value -p ${name} ${unit}`)).stdout.trimEnd();
/** What a stranger's client sees in the root. */
const list = (port: string | undefined, board = BOARD) =>
  outside(
    'nfs-ls',
    `nfs://127.0.0.1/home/${board}/nfsroot/alice/root?version=3&nfsport=${port}&mountport=${port}`,
  );
const good = (stdout: unknown = '') => ({ stdout, stderr: '', exitCode: 0 });

describe('dpkg -i', () => {
  test('says nothing that is wrong, and starts the TFTP socket', async () => {
    expect(installation.replaceAll(/^(Creating (group|user)|Created symlink) .*\n/gm, '')).toBe('');
    expect(
      await machine.root('systemctl is-active novaboot-tftpd.socket; systemctl is-system-running --wait'),
    ).toBe('active\nrunning\n');
    const places = 'stat -c "%a %U" /srv/tftp /var/lib/novaboot-tftpd';
    expect(await machine.root(`grep -x /usr/bin/novaboot-shell /etc/shells; ${places}`)).toBe(
      '/usr/bin/novaboot-shell\n755 root\n711 novaboot-tftpd\n',
    );
  });

  test('has brought units and sudo rules without a mistake', async () => {
    expect(await machine.run('visudo -c -q -f /etc/sudoers.d/novaboot-server')).toEqual(good());
    const units = 'for unit in novaboot-*; do echo "$unit" | sed s/@[.]/@1./; done';
    expect(
      await machine.run(`cd /usr/lib/systemd/system; systemd-analyze verify --man=no $(${units}) 2>&1`),
    ).toEqual(good());
  });

  test('needs nothing else: no file of a program is writable by anybody but root', async () => {
    expect(
      await machine.root(
        'find $(dpkg -L novaboot-server) -maxdepth 0 ! -type l \\( ! -user root -o -perm /022 \\)',
      ),
    ).toBe('');
    expect((await machine.admin('--version')).stdout).toMatch(/^\S* ?\d+\.\d+\.\d+\n$/);
    expect(await machine.run('find / -xdev -name node_modules')).toEqual(good());
  });
});

describe('a board', () => {
  const addBoard = () =>
    machine.admin(
      ...['add-board', BOARD, '--key', machine.key('alice'), '--admin-id', 'alice'],
      ...['--nfs', '127.0.0.1', '--address', '127.0.0.1', '--power-off', ...CONFIG],
    );

  test('is made by one command, and not once more', async () => {
    expect(await addBoard()).toEqual(good(expect.stringContaining(`ssh ${BOARD}@`)));
    expect(await addBoard()).toEqual(good(expect.stringContaining('Nothing to change')));
  });

  test('lets its users in, each by their key alone', async () => {
    expect(await machine.admin('add-user', BOARD, 'bob', '--key', machine.key('bob'))).toMatchObject({
      exitCode: 0,
    });
    expect((await machine.ssh('alice', BOARD, 'list-keys')).stdout).toMatch(/alice[\s\S]*bob/);
    expect((await machine.ssh('bob', BOARD, 'add-key carol')).exitCode).not.toBe(0);
    expect(await machine.ssh('carol', BOARD, 'help')).toMatchObject({ exitCode: 255 });
  });

  test('get-config has the user manager start an NFS server, which boards can mount from', async () => {
    const { stdout, stderr, exitCode } = await machine.ssh('alice', BOARD, 'get-config');
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(stdout).toMatch(/^--prefix=\/x\n--nfsroot=127\.0\.0\.1:\/home\/b1\/nfsroot\/alice\/root\n/);
    const port = /port=(\d+)/.exec(stdout)?.[1];
    expect(await property(`${NFSD}.service`, 'ActiveState')).toBe('active');
    const program = `readlink /proc/${await property(`${NFSD}.service`, 'MainPID')}/exe`;
    expect(await machine.root(program)).toBe('/usr/lib/novaboot-server/node\n');
    expect((await machine.account(BOARD, 'cat .cache/unfsd/alice.ports')).stdout).toContain(
      `NFS_TCP=${port}`,
    );
    expect(await list(port)).toMatchObject({ stderr: '', exitCode: 0 });
  });

  test('its idle NFS server ends, and the next call starts it on the same port', async () => {
    await machine.account(
      BOARD,
      `mkdir -p .config/systemd/user/novaboot-nfsd@.service.d
      sed -n 's/--foreground/& --idle 1/; s/^ExecStart=/[Service]\\nExecStart=\\n&/p' \\
        /usr/lib/systemd/user/novaboot-nfsd@.service >.config/systemd/user/novaboot-nfsd@.service.d/idle.conf
      systemctl --user daemon-reload; systemctl --user restart ${NFSD}.service`,
    );
    const get = async () => /port=(\d+)/.exec((await machine.ssh('alice', BOARD, 'get-config')).stdout)?.[1];
    const port = await get();
    const home = `/home/${BOARD}`;
    await machine.until(`[ -z "$(pgrep -u ${BOARD} -f ${home}/nfsroot/alice/root)" ]`);
    expect(await property(`${NFSD}.service`, 'Result')).toBe('success');
    expect(await property(`${NFSD}.socket`, 'ActiveState')).toBe('active');
    expect(await get()).toBe(port);
    expect(await list(port)).toMatchObject({ stderr: '', exitCode: 0 });
    await machine.account(
      BOARD,
      'rm -r .config/systemd/user/novaboot-nfsd@.service.d; systemctl --user daemon-reload',
    );
  });

  test('takes boot files, which the TFTP server gives to its address', async () => {
    const upload = `echo kernel >"$1/Image"; rsync --rsh="$2" "$1/Image" ${BOARD}@127.0.0.1:`;
    expect(await outside('sh', '-ec', upload, 'sh', machine.directory, machine.rsh('alice'))).toEqual(good());
    expect(await outside('curl', '-sS', '-m', '20', 'tftp://127.0.0.1/Image')).toEqual(good('kernel\n'));
    expect((await machine.ssh('bob', BOARD, 'why')).stdout).toContain('Image');
  });

  test('has its servers after a reboot of the host, before anybody has logged in', async () => {
    const ports = (await machine.account(BOARD, 'cat .cache/unfsd/alice.ports')).stdout;
    const [, port] = /NFS_TCP=(\d+)/.exec(ports) ?? [];
    await machine.reboot();
    await machine.until(`grep -qi ":$(printf %04x ${port}) .* 0A " /proc/net/tcp6 /proc/net/tcp`);
    expect(await list(port)).toMatchObject({ stderr: '', exitCode: 0 });
    expect(await outside('curl', '-sS', '-m', '20', 'tftp://127.0.0.1/Image')).toEqual(good('kernel\n'));
  });

  test('is switched off after its last session', async () => {
    await machine.write(
      `/etc/systemd/system/${TIMER}.d/override.conf`,
      '[Timer]\nOnActiveSec=\nOnActiveSec=1s\nAccuracySec=1ms\n',
    );
    await machine.root('systemctl daemon-reload');
    const console = machine.spawnSsh('bob', BOARD, 'console');
    await console.waitForOutput(/^novaboot-shell: Connected/);
    console.end();
    await console.exited;
    await machine.until(`[ "$(xargs </home/${BOARD}/power)" = 'on off' ]`);
    await machine.root(`rm -r /etc/systemd/system/${TIMER}.d; systemctl daemon-reload`);
  });
});

describe('the laboratory is watched', () => {
  test('check tells what is wrong, with its file and line', async () => {
    expect(await machine.admin('check')).toEqual(
      good('The configuration of 1 board and of this host is right.\n'),
    );
    await machine.account(BOARD, 'cp -p .novaboot-shell kept; echo console_log=maybe >>.novaboot-shell');
    const line = expect.stringMatching(
      /^\/home\/b1\/\.novaboot-shell:\d+: console_log: expected yes or no\n$/,
    );
    expect(await machine.admin('check', BOARD)).toEqual({ stdout: '', stderr: line, exitCode: 78 });
    await machine.account(BOARD, 'echo "(setsid sleep 4444 &)" >>.novaboot-shell');
    expect(await machine.admin('check', BOARD)).toMatchObject({ exitCode: 78 });
    expect(await machine.run('pgrep -f "^sleep 4444"')).toMatchObject({ stdout: '', exitCode: 1 });
    await machine.account(BOARD, 'mv kept .novaboot-shell');
  });

  test('a wrong file beside that of the TFTP server is told, and keeps nobody from files', async () => {
    const file = '/etc/novaboot/tftpd.conf.d/wrong.conf';
    await machine.root(`echo hello >${file}; systemctl restart novaboot-tftpd.service`);
    await outside('curl', '-sS', '-m', '20', 'tftp://127.0.0.1/Image');
    const problem = `${file}:1: hello: expected KEY=VALUE`;
    const journal = await machine.root('journalctl -u novaboot-tftpd.service -p warning -o cat');
    expect(journal).toContain(`${problem}\n`);
    expect((await machine.admin('status')).stdout).toContain(`What it does not serve: ${problem}\n`);
    expect(await machine.admin('check')).toEqual({ stdout: '', stderr: `${problem}\n`, exitCode: 78 });
    expect((await machine.admin('doctor')).stdout).toContain(problem);
    await machine.root(`rm ${file}; systemctl reload novaboot-tftpd.service`);
  });

  test('status tells who has a board, and what its servers do', async () => {
    const port = /port=(\d+)/.exec((await machine.ssh('alice', BOARD, 'get-config')).stdout)?.[1];
    expect(await list(port)).toMatchObject({ exitCode: 0 });
    await outside('curl', '-sS', '-m', '20', 'tftp://127.0.0.1/Image');
    // It counts once a second.
    await machine.until(`grep -q '"${BOARD}":{"complete":[1-9]' /run/novaboot-tftpd/status`);
    const console = machine.spawnSsh('bob', BOARD, 'console');
    await console.waitForOutput(/^novaboot-shell: Connected/);
    // Which is said before the board is switched on.
    await machine.until(`novaboot-admin status ${BOARD} | grep -q ' on '`);
    const { stdout, stderr } = await machine.admin('status', '--json');
    console.end();
    expect(stderr).toBe('');
    const { boards, tftp, fileSystems } = JSON.parse(stdout);
    expect(boards).toMatchObject([
      {
        ...{ name: BOARD, problem: null, holder: { user: 'bob' }, waiters: [] },
        power: { user: 'bob' },
        nfs: [{ user: 'alice', state: 'running', port: Number(port) }],
      },
    ]);
    expect(tftp.boards[BOARD].complete).toBeGreaterThan(0);
    expect(fileSystems).toMatchObject([{ mountPoint: '/' }]);
    expect((await machine.admin('status', '--disk')).stdout).toMatch(/^b1 .* [\d.]+K\n/m);
    await console.exited;
  });

  test('metrics come to where the node exporter looks for them', async () => {
    const file = '/var/lib/prometheus/node-exporter/novaboot.prom';
    await machine.root('systemctl start novaboot-metrics.service; [ ! -e /var/lib/prometheus ]');
    // The exporter comes later: the timer goes on.
    await machine.root(`systemctl is-active novaboot-metrics.timer; mkdir -p "$(dirname ${file})"`);
    expect(await machine.root('systemctl show -P NextElapseUSecMonotonic novaboot-metrics.timer')).toMatch(
      /^\d/,
    );
    await machine.root('systemctl start novaboot-metrics.service');
    const log = 'journalctl -q -o cat -u novaboot-metrics.service';
    expect(await machine.root(log)).toBe('');
    await machine.root(`mkdir ${file}.d; mount --bind -o ro ${file}.d "$(dirname ${file})"`);
    expect((await machine.run('systemctl start novaboot-metrics.service')).exitCode).toBe(1);
    await machine.until(`${log} | grep -q '^novaboot-admin: .*novaboot.prom'`);
    await machine.root(
      `umount "$(dirname ${file})"; rmdir ${file}.d; systemctl start novaboot-metrics.service`,
    );
    expect((await machine.root(`cat ${file}; stat -c '%U %a' ${file}`)).split('\n')).toEqual(
      expect.arrayContaining([
        'novaboot_boards 1',
        'novaboot_board_readable{board="b1"} 1',
        'novaboot_nfs_running{board="b1",user="alice"} 1',
        expect.stringMatching(/^novaboot_nfs_sent_bytes_total\{board="b1",user="alice"\} \d/),
        expect.stringMatching(/^novaboot_tftp_requests_total\{board="b1",outcome="complete"\} \d/),
        'root 644',
      ]),
    );
  });
});

test('no unit can do more than we know of (exposure.txt)', async () => {
  const exposures = (manager: string, directory: string) => `cd ${directory}
    for unit in novaboot-*.service; do
      instance=$(echo "$unit" | sed s/@[.]/@${BOARD}./)
      echo "$unit $(systemd-analyze ${manager} security --no-pager "$instance" | grep -o ': [0-9.]* [A-Z]' | tr -dc 0-9.)"
    done`;
  const system = await machine.root(exposures('--system', '/usr/lib/systemd/system'));
  const { stdout: user } = await machine.account(BOARD, exposures('--user', '/usr/lib/systemd/user'));
  const seen = system + user.replaceAll(/^/gm, 'user/').replace(/user\/$/, '');
  const known = fs.readFileSync(path.join(import.meta.dirname, 'exposure.txt'), 'utf8');
  const sorted = (text: string) => text.match(/^[^#\n].*/gm)?.sort();
  expect(sorted(seen)).toEqual(sorted(known));
  expect(Number(/novaboot-tftpd\.service (.*)/.exec(seen)?.[1])).toBeLessThanOrEqual(4);
});

describe('removal', () => {
  const b2 = async (script: string) => (await machine.account('b2', script)).stdout;
  const homes = () => machine.root('stat -c "%n %U" /home/*/kept; grep -c . /home/*/.ssh/authorized_keys');

  test('of a board leaves what its users have made', async () => {
    await machine.account(BOARD, 'echo data >kept');
    // The last session may still be ending.
    await machine.until(
      `flock -n /home/${BOARD} true && ! loginctl show-user -p State ${BOARD} | grep -q active`,
    );
    const uid = (await machine.root(`id -u ${BOARD}`)).trim();
    const { stderr, exitCode } = await machine.admin('remove-board', BOARD);
    expect({ stderr, exitCode }).toEqual({
      stderr: expect.stringContaining(
        `to have the board again, say: chown ${uid} /home/${BOARD} /srv/tftp/${BOARD}; \
novaboot-admin add-board ${BOARD} --uid ${uid} --address 127.0.0.1 --nfs 127.0.0.1\n`,
      ),
      exitCode: 0,
    });
    expect((await machine.run(`getent passwd ${BOARD}`)).exitCode).toBe(2);
    expect(await machine.root(`cat /home/${BOARD}/kept; stat -c %U /home/${BOARD}`)).toBe('data\nroot\n');
    expect(await machine.root(`cat /srv/tftp/${BOARD}/Image`)).toBe('kernel\n');
    expect((await outside('curl', '-sS', '-m', '20', 'tftp://127.0.0.1/Image')).exitCode).not.toBe(0);
    expect((await machine.run('pgrep -f [n]fsroot/alice/root')).stdout).toBe('');
  });

  test('of the package says who is locked out, and purging it leaves their files', async () => {
    const addBoard = ['add-board', 'b2', '--key', machine.key('alice'), '--admin-id', 'alice'];
    // With the uid of the removed one it would wait until systemd-logind has forgotten that.
    const words = [...addBoard, '--nfs', '127.0.0.1', '--power-off', '--uid', '2000', ...CONFIG];
    expect(await machine.admin(...words)).toMatchObject({ exitCode: 0 });
    await machine.account('b2', 'echo data >kept');
    expect((await machine.ssh('alice', 'b2', 'get-config')).stdout).toContain('--nfsroot=');
    const before = await homes();
    await machine.root('systemctl start novaboot-power-off@b2.timer');
    const { stderr, exitCode } = await machine.run('dpkg --force-unsafe-io -r novaboot-server');
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/log in[^\n]* b2$/m);
    expect(stderr).toMatch(/^novaboot-server: the automatic power-off does not come [^\n]*: b2$/m);
    expect(
      await machine.root(
        'ls -l /proc/[0-9]*/exe 2>/dev/null | grep /novaboot || true; ls -d /usr/lib/novaboot-server 2>&1 || true',
      ),
    ).toMatch(/^ls: [^\n]*: No such file or directory\n$/);
    expect((await machine.ssh('alice', 'b2', 'help')).exitCode).not.toBe(0);
    expect(await machine.run('dpkg --force-unsafe-io -P novaboot-server')).toMatchObject({ exitCode: 0 });
    expect(await homes()).toBe(before);
    expect(
      await machine.root('cat /srv/tftp/b1/Image; ls -d /srv/tftp/b2 /etc/sudoers.d/* /etc/shells'),
    ).toBe('kernel\n/etc/shells\n/etc/sudoers.d/README\n/srv/tftp/b2\n');
    expect(await machine.root('grep -c novaboot /etc/shells || true')).toBe('0\n');
  });

  test('a new installation takes the TFTP port from no other program', async () => {
    await machine.root(`systemd-run -q --unit=other $(command -v perl) -MIO::Socket::INET -e '
      $s = IO::Socket::INET->new(Proto => "udp", LocalPort => 69) or die $!; sleep'`);
    await machine.until('grep -q ":0045 " /proc/net/udp');
    const { stderr, exitCode } = await machine.install();
    expect({ stderr, exitCode }).toMatchObject({ exitCode: 0 });
    expect(stderr).toMatch(/^novaboot-server: another program has the UDP port 69/m);
    expect((await machine.run('systemctl is-enabled novaboot-tftpd.socket')).stdout).toBe('disabled\n');
    await machine.root('systemctl stop other');
  });

  test('of neither is for ever: what boards have enabled runs again, without a login', async () => {
    const unit = 'novaboot-sessions@2000.path';
    await machine.until(
      `systemctl -q is-active ${unit} && systemctl -q is-active novaboot-power-off@b2.timer`,
    );
    await machine.root(`systemctl stop ${unit}`);
    const told = await machine.admin('doctor', 'b2');
    const fix = `systemctl start ${unit}`;
    expect(told).toMatchObject({ stdout: expect.stringContaining(fix), exitCode: 1 });
    await machine.root(fix);
    expect((await machine.admin('doctor', 'b2')).stdout).not.toContain(unit);
    const port = await b2('cat .cache/unfsd/alice.ports');
    expect(await b2(`systemctl --user is-active ${NFSD}.socket`)).toBe('active\n');
    expect(await list(/NFS_TCP=(\d+)/.exec(port)?.[1], 'b2')).toMatchObject({ stderr: '', exitCode: 0 });
  });

  test('an upgrade stops nothing, and starts nothing that somebody has stopped', async () => {
    const ports = '/home/b2/.cache/unfsd/alice.ports';
    const due = () =>
      machine.root('systemctl show -P ActiveEnterTimestampMonotonic novaboot-power-off@b2.timer');
    const before = await due();
    expect(await machine.account('b2', `systemctl --user stop ${NFSD}.socket`)).toEqual(good());
    // It is there as long as the socket is.
    expect(await machine.root(`ls ${ports} 2>&1 || true`)).toContain('No such file');
    expect(await machine.install()).toMatchObject({ exitCode: 0 });
    expect(await machine.root(`ls ${ports} 2>&1 || true`)).toContain('No such file');
    expect(await due()).toBe(before);
  });

  test('after it the board is as before', async () => {
    expect((await machine.ssh('alice', 'b2', 'get-config')).stdout).toContain('--nfsroot=');
    expect(await machine.root('systemctl is-active novaboot-tftpd.socket')).toBe('active\n');
  });

  test('nor does it end the NFS server of a board without a user manager: it says so', async () => {
    await machine.account(
      'b2',
      `mkdir -p nfsroot/bob/root; exec /usr/lib/novaboot-server/novaboot-nfsd --allow 127.0.0.1 --base "$PWD/nfsroot/bob" \
        --port 27999 --port-file "$PWD/bob.ports" --log "$PWD/bob.log" "$PWD/nfsroot/bob/root"`,
    );
    const { stderr, exitCode } = await machine.install();
    await machine.root('pkill -u b2 -f [b]ob.ports');
    expect({ stderr, exitCode }).toEqual({
      stderr: expect.stringMatching(
        /^novaboot-server: NFS servers of b2 run on with the program of before; .*: ssh b2@HOST nfs restart\n$/,
      ),
      exitCode: 0,
    });
  });
});
