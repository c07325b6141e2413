/** A lab file that becomes boards, and boards of the original that become ours, on an installed host. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { STOP_MS } from '../support/container.ts';
import { PACKAGE_MS } from '../support/package-file.ts';
import { BOOT_MS, bootPackageMachine, type PackageMachine } from '../support/package-machine.ts';

vi.setConfig({ testTimeout: 90_000 });

const LAB = '/etc/novaboot/lab.yaml';
const CONFIG = '/home/rpi4/.novaboot-shell';
const IDENTITY = '/etc/novaboot/tftpd.conf.d/rpi4.conf';

let machine: PackageMachine;
beforeAll(async () => {
  machine = await bootPackageMachine();
}, BOOT_MS + PACKAGE_MS);
afterAll(() => machine?.stop(), STOP_MS);

const quoted = (...lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');

/** Writes the file, and makes the boards so. */
async function apply(boards: string, ...words: readonly string[]) {
  const users = (['alice', 'bob'] as const).map((user) => `  ${user}: [${machine.publicKey(user).trim()}]\n`);
  await machine.write(LAB, `users:\n${users.join('')}boards:\n${boards}`, '600');
  return await machine.admin('apply', ...words);
}

/**
 * All that the host knows of boards, by the lines of what it consists of. Directories have no times in it: what is made
 * and taken back changes them.
 */
function state(): Promise<string> {
  return machine.root(`getent passwd; getent group; cd /
    find home srv etc/novaboot -type d -printf '%p %M %u %g\\n' -o ! -name lab.yaml -printf '%p %M %u %g %s %i %T@\\n'
    cat etc/novaboot/tftpd.conf.d/*.conf || :`);
}

