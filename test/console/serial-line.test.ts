/** The console of a serial line as a program; the board is a test at the other end of a pseudo-terminal. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Terminal } from '../demo/terminal.ts';
import { ByteProcess, serialBoard } from '../support/console-board.ts';
import { eventually } from '../support/ssh-session.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../dist/novaboot-console');
const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
const CONNECTED = 'novaboot-shell: Connected\n';

let directory: string;
let device: string;
let board: ByteProcess;
let running: ByteProcess[];

function start(argv: readonly string[]): ByteProcess {
  const started = new ByteProcess(argv, { PATH: process.env.PATH, HOME: directory, NB_USER: 'alice' });
  running.push(started);
  return started;
}

function startConsole(spec = `serial:${device}`, ...program: string[]): ByteProcess {
  return start([PROGRAM, 'line', spec, ...program]);
}

async function connected(): Promise<ByteProcess> {
  const started = startConsole();
  await started.see(CONNECTED);
  return started;
}

/** What a console says that cannot begin. */
async function refusal(spec?: string): Promise<{ status: unknown; output: string; said: string }> {
  const refused = startConsole(spec, 'touch', path.join(directory, 'powered'));
  const status = await refused.exited;
  expect(fs.existsSync(path.join(directory, 'powered'))).toBe(false);
  return { status, output: refused.text, said: refused.stderr };
}

beforeEach(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-console-'));
  device = path.join(directory, 'ttyBOARD');
  running = [];
  board = await serialBoard(device);
});
afterEach(async () => {
  await Promise.all([board, ...running].map((one) => one.end()));
  // What ran as root has left files of root's.
  execFileSync('env', [...asRoot, 'rm', '-rf', directory]);
});

test('the line is open before the board is powered on, and nothing of it waits for that', async () => {
  const go = path.join(directory, 'go');
  const script = `echo switching; until [ -e ${go} ]; do sleep 0.02; done; echo switched; echo oops >&2`;
  const user = startConsole(undefined, '/bin/sh', '-c', script);
  await user.see('switching\n');
  board.type('first bytes\r\n');
  await user.see('first bytes\r\n');
  user.type('stop\r');
  await board.see('stop\r');
  fs.writeFileSync(go, '');
  await user.see('switched\n');
  expect(user.text).toBe(`${CONNECTED}switching\nfirst bytes\r\nswitched\n`);
  await user.end('SIGTERM');
  expect(user.stderr).toBe('oops\n');
});

test('the program that powers on gets what it is to get, and its failure is that of the console', async () => {
  const script = 'echo $NB_USER; cat; exit 3';
  const user = startConsole(undefined, '/bin/sh', '-c', script);
  expect(await user.exited).toBe(3);
  expect(user.text).toBe(`${CONNECTED}alice\n`);
});

test('every byte passes unchanged, both ways and into the log', async () => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const user = await connected();
  user.type(every);
  await eventually('all bytes', () => board.output.length === 256);
  expect(board.output).toEqual(every);
  board.type(every);
  await eventually('all bytes', () => user.output.length === CONNECTED.length + 256);
  expect(user.output.subarray(CONNECTED.length)).toEqual(every);
  await user.end('SIGTERM');
  const log = path.join(directory, '.local/state/novaboot/console');
  const [file = ''] = fs.readdirSync(log).filter((name) => name.endsWith('.log'));
  expect(fs.readFileSync(path.join(log, file))).toEqual(every);
});

