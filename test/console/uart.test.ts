/**
 * The console on a UART with a real driver, which a pseudo-terminal is not: a guest whose second serial line is QEMU's
 * 16550A. QEMU notes down what the driver tells the chip; the board is a test at the other end of its line.
 */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findPrograms, librariesOf } from '../support/guest-tools.ts';
import { bootGuest, type Guest } from '../support/qemu.ts';
import { eventually } from '../support/ssh-session.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const PROGRAM = path.join(REPOSITORY, 'dist/novaboot-console');
const BOOT_MS = 120_000;
/** Node starts slowly there. */
const STEP_MS = 60_000;
const TEST_MS = 180_000;

let directory: string;
let guest: Guest;
let board: net.Socket;
let sent = '';

/** A program or a folder of this machine with all that it needs, under its own path. */
function filesOf(...places: readonly string[]): Record<string, Buffer> {
  const files = places.flatMap((place) => {
    if (!fs.statSync(place).isDirectory()) return [place, ...librariesOf(place)];
    const names = fs.readdirSync(place, { recursive: true, encoding: 'utf8' });
    return names.map((name) => path.join(place, name)).filter((name) => fs.statSync(name).isFile());
  });
  return Object.fromEntries(
    files.map((file) => [file.replace(/^\/(bin|lib|lib64)\//, '/usr/$1/'), fs.readFileSync(file)]),
  );
}

beforeAll(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-uart-'));
  const modules = path.join(REPOSITORY, 'node_modules');
  const node = fs.realpathSync(path.join(modules, '.bin/node'));
  const koffi = ['koffi/package.json', 'koffi/index.cjs', 'koffi/lib', 'koffi/src/koffi', '@koromix'];
  const [script = ''] = findPrograms(['script']);
  const socket = path.join(directory, 'board');
  guest = await bootGuest({
    memory: 1536,
    files: filesOf(
      ...[node, script, '/usr/bin/env', path.join(REPOSITORY, 'dist')],
      ...koffi.map((name) => path.join(modules, name)),
    ),
    qemu: [
      ...[
        '-chardev',
        `socket,id=board,path=${socket},server=on,wait=off`,
        '-device',
        'isa-serial,chardev=board',
      ],
      ...[
        '-trace',
        'serial_write',
        '-trace',
        'serial_update_parameters',
        '-D',
        path.join(directory, 'trace'),
      ],
    ],
  });
  board = net.connect(socket);
  board.setEncoding('latin1').on('data', (text: string) => {
    sent += text;
  });
  await once(board, 'connect');
  await guest.sh(`chmod 755 ${node} ${script} /usr/bin/env ${PROGRAM}; chmod 666 /dev/ttyS1
    mkdir /dev/pts; mount -t devpts devpts /dev/pts; mkdir -m 1777 /run/lock
    mkfifo -m 666 /tmp/keys`);
}, BOOT_MS);
afterAll(async () => {
  board?.destroy();
  await guest?.stop();
  fs.rmSync(directory, { recursive: true, force: true });
});

function traced(): string {
  return fs.readFileSync(path.join(directory, 'trace'), 'latin1');
}

/** What the driver says of the line. */
async function modemLines(): Promise<string> {
  return await guest.sh('grep ^1: /proc/tty/driver/serial');
}

/** Waits in the guest, whose processor is slow. */
async function inGuest(check: string): Promise<void> {
  await guest.sh(`until ${check}; do sleep 0.3; done`, STEP_MS);
}

test('speed, format, exclusiveness, break, and the modem lines', { timeout: TEST_MS }, async () => {
  const line = 'serial:/dev/ttyS1,57600e72';
  await guest.sh(`cd /tmp
    as alice script -qec "env HOME=/tmp ${PROGRAM} line ${line}" /dev/null </tmp/keys >/tmp/seen 2>&1 &
    exec 9>/tmp/keys; (sleep 600 >&9) >/dev/null 2>&1 &`);
  await inGuest('grep -q Connected /tmp/seen');
  await eventually(`the line's format in ${traced().slice(-2000)}`, () =>
    /baudrate=57600 parity='E' data=7 stop=2/.test(traced()),
  );
  expect(await modemLines()).toMatch(/RTS.*DTR/);
  expect(await guest.sh('cat /run/lock/LCK..ttyS1')).toMatch(/^ *\d+$/);

  // 7 data bits: no byte above 127
  board.write('from the board\r\n');
  await inGuest("grep -q 'from the board' /tmp/seen");
  await guest.sh("printf 'to the board' >/tmp/keys");
  await eventually('the bytes of the user', () => sent.includes('to the board'));

  // Another account can neither open the line nor does it get a second console on it.
  expect(await guest.run('as bob sh -c "exec 3<>/dev/ttyS1"')).toMatchObject({
    stderr: expect.stringMatching(/busy/i),
  });
  const second = await guest.run(`as bob env HOME=/nonexistent ${PROGRAM} line ${line} </dev/null`);
  expect(second).toMatchObject({ status: 75, stdout: '' });
  expect(second.stderr).toMatch(/^novaboot-shell: \/dev\/ttyS1 is in use by \S+ \(process \d+\)/);

  // LCR (address 3) with bit 6 (0x40): 16550 data sheet
  const breaks = () => traced().match(/serial_write.* 0x0?3 val 0x[4-7c-f][0-9a-f]\b/gi)?.length ?? 0;
  expect(breaks()).toBe(0);
  await guest.sh("printf '\\035b' >/tmp/keys");
  await inGuest("grep -q 'Break sent' /tmp/seen");
  expect(breaks()).toBe(1);
  expect(traced()).toMatch(/0x0?3 val 0x[4-7c-f][0-9a-f]\b.*\n(?:.*\n)*?.*0x0?3 val 0x[0-3][0-9a-f]\b/i);

  // Who leaves does not reset a board whose reset hangs on DTR.
  await guest.sh("printf '\\035q' >/tmp/keys");
  await inGuest("! ps | grep -q '[n]ovaboot-console.js line'");
  expect(await modemLines()).toMatch(/RTS.*DTR/);
  expect((await guest.run('ls /run/lock')).stdout).toBe('');
  await guest.sh('as bob sh -c "exec 3<>/dev/ttyS1"');
});
