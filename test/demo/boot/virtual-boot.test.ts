/** `npm run demo` with the virtual board, and --boot, as a user has them. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type BootKit, bootBoard } from '../../../src/demo/boot/boot.ts';
import { bootKit } from '../../../src/demo/boot/boot-kit.ts';
import { UserShell } from '../../../src/demo/boot/user-shell.ts';
import type { State } from '../../../src/demo/state.ts';
import { Demo, eventually, PROGRAM, run } from '../demo-server.ts';
import { remaining, startedBy } from '../descendants.ts';
import { Terminal } from '../terminal.ts';

const BUILT_SHELL = resolve(import.meta.dirname, '../../../dist/novaboot-shell');
const SHELL_PROMPT = 'root@board:~# ';
const UBOOT_PROMPT = '\n=> ';
/** A boot takes seconds; on a busy machine many. */
const TEST_MS = 300_000;

const scratch = mkdtempSync(join(tmpdir(), 'novaboot-virtual-'));
/** Where the demo is started; it makes .demo there. */
let cwd: string;
let count = 0;
const started: Terminal[] = [];
beforeAll(() => expect(existsSync(resolve(BUILT_SHELL, '../novaboot-tftpd'))).toBe(true));
beforeEach(() => {
  cwd = join(scratch, String(count++));
  mkdirSync(cwd);
});
afterEach(() => {
  for (const { child } of started.splice(0)) child.kill();
});
afterAll(() => rmSync(scratch, { recursive: true }));

function inTerminal(command: readonly [string, ...string[]]): Terminal {
  const terminal = new Terminal(command, cwd);
  started.push(terminal);
  return terminal;
}

function demo(...args: string[]): Terminal {
  return inTerminal([process.execPath, PROGRAM, '--port', '0', ...args]);
}

function inShell(line: string): Terminal {
  return inTerminal(['/bin/sh', '-c', line]);
}

/** A guard of the login shell's sleeps for half a second. */
async function ended(family: ReturnType<typeof startedBy>): Promise<void> {
  await eventually(() => remaining(family, cwd).length === 0).catch(() => {
    throw new Error(`left: ${remaining(family, cwd).join('\n')}`);
  });
}

function isRunning(): boolean {
  return existsSync(join(cwd, '.demo/board.sock'));
}

test(
  '--boot without a terminal prints the proof and ends',
  async () => {
    const { child, result } = run(process.execPath, [PROGRAM, '--port', '0', '--boot'], undefined, { cwd });
    let family = startedBy(child.pid as number, cwd);
    child.stdout?.on('data', () => {
      family = [...family, ...startedBy(child.pid as number, cwd)];
    });
    const { status, stdout, stderr } = await result;
    expect([status, stderr]).toEqual([0, '']);
    const text = stdout.toString();
    const nfs = `10.0.2.2:${cwd}/.demo/home/nfsroot/alice/root / nfs `;
    expect(text).toContain(`  ${SHELL_PROMPT}grep ' / ' /proc/mounts\n  ${nfs}`);
    expect(text).toMatch(/\n {2}crw-rw-rw-.* 1, +3 .* \/dev\/null\n/);
    expect(text).toMatch(/\n {2}-rws.* root .* \/bin\/su\n/);
    expect(text).toMatch(/\n {2}drwx.* demo +demo .* \/home\/demo\n/);
    expect(text).toMatch(/\n {2}uid=0\(root\) .*\n$/);
    expect(family.map(({ command }) => command).join('\n')).toContain('qemu-system-aarch64');
    await ended(family);
    expect(isRunning()).toBe(false);
  },
  TEST_MS,
);

test(
  '--boot in a terminal makes it the console, until Ctrl-]; then Ctrl-C ends the demo',
  async () => {
    const terminal = demo('--boot');
    await terminal.seen('Ctrl-] leaves it');
    await terminal.seen(SHELL_PROMPT);
    terminal.type('echo typed-$((6 * 7))\r');
    await terminal.seen('typed-42');
    terminal.type('echo sleeping; sleep 1000\r');
    await terminal.seen('sleeping\r');
    // Again and again: a shell loses an interrupt that comes between its fork and the exec.
    const interrupts = setInterval(() => terminal.type('\x03'), 500);
    await terminal.seen(SHELL_PROMPT).finally(() => clearInterval(interrupts));
    expect(isRunning()).toBe(true);
    terminal.type('\x1d');
    await terminal.seen('Ctrl-C ends the demo');
    const status = inShell('ssh -F .demo/ssh_config alice status');
    await status.seen('free');
    const family = startedBy(terminal.child.pid as number, cwd);
    expect(family.map(({ command }) => command).join('\n')).toContain('qemu-system-aarch64');
    terminal.type('\x03');
    expect(await terminal.exited).toEqual([0, null]);
    await ended(family);
  },
  TEST_MS,
);

