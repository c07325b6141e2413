/** What the client can plant in the environment, and what a board's program finds in its process. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/ssh-session.ts';
import { type Lab, startLab } from '../support/sshd.ts';

let lab: Lab;
/** The same sshd with a plain /bin/sh as the login shell, to compare with. */
let plain: Lab;

const OPEN_SSHD = 'AcceptEnv *\nPermitUserEnvironment yes\n';
/** A soft limit that Node would raise. */
const SETUP = 'ulimit -S -n 1000\n';

beforeAll(async () => {
  [lab, plain] = await Promise.all([
    startLab({ sshdConfig: OPEN_SSHD, setup: SETUP }),
    startLab({ sshdConfig: OPEN_SSHD, setup: SETUP, shell: '/bin/sh' }),
  ]);
});
afterEach(async () => {
  await lab.clean();
  await lab.sh('rm -rf .ssh/environment planted*');
});
afterAll(async () => {
  await lab?.stop();
  await plain?.stop();
});

const PLANTED: Readonly<Record<string, string>> = {
  ENV: 'HOME/planted.sh',
  BASH_ENV: 'HOME/planted.sh',
  NODE_OPTIONS: '--require=HOME/planted.cjs',
  NODE_PATH: 'HOME',
  NODE_EXTRA_CA_CERTS: 'HOME/planted.sh',
  NODE_REPL_EXTERNAL_MODULE: 'HOME/planted.cjs',
  NODE_COMPILE_CACHE: 'HOME/planted-cache',
  NODE_V8_COVERAGE: 'HOME/planted-coverage',
  NODE_DEBUG: 'fs,module',
  LD_LIBRARY_PATH: 'HOME',
  LD_BIND_NOW: '1',
  GCONV_PATH: 'HOME',
  NOVABOOT_ID: 'mallory 2020-01-01_00:00:00 nowhere',
  NOVABOOT_PPID: '1',
  NOVABOOT_NOFILE: '20',
  NB_USER: 'mallory',
  NB_ADMIN: '1',
  PATH: 'HOME/planted-bin:/usr/bin:/bin',
  IFS: 'e',
  PS4: 'planted',
  console_cmd: 'echo planted',
  target_config: '--planted',
  RSYNC_RSH: 'planted',
  LC_PLANTED: '$(touch planted)',
  FOO: 'planted',
};

/** @param way how the variables get to the account's login shell */
async function plant(way: 'client' | 'file') {
  await lab.sh(`
    echo 'touch ~/planted-by-shell' >planted.sh
    echo 'require("fs").writeFileSync(process.env.HOME + "/planted-by-node", "")' >planted.cjs
    mkdir -p planted-bin
    for name in env node sh id date setpriv; do
      printf '#!/bin/sh\\ntouch ~/planted-by-path\\n' >planted-bin/$name
      chmod 755 planted-bin/$name
    done`);
  const entries = Object.entries(PLANTED).map(([name, value]) => [name, value.replaceAll('HOME', lab.home)]);
  if (way === 'file') {
    await lab.writeConfig(entries.map(([name, value]) => `${name}=${value}\n`).join(''), '.ssh/environment');
    return {};
  }
  // The client's own PATH stays: SetEnv wins over what it would send.
  const options = entries.map(([name, value]) => `-oSetEnv=${name}="${value}"`);
  return { options: [`-oSetEnv=${options.map((option) => option.slice(9)).join(' ')}`] };
}

async function plantedFiles(): Promise<string> {
  return await lab.sh(
    'ls -d planted-by-shell planted-by-node planted-by-path planted-cache planted-coverage planted 2>/dev/null || true',
  );
}

describe.each(['client', 'file'] as const)('planted by the %s', (way) => {
  test.each(['console', 'reset'])('nothing reaches the program that %s runs', async (name) => {
    await lab.writeConfig("console_cmd=env\nreset_cmd=env\ntarget_config='--x'\n");
    const options = await plant(way);
    const { stdout, stderr, exitCode } = await lab.ssh('bob', [name], options);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(stdout).not.toMatch(/planted|mallory/i);
    const names = stdout.split('\n').map((line) => line.split('=')[0]);
    const kept = ['PATH', 'NB_USER', 'NOVABOOT_ID', 'NOVABOOT_PPID'];
    expect(names.filter((variable) => variable !== undefined && variable in PLANTED).sort()).toEqual(
      kept.sort(),
    );
    expect(stdout).toMatch(
      /^PATH=\/usr\/local\/sbin:\/usr\/local\/bin:\/usr\/sbin:\/usr\/bin:\/sbin:\/bin$/m,
    );
    expect(stdout).toMatch(/^NB_USER=bob$/m);
    expect(stdout).toMatch(/^NOVABOOT_ID=bob \d{4}-/m);
    expect(stdout).toMatch(new RegExp(`^HOME=${lab.home}$`, 'm'));
    expect(await plantedFiles()).toBe('');
  });

  test('no command is led astray', async () => {
    await lab.writeConfig('value=$(id -un)\nconsole_cmd=\'echo board\'\ntarget_config="--prefix=$value"\n');
    const options = await plant(way);
    expect(await lab.ssh('bob', ['get-config'], options)).toEqual({
      stdout: '--prefix=board\n',
      stderr: '',
      exitCode: 0,
    });
    expect((await lab.ssh('bob', ['console'], options)).stdout).toBe('novaboot-shell: Connected\nboard\n');
    expect((await lab.ssh('bob', ['status', '--json'], options)).exitCode).toBe(0);
    expect((await lab.ssh('bob', ['help'], options)).stdout).not.toMatch(/add-key/);
    expect((await lab.ssh('bob', ['add-key', 'eve'], options)).stderr).toMatch(/Command not allowed/);
    expect(await plantedFiles()).toBe('');
  });
});