describe('a lab file', () => {
  const RPI4 = `  rpi4:
    addresses: [10.0.0.20]
    serials: [00001234]
    admins: [alice]
    users: [bob]
    power_off: yes
    nfs: {allowed_clients: 127.0.0.1, server_addr: 127.0.0.1}
    config:
      console_cmd: cat
      on_cmd: 'true'
      off_cmd: 'true'
      target_config: |
        --uboot==>
        --prefix=/x/
`;
  const IMX8 = '  imx8: {users: [bob]}\n';

  it('is only told about with --dry-run', async () => {
    // Both boards need it.
    await machine.root('rmdir /srv/tftp');
    const before = await state();
    const { stdout, stderr, exitCode } = await apply(RPI4 + IMX8, '--dry-run');
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    for (const line of [
      '+ account rpi4, group novaboot, home /home/rpi4, login shell /usr/bin/novaboot-shell',
      '+ account imx8, group novaboot, home /home/imx8, login shell /usr/bin/novaboot-shell',
      `+ ${CONFIG}`,
      '  + console_cmd=cat',
      `+ ${IDENTITY}`,
      '  + address=10.0.0.20',
      '  + serial=00001234',
    ]) {
      expect(stdout.split('\n')).toContain(line);
    }
    expect(stdout).toMatch(/^ {2}\+ alice \(admin\) ssh-ed25519 SHA256:\S+/m);
    expect(stdout.match(/^\+ directory \/srv\/tftp$/gm)).toHaveLength(1);
    expect(await state()).toBe(before);
  });

  it('is what the boards are then, and once', async () => {
    const dry = await apply(RPI4 + IMX8, '--dry-run');
    const made = await apply(RPI4 + IMX8);
    expect(made).toEqual(dry);
    expect(await machine.ssh('bob', 'imx8', 'get-config')).toMatchObject({ exitCode: 0, stdout: '' });
    const { stdout } = await machine.ssh('alice', 'rpi4', 'get-config');
    expect(stdout).toMatch(
      /^--uboot==>\n--prefix=\/x\/\n--nfsroot=127\.0\.0\.1:\/home\/rpi4\/nfsroot\/alice\/root\n--nfsopts=/,
    );
    expect((await machine.ssh('alice', 'imx8', 'get-config')).exitCode).toBe(255);
    expect(await machine.run('novaboot-tftpd --check && novaboot-admin check')).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    const before = await state();
    expect(await apply(RPI4 + IMX8)).toEqual({ stdout: 'Nothing to change\n', stderr: '', exitCode: 0 });
    expect(await state()).toBe(before);
  });

  it('changes what differs, users who are gone included', async () => {
    const { stdout, exitCode } = await apply(
      RPI4.replace('10.0.0.20', '10.0.0.21').replace('users: [bob]', 'users: []').replace('/x/', '/y/') +
        '  imx8: {users: [bob], addresses: [10.0.0.20]}\n',
    );
    expect(exitCode).toBe(0);
    expect(stdout.replace(/ssh-ed25519 .*/g, 'KEY')).toBe(
      quoted(
        `~ ${CONFIG}`,
        '  - --prefix=/x/',
        '  + --prefix=/y/',
        '~ /home/rpi4/.ssh/authorized_keys',
        '  - bob KEY',
        `~ ${IDENTITY}`,
        '  - address=10.0.0.20',
        '  + address=10.0.0.21',
        '+ /etc/novaboot/tftpd.conf.d/imx8.conf',
        '  + [board imx8]',
        '  + address=10.0.0.20',
      ),
    );
    expect((await machine.ssh('bob', 'rpi4', 'get-config')).exitCode).toBe(255);
  });

  it('that is wrong changes nothing', async () => {
    const before = await state();
    const wrong = await apply(
      `${RPI4.replace('rpi4', 'other').replace('cat', '')}  x: {user: [bob]}\n  y: {users: [carol]}\n`,
    );
    expect(wrong.stdout).toBe('');
    expect(wrong.stderr).toMatch(
      /^novaboot-admin: \/etc\/novaboot\/lab\.yaml:19:7: boards\.x\.user: unknown setting.*\n$/,
    );
    expect(wrong.exitCode).toBe(78);
    const check = await machine.admin('check');
    expect(check).toMatchObject({
      exitCode: 78,
      stdout: '',
      stderr: expect.stringContaining(`${LAB}:19:7: `),
    });
    await machine.root('useradd --create-home --shell /bin/sh person');
    const person = await apply(`${RPI4}  new: {}\n  person: {}\n`);
    expect(person).toMatchObject({ exitCode: 1, stdout: '' });
    expect(person.stderr).toMatch(/^novaboot-admin: The account person has the login shell \/bin\/sh, .*\n$/);
    await machine.root('userdel --remove person');
    expect(await state()).toBe(before);
  });

  it('that cannot be carried out to its end is taken back', async () => {
    const before = await state();
    await machine.root('mount --bind -o ro /etc/novaboot/tftpd.conf.d /etc/novaboot/tftpd.conf.d');
    const { stderr, exitCode } = await apply(
      `${RPI4.replace('10.0.0.20', '10.0.0.21').replace('/x/', '/z/')}  new: {users: [bob], addresses: [10.0.0.30]}\n`,
    );
    await machine.root('umount /etc/novaboot/tftpd.conf.d');
    expect({ stderr, exitCode }).toEqual({
      stderr: expect.stringMatching(
        /^novaboot-admin: .*: the file system is read-only; nothing was changed\n$/,
      ),
      exitCode: 1,
    });
    // What was changed and changed back is another file, and a later one.
    const lines = (text: string) => text.replace(/ \d+ \d+\.\d+$/gm, '');
    expect(lines(await state())).toBe(lines(before));
    expect(await machine.root(`cat ${CONFIG}; ls /home /srv/tftp`)).toMatch(
      /--prefix=\/y\/\n(.*\n)*\/home:\nimx8\nrpi4\n\n\/srv\/tftp:\nimx8\nrpi4\n$/,
    );
  });

  it('leaves alone what was changed by hand, and does the rest', async () => {
    await machine.root(`echo '# by hand' >>${CONFIG}`);
    const { stdout, stderr, exitCode } = await apply(`${RPI4.replace('10.0.0.20', '10.0.0.22')}`);
    expect(stdout).toContain(`~ ${IDENTITY}\n  - address=10.0.0.21\n  + address=10.0.0.22\n`);
    expect(stderr).toContain(
      `novaboot-admin: conflict: ${CONFIG} was written by hand and says something else`,
    );
    expect(stderr).toContain(
      'novaboot-admin: not in the file, and left alone: imx8 (--prune removes boards)\n',
    );
    expect(exitCode).toBe(1);
    expect(await machine.root(`cat ${CONFIG}`)).toContain('--prefix=/y/\n');
    await machine.root(`rm ${CONFIG}`);
    expect(await apply(`${RPI4.replace('10.0.0.20', '10.0.0.22')}${IMX8}`)).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    expect(await machine.root(`cat ${CONFIG}`)).toContain('--prefix=/x/\n');
  });

  it('says what was done when --prune fails after the first board, and completes it when said again', async () => {
    await machine.root(`for name in p1 p2; do novaboot-admin add-board $name --key /root/keys/alice.pub; done
      mount --bind -o ro /srv/tftp/p2 /srv/tftp/p2`);
    const { stdout, stderr, exitCode } = await apply(
      `${RPI4.replace('10.0.0.20', '10.0.0.22')}${IMX8}`,
      '--prune',
    );
    await machine.root('umount /srv/tftp/p2');
    const listed = stdout.trim().split('\n');
    expect({ stderr, exitCode }).toEqual({
      stderr: `novaboot-admin: /srv/tftp/p2 stays, for root alone: the file system is read-only; \
not undone: sessions and servers of p2; what is listed was done, and stays (changes: ${listed.length}); \
say this again to complete it\n`,
      exitCode: 1,
    });
    expect(listed).toContain('- account p1');
    expect(stdout).not.toContain('p2');
    expect(await machine.root('getent passwd p1 || echo gone; stat -c %U /home/p1 /srv/tftp/p1')).toBe(
      'gone\nroot\nroot\n',
    );
    expect((await machine.ssh('alice', 'p2', 'version')).exitCode).toBe(0);
    await machine.until('novaboot-admin apply --prune');
    expect(await machine.run('getent passwd p2')).toMatchObject({ stdout: '' });
  });

  it('has boards that it lacks removed with --prune, once nobody uses them', async () => {
    await machine.root('novaboot-admin add-board busy --key /root/keys/alice.pub --console-cmd cat');
    const session = machine.spawnSsh('alice', 'busy', 'console');
    await session.waitForOutput(/Connected/, { milliseconds: 60_000 });
    const refused = await apply(RPI4, '--prune');
    expect(refused).toMatchObject({ exitCode: 75, stdout: '' });
    expect(refused.stderr).toContain('busy is in use by admin');
    expect(await machine.root('getent passwd imx8')).toContain('novaboot-shell');
    session.kill('SIGTERM');
    await session.exited;
    await machine.until('novaboot-admin apply --prune');
    expect(await machine.run('getent passwd busy imx8')).toMatchObject({ stdout: '' });
    expect(await machine.root('ls /home /etc/novaboot/tftpd.conf.d')).toContain('tftpd.conf.d:\nrpi4.conf\n');
    expect(await apply(RPI4)).toMatchObject({ exitCode: 0 });
  });
});

