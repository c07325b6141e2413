/** Every way in which sshd, systemd and others call the login shell. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { type Lab, startLab } from '../support/sshd.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await startLab({
    keys: {
      alice: 'command="user alice admin"',
      bob: 'command="user bob"',
      guest: '',
      climber: 'command="user ../../x"',
      blank: 'command="user"',
      dashed: 'command="user -x"',
      fixed: 'command="get-config"',
    },
  });
});
afterEach(() => lab.clean());
afterAll(() => lab?.stop());

const CONFIG = `console_cmd='echo "console of \${NB_USER-nobody}"'
reset_cmd='echo reset'
on_cmd='echo on'
off_cmd='echo off'
target_config='--prefix=/board'
`;

test('help lists the commands of a user', async () => {
  const { stdout, stderr, exitCode } = await lab.ssh('bob', ['help']);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  expect(stdout).toMatch(/^Target commands:$/m);
  for (const name of ['console', 'reset', 'on', 'off', 'rsync', 'get-config', 'status', 'history']) {
    expect(stdout).toMatch(new RegExp(`^\\W*${name}\\b`, 'm'));
  }
  expect(stdout).not.toMatch(/add-key|list-keys|remove-key|^\W*shell\b/m);
});

test('help shows administrators theirs too', async () => {
  const { stdout } = await lab.ssh('alice', ['help']);
  for (const name of ['reset', 'add-key', 'list-keys', 'remove-key', 'shell']) {
    expect(stdout).toMatch(new RegExp(`^\\W*${name}\\b`, 'm'));
  }
  expect(stdout).not.toMatch(/.{81}/);
});

test('help needs no configuration and ignores further words', async () => {
  expect(await lab.ssh('bob', ['help', 'xxx'])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('Target commands:'),
  });
});

test('help tells about one command, if the user has it', async () => {
  const { stdout, stderr } = await lab.ssh('bob', ['help', 'root']);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^Usage: ssh BOARD root list \[--json\]\n {7}ssh BOARD root save NAME \[@N\]\n/);
  expect(stdout).toContain('    Keep a copy of the live root');
  expect((await lab.ssh('alice', ['help', 'add-key'])).stdout).toMatch(/^Usage: ssh BOARD add-key NAME/);
  const unknown = await lab.ssh('bob', ['help', 'add-key']);
  expect(unknown.stderr).toBe('novaboot-shell: There is no command add-key\n');
  expect(unknown.stdout).not.toContain('add-key');
});

test("completion prints a script for the account, with the user's commands", async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout, stderr, exitCode } = await lab.ssh('bob', ['completion', shell]);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(stdout).toMatch(/'board'.*'board@/);
    expect(stdout).not.toContain('add-key');
    expect((await lab.ssh('alice', ['completion', shell, 'lab-1'])).stdout).toContain('add-key');
  }
  for (const words of [[], ['csh'], ['bash', '$(id)'], ['bash', '-x'], ['zsh', "a'b"]]) {
    const { stdout, stderr, exitCode } = await lab.ssh('bob', ['completion', ...words]);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 64 });
    expect(stderr).toMatch(/^novaboot-shell: [^\n]+\n$/);
  }
});

test.each(['bob', 'alice', 'guest'])('an unknown command of %s is refused', async (user) => {
  const { stdout, stderr, exitCode } = await lab.ssh(user, ['frobnicate', 'now']);
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
  expect(stderr).toMatch(/^novaboot-shell: Command not allowed[^\n]*\n$/);
});

test('--version tells the version of the package', async () => {
  const { stdout, exitCode } = await lab.ssh('bob', ['--version']);
  expect({ stdout, exitCode }).toEqual({ stdout: `novaboot-shell ${packageJson.version}\n`, exitCode: 0 });
});

test.each([
  ['bob', 'bob'],
  ['alice', 'alice'],
  ['guest', 'nobody'],
])('without a command, %s gets the console', async (user, name) => {
  await lab.writeConfig(CONFIG.replace("on_cmd='echo on'\n", ''));
  const { stdout, exitCode } = await lab.ssh(user, []);
  expect(stdout).toBe(`novaboot-shell: Connected\nconsole of ${name}\n`);
  expect(exitCode).toBe(0);
});

test('without a command, default_cmd comes before console_cmd', async () => {
  await lab.writeConfig(`${CONFIG}default_cmd='echo default'\n`);
  expect((await lab.ssh('bob', [])).stdout).toMatch(/^default$/m);
  expect((await lab.ssh('bob', ['console'])).stdout).toMatch(/^console of bob$/m);
});

test('console powers the board on first', async () => {
  await lab.writeConfig(CONFIG);
  expect((await lab.ssh('bob', ['console'])).stdout).toMatch(
    /^novaboot-shell: Connected\non\nconsole of bob\n$/,
  );
});

test.each(['reset', 'on', 'off'])('%s runs with and without a forced command', async (name) => {
  await lab.writeConfig(CONFIG);
  const expected = { stdout: `${name}\n`, stderr: '', exitCode: 0 };
  expect(await lab.ssh('bob', [name])).toEqual(expected);
  expect(await lab.ssh('guest', [name])).toEqual(expected);
});

test('get-config prints target_config and nothing else', async () => {
  await lab.writeConfig(CONFIG);
  for (const user of ['bob', 'guest', 'fixed']) {
    const expected = { stdout: '--prefix=/board\n', stderr: '', exitCode: 0 };
    expect(await lab.ssh(user, user === 'fixed' ? [] : ['get-config'])).toEqual(expected);
  }
});

// Such a key may say "user NAME", as if it were a forced command: no command follows that.
test.each([['add-key eve'], ['user alice admin add-key eve'], ['shell'], ['user alice admin shell']])(
  'a key without forced command gives no right to administrate: %s',
  async (command) => {
    await lab.writeConfig(CONFIG);
    const before = await lab.snapshot();
    const key = await lab.addIdentity(`eve${command.length}`);
    const { stdout } = await lab.ssh('guest', [command], { input: key });
    expect(stdout).toMatch(/^(novaboot-shell: Connected\non\nconsole of \w+\n)?$/);
    expect(await lab.snapshot()).toBe(before);
  },
);

test.each(['climber', 'blank', 'dashed'])('a bad user name in the forced command (%s)', async (user) => {
  await lab.writeConfig(CONFIG);
  for (const words of [['reset'], ['get-config'], []]) {
    const { stdout, stderr, exitCode } = await lab.ssh(user, words);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 77 });
    expect(stderr).toMatch(/^novaboot-shell: [^\n]+\n$/);
  }
});

test.each([[['reset']], [['on']], [['user', 'alice', 'admin']], [['-x']], [['-c', 'reset', 'more']]])(
  'arguments without -c are refused: %j',
  async (words) => {
    await lab.writeConfig(CONFIG);
    const { stdout, stderr, exitCode } = await lab.runAs([lab.shell, ...words]);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 77 });
    expect(stderr).toMatch(/^novaboot-shell: [Pp]ermission denied[^\n]*\n$/);
  },
);

test('the shell of an administrator is interactive, and suggests ssh -t without a terminal', async () => {
  const { stdout, stderr, exitCode } = await lab.ssh('alice', ['shell'], {
    input: 'echo "in $((40 + 2))"\n',
  });
  expect(stdout + stderr).toMatch(/^novaboot-shell: .*ssh -t/m);
  expect(stdout).toMatch(/^in 42$/m);
  expect(exitCode).toBe(0);
  const session = lab.spawnSsh('alice', ['shell'], { tty: true });
  session.write('test -t 0 && echo "terminal $((40 + 2))"; exit 3\n');
  await session.waitForOutput(/terminal 42/);
  expect((await session.exited).exitCode).toBe(3);
  expect(session.stdout).not.toMatch(/ssh -t/);
});

test('blanks separate words, quotes and globs mean nothing', async () => {
  await lab.writeConfig(CONFIG);
  expect((await lab.ssh('bob', ["'  reset\t '"])).exitCode).toBe(1);
  expect(await lab.ssh('bob', ['  reset\t '])).toMatchObject({ stdout: 'reset\n', exitCode: 0 });
  expect((await lab.ssh('bob', ['"reset"'])).exitCode).toBe(1);
  expect((await lab.ssh('bob', ['r*'])).exitCode).toBe(1);
});
