/** What no client should send, and what no machine should be like: an error, and nothing changed. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/ssh-session.ts';
import { type Lab, type Result, startLab } from '../support/sshd.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await startLab();
});
beforeEach(() => lab.writeConfig("console_cmd='echo UP'\nreset_cmd='echo reset'\ntarget_config='--x'\n"));
afterEach(() => lab.clean());
afterAll(() => lab?.stop());

function expectError({ stdout, stderr, exitCode }: Result, status?: number): void {
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^novaboot-shell: [^\n]+\n$/);
  expect(exitCode).toBeGreaterThan(0);
  expect(exitCode).toBeLessThan(128);
  if (status !== undefined) expect(exitCode).toBe(status);
}

async function expectRefused(user: string, command: string, status?: number): Promise<string> {
  const before = await lab.snapshot();
  const result = await lab.ssh(user, [command]);
  expectError(result, status);
  expect(await lab.snapshot()).toBe(before);
  return result.stderr;
}

describe('long commands', () => {
  test.each(['bob', 'alice', 'guest'])('of 100 KB are refused (%s)', async (user) => {
    const long = 'x'.repeat(100_000);
    for (const command of [
      long,
      `reset ${long}`,
      `get-config ${long}`,
      'a '.repeat(50_000),
      `add-key ${long}`,
    ]) {
      const stderr = await expectRefused(user, command);
      expect(stderr.length).toBeLessThan(1000);
    }
  });

  test('of 1 MB do no harm', async () => {
    const before = await lab.snapshot();
    // More than sshd's packets and execve(2) take: it is sshd or the kernel that refuses.
    const words = Array.from({ length: 10 }, () => 'y'.repeat(100_000));
    for (const user of ['bob', 'guest']) {
      const { stdout, exitCode } = await lab.ssh(user, ['reset', ...words]);
      expect(stdout).toBe('');
      expect(exitCode).not.toBe(0);
    }
    expect(await lab.snapshot()).toBe(before);
    expect(await lab.ssh('bob', ['reset'])).toMatchObject({ stdout: 'reset\n', exitCode: 0 });
  });

  test('1 MB of arguments without sshd in between are refused', async () => {
    const words = Array.from({ length: 10 }, () => 'z'.repeat(100_000));
    expectError(await lab.runAs([lab.shell, ...words]), 77);
    expectError(await lab.runAs([lab.shell, '-c', 'user bob', ...words]), 77);
    expectError(await lab.runAs([lab.shell, '-c', words[0] ?? '']));
  });
});

describe('bytes', () => {
  const codes = [1, 7, 8, 10, 11, 12, 13, 27, 31, 127];

  test.each(codes)('control byte %d is refused everywhere', async (code) => {
    const byte = String.fromCharCode(code);
    for (const command of [`reset${byte}`, `${byte}reset`, `get-config ${byte}x`, `help${byte}id`, byte]) {
      const stderr = await expectRefused('bob', command);
      expect(stderr.trimEnd()).not.toMatch(/[\x00-\x1f\x7f]/);
    }
  });

  test('bytes that are not UTF-8, and C1 controls, are not shown', async () => {
    for (const command of ["$(printf '\\377')", 'frob\u009b31m', 'frob\u202etac']) {
      const stderr = await expectRefused('bob', command);
      expect(stderr).not.toMatch(/[\u0080-\u009f\u202e]/);
    }
    const raw = await lab.runAs(['sh', '-c', `exec "$0" -c "$(printf 'reset \\377\\376')"`, lab.shell]);
    expectError(raw);
  });

  test('a user name is not believed to be text for the terminal', async () => {
    for (const name of ['a\u001b[31m', 'a\nroot', 'a"b', 'x'.repeat(65), '../x', '', '-']) {
      const result = await lab.runAs([lab.shell, '-c', `user ${name}`], { SSH_ORIGINAL_COMMAND: 'reset' });
      if (name === 'a\nroot' || name === '' || result.exitCode !== 0) expectError(result);
      else throw new Error(`${JSON.stringify(name)} was let in`);
    }
  });
});

describe('shell metacharacters', () => {
  const canaries = [
    ';touch canary',
    '; touch canary',
    '&& touch canary',
    '|| touch canary',
    '| touch canary',
    '& touch canary &',
    '$(touch canary)',
    '`touch canary`',
    '>canary',
    '> canary',
    '<canary >canary',
    '"; touch canary; "',
    "'; touch canary; '",
    '\\"; touch canary #',
    '$' + '{IFS}touch' + '$' + '{IFS}canary',
    '{touch,canary}',
    '$((`touch canary`))',
    '# touch canary',
    '!touch canary',
    '* ? [a-z]*',
    '~root',
    '%s%n',
    '--eval=touch canary',
    '-c touch canary',
  ];

  test.each(canaries)('%s changes nothing', async (text) => {
    const before = await lab.snapshot();
    for (const command of [text, `reset ${text}`, `${text} reset`, `rsync ${text}`]) {
      expect((await lab.ssh('bob', [command])).exitCode).not.toBe(0);
    }
    const destination = `${text.replaceAll(' ', '$IFS')}/../x`;
    expect((await lab.ssh('bob', [`rsync --server -re.LsfxCIvu . ${destination}`])).exitCode).toBe(77);
    expectError(await lab.ssh('alice', [`add-key ${text}`]));
    expect(await lab.snapshot()).toBe(before);
  });

  test('are no part of a user’s name', async () => {
    for (const text of canaries) {
      const { exitCode } = await lab.runAs([lab.shell, '-c', `user ${text.replaceAll(' ', '')}`], {
        SSH_ORIGINAL_COMMAND: 'reset',
      });
      expect(exitCode).toBe(77);
    }
    expect(await lab.exists('canary')).toBe(false);
  });
});

describe('wrong arguments', () => {
  test.each([
    'reset now',
    'on off',
    'console x',
    'get-config x',
    'status x',
    'history --xml',
    '--wait',
    'user bob',
  ])('%s', async (command) => {
    await expectRefused('bob', command);
  });

  test('of the systemd units’ form, from a client', async () => {
    for (const words of ['-c on', '-- on', 'on -c']) {
      expect((await lab.ssh('bob', [words])).exitCode).not.toBe(0);
    }
  });
});

test('a file system that refuses flock is an error, not a free board', async () => {
  const strict = await startLab({
    programs: {
      'lockless-shell': `#!/bin/sh
exec strace -f -qq -o /dev/null -e trace=flock -e inject=flock:error=ENOLCK "${lab.shell}" "$@"
`,
      'lockless-test': '#!/bin/sh\ncommand -v strace || echo "install strace: sudo apt-get install strace"\n',
    },
    shell: '/usr/local/bin/lockless-shell',
  });
  try {
    expect(await strict.sh('/usr/local/bin/lockless-test')).toMatch(/^\//);
    await strict.writeConfig("console_cmd='touch acted'\nreset_cmd='touch acted'\ntarget_config='--x'\n");
    for (const words of [
      ['reset'],
      ['console'],
      ['--no-wait', 'reset'],
      ['rsync', '--server', '-r', '.', '.'],
    ]) {
      const result = await strict.ssh('bob', words);
      expectError(result, 1);
      expect(result.stderr).toMatch(/lock/i);
    }
    expect(await strict.exists('acted')).toBe(false);
    expect((await strict.ssh('bob', ['get-config'])).stdout).toBe('--x\n');
  } finally {
    await strict.stop();
  }
});

describe('without a home directory', () => {
  const FALLBACK = '/tmp/novaboot-shell@board';
  const environment = 'environment="NOVABOOT_SHELL_CONFIG=/run/board.conf"';
  let homeless: Lab;

  beforeAll(async () => {
    homeless = await startLab({
      keys: {
        alice: `${environment},command="user alice admin"`,
        bob: `${environment},command="user bob"`,
      },
      sshdConfig: 'AuthorizedKeysFile /run/keys\nPermitUserEnvironment yes\n',
      setup: `install -m 644 "$lab/authorized_keys" /run/keys
printf '%s\\n' "console_cmd='echo UP; exec cat'" "reset_cmd='echo reset'" "target_config='--x'" >/run/board.conf
mv "$home" "$home.gone"
`,
    });
  });
  afterEach(async () => {
    await homeless.clean();
    await homeless.root(`rm -rf "${FALLBACK}"`);
  });
  afterAll(() => homeless?.stop());

  /** sshd(8) says that it cannot change to the home directory. */
  const ours = (stderr: string) => stderr.replace(/^Could not chdir to home directory .*\r?\n/m, '');

  test('the board is locked in a directory of the account', async () => {
    const result = await homeless.ssh('bob', ['reset']);
    expect({ ...result, stderr: ours(result.stderr) }).toEqual({
      stdout: 'reset\n',
      stderr: '',
      exitCode: 0,
    });
    const stat = await homeless.root(`stat -c '%F %a %u' "${FALLBACK}"`);
    expect(stat).toBe(`directory 700 ${homeless.uid}\n`);
    const session = homeless.spawnSsh('alice', ['console'], { tty: true });
    await session.waitForOutput(/UP/);
    expect((await homeless.ssh('bob', ['--no-wait', 'reset'])).exitCode).toBe(75);
    const waiting = homeless.spawnSsh('bob', ['reset']);
    await waiting.waitForOutput(/^\d+ +alice /m);
    session.kill('SIGTERM');
    await waiting.waitForOutput(/^reset$/m);
  });

  test.each([
    ['somebody else’s directory', `mkdir -m 700 "${FALLBACK}"; chown 1:1 "${FALLBACK}"`],
    ['a directory open to others', `mkdir "${FALLBACK}"; chown UID "${FALLBACK}"; chmod 755 "${FALLBACK}"`],
    [
      'a symbolic link',
      `mkdir -m 700 /tmp/own; chown UID /tmp/own; ln -sfn /tmp/own "${FALLBACK}"; chown -h UID "${FALLBACK}"`,
    ],
    ['a file', `touch "${FALLBACK}"; chown UID "${FALLBACK}"; chmod 700 "${FALLBACK}"`],
  ])('%s in its place is refused', async (_, script) => {
    await homeless.root(script.replaceAll('UID', String(homeless.uid)));
    for (const words of [['reset'], ['console'], ['--no-wait', 'reset']]) {
      const result = await homeless.ssh('bob', words);
      expectError({ ...result, stderr: ours(result.stderr) });
    }
    await homeless.root('rm -rf /tmp/own');
  });

  test('nothing that needs it fails with more than a line', async () => {
    for (const words of [['add-key', 'eve'], ['list-keys'], ['rsync', '--server', '-r', '.', '.']]) {
      const result = await homeless.ssh('alice', words, { input: await lab.addIdentity(`x${words.length}`) });
      if (result.exitCode === 0) continue;
      expectError({ ...result, stderr: ours(result.stderr) });
    }
    expect(await homeless.root(`ls -A ${homeless.home} 2>/dev/null || true`)).toBe('');
  });
});

test('a board that floods a client that does not read ends with it', async () => {
  await lab.writeConfig("console_cmd='exec yes'\n");
  const session = lab.spawnSsh('bob', ['console'], { tty: true });
  await session.waitForOutput(/y\r\ny/);
  session.kill('SIGSTOP');
  session.kill('SIGKILL');
  await eventually('an end', () => lab.processes().length === 0);
});
