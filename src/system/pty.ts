/** Pseudo-terminals (pty(7)) without a native add-on: the C library opens them, Node reads and writes them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { isBroken } from './descriptors.ts';
import { define, SystemError } from './libc.ts';
import { copyModes } from './termios.ts';

const O_RDWR = 0o2;
const O_NOCTTY = 0o400;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
/** <asm-generic/ioctls.h> */
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;

const openMaster = define<[flags: number]>('int posix_openpt(int flags)');
const grantpt = define<[fd: number]>('int grantpt(int fd)');
const unlockpt = define<[fd: number]>('int unlockpt(int fd)');
const ptsname = define<[fd: number, name: Buffer, length: number]>(
  'int ptsname_r(int fd, void *buf, size_t buflen)',
);
const ioctl = define<[fd: number, request: number, type: 'void *', argument: Buffer]>(
  'int ioctl(int fd, unsigned long request, ...)',
);

/** In characters, and in pixels where known. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
  readonly width?: number;
  readonly height?: number;
}

/** A program with a terminal of its own as its controlling one. */
export interface TerminalProcess {
  readonly child: ChildProcess;
  /** The terminal's device file, as in /dev/pts/3. */
  readonly path: string;
  /** What the program prints. Ends with the last one that has the program's side open. */
  readonly output: AsyncGenerator<Buffer>;
  /** What the program gets to read. */
  readonly input: Writable;
  resize(size: TerminalSize): void;
  /** Whether nobody has the program's side open; there may still be output. */
  isHungUp(): boolean;
  /** Hangs up: the kernel sends SIGHUP to the session's leader and to the foreground group. */
  close(): void;
}

function setSize(master: number, { rows, columns, width = 0, height = 0 }: TerminalSize): void {
  const winsize = Buffer.alloc(8);
  for (const [index, value] of [rows, columns, width, height].entries()) {
    winsize.writeUInt16LE(Math.min(Math.max(value, 0), 0xffff), index * 2);
  }
  ioctl(master, TIOCSWINSZ, 'void *', winsize);
}

/** The size of an open terminal. */
export function terminalSize(fd: number): TerminalSize {
  const winsize = Buffer.alloc(8);
  ioctl(fd, TIOCGWINSZ, 'void *', winsize);
  const [rows = 0, columns = 0, width = 0, height = 0] = [0, 2, 4, 6].map((at) => winsize.readUInt16LE(at));
  return { rows, columns, width, height };
}

function openTerminal(size: TerminalSize): { master: number; path: string } {
  const master = openMaster(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  try {
    grantpt(master);
    unlockpt(master);
    const name = Buffer.alloc(128);
    const errno = ptsname(master, name, name.length);
    if (errno !== 0) throw new SystemError('ptsname_r', errno);
    setSize(master, size);
    return { master, path: name.toString('latin1', 0, name.indexOf(0)) };
  } catch (error) {
    closeSync(master);
    throw error;
  }
}

/**
 * Writes to a terminal that need not be read. libuv would: it cannot wait for a master, and spins until all is
 * written. So we ask again after a while.
 */
function writer(fd: number, isClosed: () => boolean): Writable {
  const MAX_DELAY_MS = 32;
  function put(data: Buffer, done: (error?: Error | null) => void, delayMs = 1): void {
    if (isClosed()) {
      done();
      return;
    }
    let written = 0;
    try {
      written = writeSync(fd, data);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
        // EIO: nobody reads any more, and nobody will.
        done();
        return;
      }
    }
    const rest = data.subarray(written);
    const nextMs = written > 0 ? 1 : Math.min(delayMs * 2, MAX_DELAY_MS);
    if (rest.length === 0) done();
    else setTimeout(put, delayMs, rest, done, nextMs);
  }
  return new Writable({ write: (data: Buffer, _encoding, done) => put(data, done) });
}

async function* untilHangup(master: ReadStream): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of master) yield chunk as Buffer;
  } catch (error) {
    // EIO is how Linux says that the last one closed the program's side; the other comes of our own close().
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EIO' && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

/** A new session's leader that opens a terminal has it as its controlling terminal; sh does so before CMD. */
const TAKE_TERMINAL = 'exec <>"$0" >&0 2>&1; exec "$@"';

/**
 * Runs a program in a new session on a new terminal.
 *
 * @param environment gets the terminal's path
 */
export function spawnInTerminal(
  command: readonly [file: string, ...args: string[]],
  options: {
    cwd: string;
    size: TerminalSize;
    /** A terminal whose modes it begins with. */
    like?: number;
    environment: (path: string) => Readonly<Record<string, string>>;
  },
): TerminalProcess {
  const { master: fd, path } = openTerminal(options.size);
  if (options.like !== undefined) copyModes(options.like, fd);
  // net.Socket refuses a terminal, tty.ReadStream takes it.
  const master = new ReadStream(fd);
  master.on('error', () => master.destroy());
  const child = spawn('/bin/sh', ['-c', TAKE_TERMINAL, path, ...command], {
    cwd: options.cwd,
    env: { ...options.environment(path) },
    stdio: 'ignore',
    detached: true,
  });
  return {
    child,
    path,
    output: untilHangup(master),
    input: writer(fd, () => master.destroyed),
    resize: (size) => {
      if (!master.destroyed) setSize(fd, size);
    },
    isHungUp: () => master.destroyed || isBroken([fd]),
    close: () => master.destroy(),
  };
}