test.each([
  'alice get-config',
  'alice console',
  'alice untar',
  '=> dhcp',
  '=> tftpboot 0x40400000',
  'Linux starts',
])(
  'Ctrl-C at "%s" ends all that was started',
  async (step) => {
    const terminal = demo('--boot');
    await terminal.seen(step);
    const family = startedBy(terminal.child.pid as number, cwd);
    terminal.type('\x03');
    expect(await terminal.exited).toEqual([130, null]);
    await ended(family);
    expect(isRunning()).toBe(false);
    expect(terminal.text).not.toContain('novaboot-demo:');
  },
  TEST_MS,
);

test(
  'a pipe that nobody reads any more ends all that was started',
  async () => {
    const { child, result } = run(process.execPath, [PROGRAM, '--port', '0', '--boot'], undefined, { cwd });
    // As "head -1": get-config is about to start the NFS server.
    await once(child.stdout as Readable, 'data');
    child.stdout?.destroy();
    const family = startedBy(child.pid as number, cwd);
    expect(await result).toMatchObject({ status: 141, stderr: '' });
    await ended(family);
    expect(isRunning()).toBe(false);
  },
  TEST_MS,
);

test.each<[string, string[]]>([
  ['with SIGHUP', []],
  // Only the session's leader gets it.
  ['without SIGHUP', ['/bin/sh', '-c', 'trap "" HUP; "$@" || exit $?', 'sh']],
])(
  "closing the terminal that is the board's console ends all that was started: %s",
  async (_how, words) => {
    const [file = '', ...args] = [...words, process.execPath, PROGRAM, '--port', '0', '--boot'];
    const terminal = inTerminal([file, ...args]);
    await terminal.seen('Ctrl-] leaves it');
    await terminal.seen(SHELL_PROMPT);
    const family = startedBy(terminal.child.pid as number, cwd);
    terminal.close();
    expect(await terminal.exited).toEqual([129, null]);
    await ended(family);
    expect(isRunning()).toBe(false);
  },
  TEST_MS,
);

test(
  'a killed demo takes all along but the NFS server',
  async () => {
    const terminal = demo('--boot');
    await terminal.seen('Linux starts');
    const family = startedBy(terminal.child.pid as number, cwd);
    terminal.child.kill('SIGKILL');
    const others = () => remaining(family, cwd).filter((line) => !line.includes('novaboot-nfsd'));
    await eventually(() => others().length === 0).catch(() => {
      throw new Error(`left: ${others().join('\n')}`);
    });
    // The next one has it, and ends it.
    const next = demo();
    await next.seen('Ctrl-C ends the demo');
    next.type('\x03');
    expect(await next.exited).toEqual([0, null]);
    await ended(family);
  },
  TEST_MS,
);

test.each<[keyof BootKit, RegExp]>([
  [
    'kernel',
    /^waited for U-Boot to do "booti .*": the board says "Bad Linux ARM64 Image magic!"; .*\n {2}\| /,
  ],
  ['root', /^waited for a shell on the board: the board says "initramfs: there is no \/sbin\/init in .*"/],
])(
  'a board that gets the wrong %s',
  async (name, message) => {
    await using server = new Demo({ shell: BUILT_SHELL, args: ['--port', '0', '--board', 'virtual'] });
    await server.ready();
    const wrong = join(server.state, 'wrong.tar');
    execFileSync('tar', ['-cf', wrong, '-C', server.state, 'alice.pub']);
    const state = { directory: server.state, sshConfig: join(server.state, 'ssh_config') } as State;
    await using shell = new UserShell(() => {});
    const kit = { ...bootKit(BUILT_SHELL), [name]: wrong };
    await expect(bootBoard({ state, kit, shell, say: () => {} })).rejects.toThrow(message);
  },
  TEST_MS,
);