describe('a board of the original', () => {
  const SHELL = '/usr/local/bin/novaboot-shell';
  const CONFIGURATION = `#!/bin/sh
my_console() {
    echo "this is $1, $NB_USER"
}
console_cmd='my_console "the board"'
reset_cmd="no-such-relay \\"a   b\\""
default_cmd='run_novaboot ./default_boot-"$NB_USER" --interactive'
target_config="\\
--uboot==>
--uboot-init=setenv serverip 192.168.1.1; setenv ipaddr 192.168.1.10
"
`;

  beforeAll(async () => {
    // It takes the lock of the board as the original does.
    await machine.write(
      SHELL,
      '#!/bin/sh\nexec flock --no-fork "$HOME" sh -c \'echo Connected; exec cat >/dev/null\'\n',
      '755',
    );
    await machine.write('/tmp/configuration', CONFIGURATION);
    await machine.root(`adduser --quiet --disabled-password --gecos '' --ingroup novaboot --shell ${SHELL} old
      cd /home/old
      mkdir -m 700 .ssh
      echo "command=\\"user alice admin\\" $(cat /root/keys/alice.pub)" >>.ssh/authorized_keys
      echo "command=\\"user bob\\" $(cat /root/keys/bob.pub)" >>.ssh/authorized_keys
      cat /root/keys/carol.pub >>.ssh/authorized_keys
      cp /tmp/configuration .novaboot-shell
      echo 1234 >ppid
      mkdir -p /srv/tftp/old
      echo kernel >/srv/tftp/old/Image
      ln -s /srv/tftp/old tftproot
      chown old /srv/tftp/old
      chown -R old: .ssh .novaboot-shell
      mkdir -p /etc/systemd/system/novaboot-power-off@old.timer.d
      printf '[Timer]\\nOnActiveSec=30min\\n' >/etc/systemd/system/novaboot-power-off@old.timer.d/override.conf
      echo '%novaboot ALL = NOPASSWD: /usr/local/sbin/novaboot-power' >/etc/sudoers.d/novaboot`);
  });

  const files = () =>
    machine.root(
      `cd /home/old; find . -printf '%p %M %u %g %s %i %T@ %l\\n'; find . -type f -exec sha256sum {} +`,
    );

  it('is no board of ours, and says what would differ', async () => {
    const refused = await machine.admin('add-board', 'old');
    expect(refused).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('novaboot-admin import old'),
    });
    const before = await files();
    const { stdout, exitCode } = await machine.admin('import', '--dry-run', 'old');
    for (const what of [
      /^ERROR: old: reset_cmd needs the program no-such-relay, which is not there$/m,
      /^warning: old: authorized_keys, lines 1 \(alice\), 2 \(bob\), 3: no restrict$/m,
      /^warning: old: authorized_keys, line 3: no command="user NAME"$/m,
      /^warning: old: .*override\.conf sets OnActiveSec=30min without/m,
      /^warning: host: \/etc\/sudoers\.d\/novaboot lets boards run \/usr\/local\/sbin\/novaboot-power/m,
      /^warning: old: the TFTP server does not know the board$/m,
      /^ok: old: ~\/ppid is of a session of the original/m,
      /^~ account old, login shell \/usr\/bin\/novaboot-shell instead of \/usr\/local\/bin\/novaboot-shell\n$/m,
    ]) {
      expect(stdout).toMatch(what);
    }
    expect(exitCode).toBe(1);
    expect(await machine.root('getent passwd old')).toContain(`:${SHELL}\n`);
    expect(await files()).toBe(before);
  });

  it('becomes one by its login shell, while sessions of the original go on and exclude ours', async () => {
    const before = await files();
    const session = machine.spawnSsh('bob', 'old', 'console');
    await session.waitForOutput(/Connected/, { milliseconds: 60_000 });
    const { stdout, exitCode } = await machine.admin('import', 'old');
    expect(stdout).toMatch(/\nTo go back: usermod --shell \/usr\/local\/bin\/novaboot-shell old\n$/);
    expect(exitCode).toBe(0);
    expect(await files()).toBe(before);
    expect(await machine.ssh('alice', 'old', 'get-config')).toMatchObject({
      stdout: '--uboot==>\n--uboot-init=setenv serverip 192.168.1.1; setenv ipaddr 192.168.1.10\n',
      exitCode: 0,
    });
    expect((await machine.ssh('alice', 'old', 'reset --no-wait')).exitCode).toBe(75);
    session.kill('SIGTERM');
    await session.exited;
    const console = await machine.ssh('alice', 'old', 'console');
    expect(console.stdout).toBe('novaboot-shell: Connected\nthis is the board, alice\n');
    expect((await machine.ssh('alice', 'old', 'reset')).stderr).toContain('no-such-relay');
    expect((await machine.admin('import', 'old')).stdout).toMatch(/\n\nNothing to change\n$/);
  });

  it('goes back as it came', async () => {
    await machine.root('usermod --shell /usr/local/bin/novaboot-shell old');
    const session = machine.spawnSsh('bob', 'old', 'console');
    await session.waitForOutput(/Connected/, { milliseconds: 60_000 });
    session.kill('SIGTERM');
    await session.exited;
  });

  it('is nothing else', async () => {
    for (const [name, why] of [
      ['root', /root has the login shell/],
      ['nobody', /nobody has the login shell .*, which is not novaboot-shell/],
      ['nix', /There is no account nix/],
    ] as const) {
      expect(await machine.admin('import', name)).toMatchObject({
        stdout: '',
        stderr: expect.stringMatching(why),
        exitCode: 1,
      });
    }
  });
});