test('a flood waits for a reader who is slow, and none of it is lost', async () => {
  const flood = randomBytes(3_000_000);
  const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  const user = await connected();
  user.child.stdout.pause();
  board.type(flood);
  // What the kernel, the pipes and we hold back is far less.
  await eventually('a stop', async () => {
    const before = board.child.stdin.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return before > 1_000_000 && board.child.stdin.writableLength === before;
  });
  const memory = /^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${user.child.pid}/status`, 'latin1'));
  user.child.stdout.resume();
  await eventually('the flood', () => user.output.length === CONNECTED.length + flood.length);
  expect(digest(user.output.subarray(CONNECTED.length))).toBe(digest(flood));
  expect(Number(memory?.[1])).toBeLessThan(150_000);
});

test('the end of the input is not that of the console', async () => {
  const user = await connected();
  user.child.stdin.end('last words');
  await board.see('last words');
  board.type('still here');
  await user.see('still here');
});

test.each([
  ['SIGTERM', 143],
  ['SIGHUP', 129],
  ['SIGKILL', 'SIGKILL'],
] as const)('%s frees the line at once', async (signal, status) => {
  const user = await connected();
  await user.end(signal);
  expect(await user.exited).toBe(status);
  await connected();
});

test('who reads no more has left', async () => {
  const user = await connected();
  user.child.stdout.destroy();
  // Also while the board is silent.
  expect(await user.exited).toBe(141);
});

test('unplugged in the middle', async () => {
  const user = await connected();
  board.type('login: ');
  await user.see('login: ');
  await board.end();
  expect(await user.exited).toBe(1);
  expect(user.stderr).toBe(`novaboot-shell: ${device} is gone (EIO); was the adapter unplugged?\n`);
  board = await serialBoard(device);
  await connected();
});

test('absent', async () => {
  expect(await refusal('serial:/dev/ttyNONE,115200n8')).toEqual({
    status: 1,
    output: '',
    said: 'novaboot-shell: /dev/ttyNONE is absent; is the adapter plugged in, and its name still the same?\n',
  });
});

test.each([
  ['a device of another kind', '/dev/null'],
  ['a file', import.meta.filename],
])('%s is no serial line', async (_, file) => {
  expect(await refusal(`serial:${file}`)).toMatchObject({
    status: 78,
    said: expect.stringMatching(/^novaboot-shell: \S+ is not a serial line; .*\n$/),
  });
});

test('what the device takes otherwise than asked for is told: a pseudo-terminal has no parity', async () => {
  expect(await refusal(`serial:${device},9600e71`)).toMatchObject({
    status: 78,
    said: expect.stringMatching(/^novaboot-shell: \S+ cannot do 9600e71,none; .*\n$/),
  });
});

test('another console has the line', async () => {
  const first = await connected();
  expect(await refusal()).toMatchObject({
    status: 75,
    said: expect.stringMatching(
      `^novaboot-shell: ${device} is in use by novaboot-consol \\(process ${first.child.pid}\\)`,
    ),
  });
  board.type('for the first');
  await first.see('for the first');
});

test('picocom has the line, and then we have it', async () => {
  const picocom = start(['picocom', '-q', device]);
  await eventually(`picocom; is it installed? ${picocom.stderr}`, () => {
    board.type('x');
    return picocom.text.includes('x');
  });
  expect(await refusal()).toMatchObject({
    status: 75,
    said: `novaboot-shell: ${device} is in use by picocom (process ${picocom.child.pid}); end that, then try again\n`,
  });
  await picocom.end();
  await connected();
  const second = start(['picocom', '-q', device]);
  expect(await second.exited).not.toBe(0);
  expect(second.text + second.stderr).toMatch(/cannot lock/);
});

test('who leaves while the board is being powered on is told what is waited for', async () => {
  const go = path.join(directory, 'go');
  const script = `until [ -e ${go} ]; do sleep 0.02; done`;
  const terminal = new Terminal([PROGRAM, 'line', `serial:${device}`, '/bin/sh', '-c', script], directory);
  await terminal.seen('sends a break\r\n');
  terminal.type('\x1dq');
  await terminal.seen('novaboot-shell: The console ends once the board has been powered on\r\n');
  fs.writeFileSync(go, '');
  expect(await terminal.exited).toEqual([0, null]);
});

test('who powers on ends with the console, however that ends', async () => {
  const started = path.join(directory, 'started');
  const script = `echo $$ >${started}.new; mv ${started}.new ${started}; while :; do sleep 0.05; done`;
  const user = startConsole(undefined, '/bin/sh', '-c', script);
  const pid = await eventually(
    'the program',
    () => fs.existsSync(started) && fs.readFileSync(started, 'latin1').trim(),
  );
  await user.end('SIGKILL');
  await eventually('its end', () => !fs.existsSync(`/proc/${pid}`));
});

/** The same line under a name that does not change, as real ones have; pseudo-terminals have no lock files. */
function startNamed(name: string): ByteProcess {
  const script = 'touch "$1"; mount --bind "$2" "$1"; name=$1; shift 2; exec "$@" "serial:$name"';
  const words = [
    path.join(directory, name),
    fs.realpathSync(device),
    'env',
    `HOME=${directory}`,
    PROGRAM,
    'line',
  ];
  return start([...asRoot, 'unshare', '-m', 'sh', '-ec', script, 'sh', ...words]);
}

test.each([
  ['a FIFO', 'mkfifo "$0"'],
  ['an endless link', 'ln -s /dev/zero "$0"'],
  ['a lie', 'echo "         1" >"$0"; [ "$(id -u)" != 0 ] || chown nobody "$0"'],
])('%s in the place of the lock file harms nobody', async (_, script) => {
  const name = `ttyNB${process.pid}`;
  execFileSync('/bin/sh', ['-ec', script, `/run/lock/LCK..${name}`]);
  try {
    const user = startNamed(name);
    await user.see(CONNECTED);
    await user.end('SIGTERM');
  } finally {
    fs.rmSync(`/run/lock/LCK..${name}`, { force: true });
  }
});

test('a lock file of a living process counts, one of a dead process does not, and ours is removed', async () => {
  const name = `ttyNB${process.pid}`;
  const lock = `/run/lock/LCK..${name}`;
  fs.writeFileSync(lock, `${String(board.child.pid).padStart(10)}\n`);
  const refused = startNamed(name);
  expect(await refused.exited).toBe(75);
  expect(refused.stderr).toBe(
    `novaboot-shell: ${directory}/${name} is in use by socat (process ${board.child.pid}), says ${lock}; end that, then try again\n`,
  );
  fs.writeFileSync(lock, '   4194304\n');
  const user = startNamed(name);
  await user.see(CONNECTED);
  const holder = Number(fs.readFileSync(lock, 'latin1'));
  expect(fs.readFileSync(`/proc/${holder}/cmdline`, 'latin1')).toContain(name);
  await user.end('SIGTERM');
  expect(fs.existsSync(lock)).toBe(false);
});

test('on a terminal: raw until the end, a break, and the escape key leaves', async () => {
  const trace = path.join(directory, 'trace');
  const program = `strace -f -v -e trace=ioctl -o ${trace} ${PROGRAM}`;
  const script = `stty -g; ${program} line serial:${device},250000n82,rtscts echo on; echo "status $?"; stty -g`;
  const terminal = new Terminal(['/bin/sh', '-c', script], directory);
  const before = await terminal.seen('\r\n');
  await terminal.seen('novaboot-shell: Connected\r\n');
  await terminal.seen('on\r\n');
  // Neither echoed, nor waiting for a line's end, nor a signal
  terminal.type('ls\x03\r');
  await board.see('ls\x03\r');
  board.type('a\nb\r\n');
  expect(await terminal.seen('b\r\n')).toBe('a\n');
  terminal.type('\x1db');
  await terminal.seen('novaboot-shell: Break sent\r\n');
  terminal.type('\x1d?');
  await terminal.seen('Ctrl-] b  send a break\r\n');
  terminal.type('\x1dq');
  await terminal.seen('status 0\r\n');
  expect(await terminal.seen('\r\n')).toBe(before);
  await terminal.exited;
  const asked = fs.readFileSync(trace, 'latin1');
  // A pseudo-terminal has no break and no modem lines, so what counts is that the kernel was asked.
  expect(asked).toMatch(/TIOCSBRK\b.*\n(?:.*\n)*.*TIOCCBRK\b/);
  expect(asked).toMatch(/TCSETS2, \{.*c_cflag=BOTHER\|CS8\|CSTOPB\|CREAD\|CLOCAL\|CRTSCTS/);
  expect(asked).not.toContain('HUPCL');
});
