/** The console log: what is logged, and who may watch it; console_log=yes between a console program and its user. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually, type Session } from '../support/ssh-session.ts';
import { type Lab, startLab } from '../support/sshd.ts';

const LOG = '.local/state/novaboot/console';
const BOARD = "console_log=yes\nconsole_cmd='stty -echo 2>/dev/null; echo UP; exec cat'\n";

let lab: Lab;

beforeAll(async () => {
  lab = await startLab();
});
afterEach(async () => {
  await lab.clean();
  await lab.sh(`rm -rf ${LOG} ppid`);
});
afterAll(() => lab?.stop());

async function startConsole(
  config: string,
  options: { tty?: boolean; user?: string } = {},
): Promise<Session> {
  await lab.writeConfig(config);
  const session = lab.spawnSsh(options.user ?? 'bob', ['console'], { tty: options.tty ?? true });
  await session.waitForOutput(/UP/);
  return session;
}

/** ssh, which script(1) has started. */
function childOf(pid: number): string {
  const [child = ''] = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
  return child;
}

async function noProcesses(): Promise<void> {
  await eventually('the end of all processes', () => lab.processes().length === 0);
}

describe('console-log', () => {
  test('-f shows others what comes, and takes nothing from them', async () => {
    const session = await startConsole(BOARD);
    const watcher = lab.spawnSsh('alice', ['console-log', '-f']);
    await watcher.waitForOutput(/^--- [\d-]{10} [\d:]{8} console of bob ---\n[\d:.]{12} {2}UP\n/);
    session.write('U-Boot 2025.01\nHit any key');
    session.write('\x04');
    await watcher.waitForOutput(/\n[\d:.]{12} {2}U-Boot 2025\.01\n[\d:.]{12} {2}Hit any key$/);
    watcher.write('from the watcher\n');
    session.write('\n=> \n');
    await watcher.waitForOutput(/Hit any key\n[\d:.]{12} {2}=> \n$/);
    expect(session.stdout).not.toMatch(/watcher/);
    expect((await lab.lockHolders()).holders).toHaveLength(1);
  });

  test('-f goes on with the next session, and begins before there is any', async () => {
    await lab.writeConfig(BOARD);
    const watcher = lab.spawnSsh('carol', ['console-log', '-f']);
    await watcher.waitForOutput(/No console has been logged yet; .*\.novaboot-shell\n/, { stream: 'stderr' });
    const first = await startConsole(BOARD);
    await watcher.waitForOutput(/console of bob/);
    first.write('\x04');
    await first.exited;
    await startConsole(BOARD, { user: 'alice' });
    await watcher.waitForOutput(/console of alice ---\n[\d:.]{12} {2}UP\n/);
  });

  test.each([
    ['in a terminal', { tty: true }],
    ['without a terminal', {}],
    ['with an input', { input: 'x' }],
  ])('-f ends with its connection, %s', async (_, options) => {
    await startConsole(BOARD).then((session) => session.kill('SIGKILL'));
    await noProcesses();
    const watcher = lab.spawnSsh('carol', ['console-log', '-f'], options);
    await watcher.waitForOutput(/UP/);
    watcher.kill('SIGKILL');
    await noProcesses();
  });

  test('-f ends with its client also where the connection goes on', async () => {
    const controlPath = `${lab.directory}/ctl`;
    await lab.writeConfig(BOARD);
    const session = lab.spawnSsh('bob', ['console'], { tty: true, master: true, controlPath });
    await session.waitForOutput(/UP/);
    const before = new Set(lab.processes().map(({ pid }) => pid));
    const watcher = lab.spawnSsh('bob', ['console-log', '-f'], { controlPath });
    await watcher.waitForOutput(/UP/);
    watcher.kill('SIGKILL');
    await eventually('the end of the watcher', () => lab.processes().every(({ pid }) => before.has(pid)));
    session.write('still there\n');
    await session.waitForOutput(/still there/);
  });

  test('makes harmless what the board says; --raw has its own bytes', async () => {
    const bytes = String.raw`\033[31mred\033[0m \033]0;title\007\033[2J\377 end\n`;
    const session = await startConsole(`console_log=yes\nconsole_cmd='printf "UP\n${bytes}"'\n`);
    await session.exited;
    const shown = await lab.ssh('carol', ['console-log', '-n', '1']);
    expect(shown.stdout).toMatch(/^--- .* ---\n[\d:.]{12} {2}red \ufffd end\n$/);
    const raw = lab.spawnSsh('carol', ['console-log', '--raw']);
    await raw.exited;
    expect(raw.stdout).toBe('UP\r\n\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2J\ufffd end\r\n');
  });

  test('-n and --since tell how much', async () => {
    await startConsole("console_log=yes\nconsole_cmd='seq 1 20; echo UP'\n").then(
      (session) => session.exited,
    );
    const lines = async (...options: string[]) =>
      (await lab.ssh('carol', ['console-log', '--raw', ...options])).stdout.split('\r\n').slice(0, -1);
    expect(await lines()).toHaveLength(21);
    expect(await lines('-n', '2')).toEqual(['20', 'UP']);
    expect(await lines('-n2', '--since', '10m')).toEqual(['20', 'UP']);
    expect(await lines('--since=1h')).toHaveLength(21);
    expect(await lines('--since', '2100-01-01')).toEqual([]);
  });

  test.each([
    [['-n', 'x'], /^novaboot-shell: console-log: -n x: a number of lines is expected\n$/],
    [['--since', 'yesterday'], /^novaboot-shell: console-log: --since yesterday: a time is like 10m, .*\n$/],
    [['--follows'], /^novaboot-shell: Usage: console-log \[-f\] .*\n$/],
  ])('%j is refused', async (options, message) => {
    const { exitCode, stdout, stderr } = await lab.ssh('bob', ['console-log', ...options]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('says what is missing where nothing is logged', async () => {
    await startConsole(BOARD.replace('console_log=yes', 'console_log=no'));
    const { exitCode, stdout, stderr } = await lab.ssh('bob', ['console-log']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 69, stdout: '' });
    expect(stderr).toMatch(
      /^novaboot-shell: No console has been logged yet; that needs .*console_log=yes in .*\n$/,
    );
  });
});

describe('with console_log=yes', () => {
  /** All that a program can see of what it is run with. */
  const PROBE = [
    'stty -a || :; stty size || :; test -t 0 && test -t 1 && test -t 2 && echo terminals',
    'test -p /dev/stdin && echo pipe; test "$SSH_TTY" = "$(tty)" && echo same; ulimit -n; pwd',
    'env | grep -vE "^(NOVABOOT_|SSH_|nb_|_=)" | sort; grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status',
    String.raw`echo errors >&2; printf "\\000\\377\\r\\n\\033[0m"; echo UP; cat; exit 7`,
  ].join('\n');

  async function transcript(log: string, tty: boolean) {
    await lab.writeConfig(`console_log=${log}\nboard() { ${PROBE}\n}\nconsole_cmd=board\n`);
    const session = lab.spawnSsh('bob', ['console'], {
      tty,
      ...(tty ? { window: { rows: 33, columns: 99 } } : {}),
      options: ['-oSendEnv=LANG'],
      env: { LANG: 'de_DE.UTF-8' },
    });
    await session.waitForOutput(/UP/);
    session.write('hello\n');
    await session.waitForOutput(tty ? /hello[\s\S]*hello/ : /hello/);
    if (tty) session.write('\x04');
    else session.end();
    const exit = await session.exited;
    return { exit, stdout: session.stdout, stderr: session.stderr };
  }

  test.each([true, false])('nobody notices (in a terminal: %s)', async (tty) => {
    const plain = await transcript('no', tty);
    const relayed = await transcript('yes', tty);
    expect(relayed).toEqual(plain);
    expect(plain.exit.exitCode).toBe(7);
    expect(plain.stdout).toMatch(tty ? /\n33 99\r\nterminals\r\n/ : /LANG=de_DE.UTF-8/);
    const logged = await lab.ssh('carol', ['console-log', '--raw']);
    expect(`novaboot-shell: Connected\n${logged.stdout}`).toBe(plain.stdout.replace(/^(.*)\r/, '$1'));
  });

  test('a new size of the terminal reaches the program', async () => {
    await lab.writeConfig(
      `console_log=yes\nconsole_cmd='trap "stty size" WINCH; echo UP; while :; do sleep 0.05; done'\n`,
    );
    const window = { rows: 33, columns: 99 };
    const session = lab.spawnSsh('bob', ['console'], { tty: true, window });
    await session.waitForOutput(/UP/);
    const terminal = fs.readlinkSync(`/proc/${childOf(session.pid)}/fd/0`);
    await lab.root(`stty -F ${terminal} rows 44 cols 111`);
    await session.waitForOutput(/^44 111\r$/m);
  });

  test('the interrupt character is for the program', async () => {
    const session = await startConsole(
      `console_log=yes\nconsole_cmd='trap "echo interrupted; exit 5" INT; echo UP; while :; do sleep 0.05; done'\n`,
    );
    session.write('\x03');
    await session.waitForOutput(/interrupted/);
    expect(await session.exited).toMatchObject({ exitCode: 5 });
  });

  test.each([true, false])('much comes through (in a terminal: %s)', async (tty) => {
    const program = 'stty raw -echo 2>/dev/null || :; echo UP; head -c 3000000 | sha256sum; seq 400000';
    const session = await startConsole(`console_log=yes\nconsole_cmd='${program}'\n`, { tty });
    const data = randomBytes(3_000_000).toString('hex').slice(0, 3_000_000);
    session.write(data);
    expect(await session.exited).toMatchObject({ exitCode: 0 });
    expect(session.stdout).toContain(createHash('sha256').update(data).digest('hex'));
    expect(session.stdout).toMatch(/\n399999\n400000\n$/);
    const { stdout } = await lab.ssh('carol', ['console-log', '--raw']);
    expect(session.stdout.endsWith(stdout)).toBe(true);
  });

  test('a program that is killed is told by the exit status', async () => {
    const session = await startConsole("console_log=yes\nconsole_cmd='echo UP; kill -KILL $$'\n");
    expect(await session.exited).toMatchObject({ exitCode: 137 });
  });

  test.each([true, false])(
    'what the program leaves behind does not keep the board (in a terminal: %s)',
    async (tty) => {
      const left = `setsid sh -c 'trap "" HUP TERM; while sleep 0.05; do echo noise; done' &`;
      const session = await startConsole(
        `console_log=yes\nboard() { ${left} echo UP; }\nconsole_cmd=board\n`,
        { tty },
      );
      await eventually('a free board', async () => (await lab.lockHolders()).holders.length === 0);
      session.kill('SIGKILL');
    },
  );
});

test('a console of our own is logged without being asked', async () => {
  const board = net.createServer((socket) => socket.on('error', () => {}).write('\r\nU-Boot 2025.01\r\n=> '));
  await once(board.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = board.address() as net.AddressInfo;
    await lab.writeConfig(`console=tcp:127.0.0.1:${port}\n`);
    const session = lab.spawnSsh('bob', ['console'], { tty: true });
    await session.waitForOutput(/=> /);
    const watcher = lab.spawnSsh('carol', ['console-log', '-f']);
    await watcher.waitForOutput(/console of bob ---\n.* {2}\n.* {2}U-Boot 2025\.01\n.* {2}=> $/);
    session.kill('SIGKILL');
    await eventually('a free board', async () => (await lab.lockHolders()).holders.length === 0);
  } finally {
    board.close();
  }
});

const PIPELINE = "console_cmd='echo UP; sleep 1000 | cat'";
const DEAF_CHILD = `console_cmd='(trap "" TERM HUP; echo UP; exec sleep 1000)'`;
const DEAF_SHELL = `console_cmd='trap "" TERM HUP; echo UP; sleep 1000; sleep 1000'`;

test.each([
  ['TERM', 'a child that ignores it', true, DEAF_CHILD],
  ['TERM', 'a shell that ignores it', false, DEAF_SHELL],
  ['HUP', 'a shell that ignores it', true, DEAF_SHELL],
  ['KILL', 'a pipeline', true, PIPELINE],
  ['KILL', 'a child that ignores signals', true, DEAF_CHILD],
])('the holder killed by %s leaves nothing: %s (in a terminal: %s)', async (signal, _, tty, config) => {
  await startConsole(`console_log=yes\n${config}\nreset_cmd='echo RESET'\n`, { tty });
  const { holders } = await lab.lockHolders();
  await lab.signal(holders[0] ?? 0, signal);
  await eventually('a free board', async () => (await lab.lockHolders()).holders.length === 0);
  expect((await lab.ssh('bob', ['--no-wait', 'reset'])).exitCode).toBe(0);
  await noProcesses();
});

test('a relay that is killed harms nobody who comes later', async () => {
  const session = await startConsole(BOARD);
  const relay = lab.processes().find(({ command }) => /novaboot-console\.js command/.test(command));
  await lab.signal(relay?.pid ?? 0, 'KILL');
  expect(await session.exited).toMatchObject({ exitCode: 137 });
  await noProcesses();
  const next = await startConsole(BOARD, { user: 'alice' });
  next.write('after\n');
  await next.waitForOutput(/after/);
  const { stdout } = await lab.ssh('carol', ['console-log']);
  expect(stdout).toMatch(
    /console of bob ---\n.* {2}UP\n--- .* console of alice ---\n.* {2}UP\n.* {2}after\n$/,
  );
});

describe('on a full disk', () => {
  let small: Lab;

  beforeAll(async () => {
    small = await startLab({ homeKibibytes: 400, config: BOARD });
  });
  afterAll(() => small?.stop());

  test('the console goes on, the user hears of it once, and the log says what is missing', async () => {
    await small.sh('cat /dev/zero >fill 2>/dev/null || :');
    const session = small.spawnSsh('bob', ['console'], { tty: true });
    await session.waitForOutput(/UP/);
    for (const word of ['first', 'second']) {
      session.write(`${word} ${'x'.repeat(3000)}\n`);
      await session.waitForOutput(new RegExp(`${word} x{3000}\r\n`));
    }
    const told = /novaboot-shell: Not all of the console is logged: ENOSPC: [^\r\n]*\r+\n/g;
    expect(session.stdout.match(told)).toHaveLength(1);
    await small.sh('rm fill');
    session.write('there is room\n');
    await session.waitForOutput(/there is room/);
    const { stdout, exitCode } = await small.ssh('carol', ['console-log']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/--- .* \d+ bytes could not be logged ---\n[\s\S]* {2}there is room\n$/);
    session.kill('SIGKILL');
    await eventually('the end of all processes', () => small.processes().length === 0);
    const next = small.spawnSsh('alice', ['console'], { tty: true });
    await next.waitForOutput(/UP/);
    expect(next.stdout).not.toMatch(/Not all/);
  });
});
