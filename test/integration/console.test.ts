/** The built-in console over a real sshd: a serial line whose other end is the test's. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Session } from '../support/ssh-session.ts';
import { eventually } from '../support/ssh-session.ts';
import { type Lab, startLab } from '../support/sshd.ts';

const CONNECTED = /novaboot-shell: Connected\r?\n/;

let lab: Lab;
let board: Session;

beforeAll(async () => {
  lab = await startLab();
});
beforeEach(async () => {
  await lab.sh('rm -rf .local go powered switched');
  await lab.writeConfig(`console=serial:$HOME/ttyBOARD,115200n8
on_cmd='echo switching; touch powered'
reset_cmd='echo reset >>switched'
`);
  board = await plugIn();
});
afterEach(() => lab.clean());
afterAll(() => lab?.stop());

/** What the console sends is its output, what is written to it the board says. */
async function plugIn(): Promise<Session> {
  // The link of the one before it leads nowhere.
  await lab.sh('rm -f ttyBOARD');
  const plugged = lab.spawnAs(['socat', `PTY,link=${lab.home}/ttyBOARD,raw,echo=0`, 'STDIO']);
  await eventually(`the line; is socat installed? ${plugged.stderr}`, () => lab.exists('ttyBOARD'));
  return plugged;
}

async function isFree(): Promise<boolean> {
  return (await lab.lockHolders()).holders.length === 0;
}

async function connected(user: string, options: Parameters<Lab['spawnSsh']>[2] = {}): Promise<Session> {
  const session = lab.spawnSsh(user, ['console'], options);
  await session.waitForOutput(CONNECTED);
  return session;
}

/** Of the account, besides the board itself. */
function leftOvers(): string[] {
  return lab
    .processes()
    .map(({ command }) => command)
    .filter((command) => !command.includes('socat'));
}

test('the first bytes come through while the board is being powered on', async () => {
  await lab.writeConfig(`console=serial:$HOME/ttyBOARD,115200n8
on_cmd='echo switching; until [ -e go ]; do sleep 0.05; done; echo switched'
`);
  const alice = await connected('alice', { tty: true });
  await alice.waitForOutput(/switching\r\n/);
  board.write('U-Boot\r\n');
  await alice.waitForOutput(/U-Boot\r\n/);
  alice.write('x');
  await board.waitForOutput(/x/);
  await lab.sh('touch go');
  await alice.waitForOutput(/switched\r\n/);
});

test('Ctrl-] leaves, and the next one has the board', async () => {
  const alice = await connected('alice', { tty: true });
  const bob = lab.spawnSsh('bob', [], { tty: true });
  await bob.waitForOutput(/^\d+ +alice /m);
  alice.write('\x1dq');
  expect(await alice.exited).toMatchObject({ exitCode: 0 });
  await bob.waitForOutput(CONNECTED);
  board.write('login: ');
  await bob.waitForOutput(/login: /);
  expect((await lab.ssh('alice', ['console-log'])).stdout).toContain('login: ');
});

test('reset over the same connection', async () => {
  const controlPath = `${lab.directory}/control`;
  const alice = await connected('alice', { tty: true, master: true, controlPath });
  expect(await lab.ssh('alice', ['reset'], { controlPath, tty: true })).toMatchObject({ exitCode: 0 });
  expect(await lab.read('switched')).toBe('reset\n');
  board.write('again');
  await alice.waitForOutput(/again/);
});

test('without a terminal, and without input, it watches', async () => {
  const watcher = await connected('alice');
  watcher.end();
  await watcher.waitForOutput(/switching\n/);
  board.write('line 1\r\n');
  await watcher.waitForOutput(/line 1\r\n/);
  expect(watcher.stdout).toBe('novaboot-shell: Connected\nswitching\nline 1\r\n');
  expect(watcher.stderr).toBe('');
});

test.each([{ tty: true }, { tty: false }])(
  'a lost connection frees board and line at once (%j)',
  async (options) => {
    const alice = await connected('alice', options);
    alice.kill('SIGKILL');
    await eventually('the end of all that ran', async () => (await isFree()) && leftOvers().length === 0);
    const bob = await connected('bob', options);
    board.write('for bob');
    await bob.waitForOutput(/for bob/);
  },
);

test('the outer shell is killed: the line is not kept either', async () => {
  await connected('alice', { tty: true });
  const [holder = 0] = (await lab.lockHolders()).holders;
  await lab.signal(holder, 'KILL');
  await eventually('the end of all that ran', () => leftOvers().length === 0);
  await connected('bob', { tty: true });
});

test('unplugged in the middle: one line, and the next user has the board', async () => {
  const alice = await connected('alice', { tty: true });
  board.kill('SIGKILL');
  await alice.waitForOutput(/novaboot-shell: \S+ttyBOARD is gone \(EIO\); was the adapter unplugged\?\r\n/);
  expect(await alice.exited).toMatchObject({ exitCode: 1 });
  const absent = await lab.ssh('bob', ['console']);
  expect(absent).toMatchObject({ exitCode: 1, stdout: '' });
  expect(absent.stderr).toMatch(/^novaboot-shell: \S+ttyBOARD is absent; [^\n]*\n$/);
  expect(await isFree()).toBe(true);
  board = await plugIn();
  await connected('bob');
});

test('the line is in use by something else: nothing is switched on', async () => {
  const other = lab.spawnAs(['picocom', '-q', 'ttyBOARD']);
  await eventually(`picocom; is it installed? ${other.stderr}`, () => {
    board.write('x');
    return other.stdout.includes('x');
  });
  expect(await lab.ssh('alice', ['console'])).toEqual({
    stdout: '',
    stderr: expect.stringMatching(
      /^novaboot-shell: \S+ttyBOARD is in use by picocom \(process \d+\); end that, then try again\n$/,
    ),
    exitCode: 75,
  });
  expect(await lab.exists('powered')).toBe(false);
  expect(await isFree()).toBe(true);
});

test('a console that is none is told', async () => {
  await lab.writeConfig('console=ttyUSB0\n');
  const { stdout, stderr, exitCode } = await lab.ssh('alice', ['console']);
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 78 });
  expect(stderr).toMatch(/^novaboot-shell: console: ttyUSB0 is not a console; write serial:[^\n]*\n$/);
});

test('the programs of the console see what they always did, and nothing more', async () => {
  await lab.writeConfig(`console=serial:$HOME/ttyBOARD,115200n8
on_cmd='env | sort >seen; ulimit -S -n >>seen; ls /proc/self/fd | wc -l >>seen'
`);
  const env = { LC_ALL: 'C', LC_TIME: 'de_DE.UTF-8' };
  const options = ['-oSendEnv=LC_ALL', '-oSendEnv=LC_TIME'];
  await connected('alice', { env, options });
  const seen = () =>
    eventually('what it sees', async () => {
      const text = (await lab.exists('seen')) ? await lab.read('seen') : '';
      return /\d\n\d+\n$/.test(text) && text;
    });
  const builtIn = await seen();
  await lab.clean();
  await lab.sh('rm seen');
  await lab.writeConfig(`console_cmd='exec cat'
on_cmd='env | sort >seen; ulimit -S -n >>seen; ls /proc/self/fd | wc -l >>seen'
`);
  await connected('alice', { env, options });
  const own = await seen();
  const comparable = (text: string) => text.replaceAll(/^(NOVABOOT_ID|NOVABOOT_PPID|SSH_C\w+|_)=.*\n/gm, '');
  expect(comparable(builtIn)).toBe(comparable(own));
  expect(builtIn).toContain('LC_TIME=de_DE.UTF-8\n');
});