test('a login without forced command has no NB_USER', async () => {
  await lab.writeConfig(`reset_cmd='echo \${NB_USER-none} \${NB_ADMIN-none}'\n`);
  const options = await plant('client');
  expect((await lab.ssh('guest', ['reset'], options)).stdout).toBe('none none\n');
});

test('what tells others who waits is ours, not the client’s', async () => {
  await lab.writeConfig("console_cmd='echo UP; exec cat'\nreset_cmd=true\n");
  const { options } = { options: [], ...(await plant('client')) };
  const session = lab.spawnSsh('bob', ['console'], { tty: true, options });
  await session.waitForOutput(/UP/);
  const { stdout } = await lab.ssh('alice', ['--no-wait', 'reset']);
  expect(stdout).toMatch(/^\d+ +bob /m);
  expect(stdout).not.toMatch(/mallory/);
});

test('LANG, LC_* and TERM pass where they have the form of such', async () => {
  await lab.writeConfig('reset_cmd=env\n');
  const good = { LANG: 'cs_CZ.UTF-8', LC_TIME: 'C', TERM: 'xterm-256color' };
  const options = [
    `-oSetEnv=${Object.entries(good)
      .map((pair) => pair.join('='))
      .join(' ')}`,
  ];
  const { stdout } = await lab.ssh('bob', ['reset'], { options });
  expect(stdout).toMatch(/^LANG=cs_CZ.UTF-8$/m);
  expect(stdout).toMatch(/^LC_TIME=C$/m);
  const bad = ['-oSetEnv=LANG=$(id) LC_TIME=../../x TERM=/etc/passwd'];
  expect((await lab.ssh('bob', ['reset'], { options: bad })).stdout).not.toMatch(/^(LANG|LC_TIME|TERM)=/m);
});

test('NOVABOOT_SHELL_CONFIG counts for the administrator’s files only', async () => {
  await lab.writeConfig("reset_cmd='echo ours'\n");
  const evil = "reset_cmd='echo evil'\n";
  await lab.writeConfig(evil, 'tftproot/config');
  await lab.root(
    `printf %s "${evil}" >/tmp/foreign; chown 1:1 /tmp/foreign; printf %s "${evil}" >/run/board`,
  );
  await lab.root(`ln -sf ${lab.home}/tftproot/config /run/link`);
  for (const file of [`${lab.home}/tftproot/config`, '/tmp/foreign', '/run/link', '/no/such/file']) {
    const options = [`-oSetEnv=NOVABOOT_SHELL_CONFIG=${file}`];
    expect((await lab.ssh('bob', ['reset'], { options })).stdout).toBe('ours\n');
  }
  const options = ['-oSetEnv=NOVABOOT_SHELL_CONFIG=/run/board'];
  expect((await lab.ssh('bob', ['reset'], { options })).stdout).toBe('evil\n');
});

describe('the process of a program', () => {
  // grep, cat and ls look at themselves: what they have they inherited.
  const PROBE = `grep -E "^(Sig(Ign|Blk)|Umask|Cap|NoNewPrivs|Seccomp):" /proc/self/status
cat /proc/self/limits /proc/self/oom_score_adj
for fd in 0 1 2; do grep flags: /proc/self/fdinfo/$fd; done
ls /proc/self/fd
cut -d" " -f18,19,41 /proc/self/stat
pwd | sed "s:.*/home$:HOME:"`;

  /** Without line ends of terminals, and without O_LARGEFILE, which a terminal opened anew by libuv has. */
  function comparable(output: string): string {
    return output
      .replaceAll('\r', '')
      .replace('novaboot-shell: Connected\n', '')
      .replaceAll('flags:\t0100002\n', 'flags:\t02\n');
  }

  test.each([
    ['console', false],
    ['console', true],
    ['reset', false],
    ['reset', true],
  ])('%s (terminal: %s) is that of a plain login shell', async (name, tty) => {
    await plain.writeConfig(PROBE, 'probe');
    await lab.writeConfig(PROBE, 'probe');
    await lab.writeConfig("console_cmd='. ./probe'\nreset_cmd='. ./probe'\n");
    const expected = await plain.ssh('guest', ['. ./probe'], { tty, input: '' });
    const { stdout } = await lab.ssh('bob', [name], { tty, input: '' });
    expect(expected.stdout).toMatch(/Max open files\s+1000\s/);
    expect(comparable(stdout)).toBe(comparable(expected.stdout));
  });

  test('is that of a plain login shell also beside the console', async () => {
    await plain.writeConfig(PROBE, 'probe');
    await lab.writeConfig(PROBE, 'probe');
    await lab.writeConfig("console_cmd='echo UP; exec cat'\nreset_cmd='. ./probe'\n");
    const controlPath = `${lab.directory}/probe`;
    const session = lab.spawnSsh('bob', ['console'], { tty: true, master: true, controlPath });
    await session.waitForOutput(/UP/);
    const expected = await plain.ssh('guest', ['. ./probe'], { tty: true });
    const { stdout } = await lab.ssh('bob', ['reset'], { tty: true, controlPath });
    expect(comparable(stdout)).toBe(comparable(expected.stdout));
  });

  test('has no descriptor of the lock', async () => {
    await lab.writeConfig("console_cmd='echo UP; exec sleep 1000'\n");
    const session = lab.spawnSsh('bob', ['console'], { tty: true });
    await session.waitForOutput(/UP/);
    const board = () => lab.processes().find(({ command }) => command === 'sleep 1000');
    // UP comes before the exec.
    await eventually('the program', () => board() !== undefined);
    expect((await lab.root(`ls /proc/${board()?.pid}/fd`)).trim().split('\n')).toEqual(['0', '1', '2']);
  });
});