/** The lines to be typed, without the remarks behind them. */
function commandsOf(greeting: string): { shell: string[]; uboot: string[] } {
  const lines = greeting.replaceAll('\r', '').match(/(?<=\n {2})\S.*/g) ?? [];
  const commands = lines.map((line) => line.replace(/ {2,}# .*$/, ''));
  const isShell = (line: string) => /^(ssh|rsync) /.test(line);
  return { shell: commands.filter(isShell), uboot: commands.filter((line) => !isShell(line)) };
}

test(
  'the commands that the demo prints work as they are',
  async () => {
    writeFileSync(join(cwd, 'package.json'), '{}\n');
    const terminal = demo();
    const { shell, uboot } = commandsOf(await terminal.seen('Ctrl-C ends the demo'));
    const take = (part: string) => {
      const at = shell.findIndex((line) => line.includes(part));
      expect(at, `${part} in ${shell.join('\n')}`).toBeGreaterThanOrEqual(0);
      return shell.splice(at, 1)[0] as string;
    };
    async function works(part: string): Promise<string> {
      const line = inShell(take(part));
      expect(await line.exited, line.text).toEqual([0, null]);
      return line.text;
    }

    const console = inShell(take('-M alice console'));
    await console.seen('leaves the console');
    await works('untar - < /');
    await works('Image');
    // The first start, which nobody has stopped.
    await console.seen(UBOOT_PROMPT);
    const watching = inShell(take('console-log -f'));
    await watching.seen('There is nothing to boot');
    await works('alice reset');
    await console.seen('autoboot');
    console.type('\r');
    await console.seen(UBOOT_PROMPT);
    for (const [index, line] of uboot.entries()) {
      console.type(`${line}\r`);
      await console.seen(index + 1 < uboot.length ? UBOOT_PROMPT : SHELL_PROMPT);
    }
    expect(await works('nfs status')).toContain('MOUNTED_BY');
    await watching.seen('Linux version');
    watching.type('\x03');
    await watching.exited;
    expect(await works('bob why')).toContain('The board is up');

    const waiting = inShell(take('bob reset'));
    await waiting.seen('Target is occupied by:');
    console.type('\x1d');
    expect(await console.exited).toEqual([0, null]);
    expect(await waiting.exited).toEqual([0, null]);

    expect(await works('alice help')).toContain('console');
    expect(await works('alice status')).toContain('free');
    expect(await works('get-config')).toContain('--nfsroot=');
    await works('root list');
    await works('package.json');
    expect(existsSync(join(cwd, '.demo/home/tftproot/package.json'))).toBe(true);
    const plain = inShell(take('ssh -F .demo/ssh_config alice'));
    await plain.seen('Connected');
    plain.type('\x1d');
    expect(await plain.exited).toEqual([0, null]);
    expect(shell.map((line) => line.replace(/-p \d+/, '-p PORT'))).toEqual([
      'ssh -F .demo/ssh_config alice untar - < rootfs.tar.gz',
      'ssh -F .demo/ssh_config alice add-key carol < ~/.ssh/id_ed25519.pub',
      'ssh -p PORT board@127.0.0.1 help',
    ]);
  },
  TEST_MS,
);

test('without QEMU there is a simple board, and nothing that boots', async () => {
  const bin = join(cwd, 'bin');
  mkdirSync(bin);
  for (const name of ['ssh', 'ssh-keygen']) symlinkSync(`/usr/bin/${name}`, join(bin, name));
  const options = { cwd, env: { PATH: bin } };
  const reason = 'no virtual board: missing Debian packages: qemu-system-arm';
  const booting = await run(process.execPath, [PROGRAM, '--boot'], undefined, options).result;
  expect(booting).toMatchObject({ status: 69, stderr: `novaboot-demo: ${reason}\n` });

  const simple = run(
    process.execPath,
    [PROGRAM, '--port', '0', '--state', join(cwd, '.demo')],
    undefined,
    options,
  );
  const greeting = await simple.seen('Ctrl-C ends');
  expect(greeting).not.toContain('booti');
  simple.child.kill();
  expect(await simple.result).toMatchObject({
    status: 0,
    stderr: `novaboot-demo: ${reason}; this one is simple, nothing boots on it\n`,
  });
});
