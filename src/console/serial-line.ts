/** A serial line of this machine, opened so that nobody else reads along. */
import fs from 'node:fs';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { DescriptorStream } from '../system/descriptor-stream.ts';
import { flock, LOCK_EX, LOCK_NB } from '../system/descriptors.ts';
import { flockRecords } from '../system/proc.ts';
import {
  beginBreak,
  dropOutput,
  endBreak,
  giveBack,
  type LineSettings,
  setSerialLine,
  takeExclusively,
} from '../system/termios.ts';
import type { Line } from './line.ts';
import { takeUucpLock, uucpHolder } from './uucp-lock.ts';

/** tcsendbreak(3) has 0.25 to 0.5 s. */
const BREAK_MS = 300;
const O_PATH = 0o10000000;

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** @param pid 0 or undefined where the kernel does not tell */
function inUse(device: string, pid: number | undefined, by = ''): CommandError {
  let who = 'another process';
  try {
    if (pid) who = `${fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (process ${pid})`;
  } catch {
    // It has just ended.
  }
  return new CommandError(`${device} is in use by ${who}${by}; end that, then try again`, ExitCode.busy);
}

/** Who has the flock(2) of a device that we cannot open. */
function lockHolder(device: string): number | undefined {
  const fd = fs.openSync(device, O_PATH);
  try {
    return flockRecords(fd).find(({ waiting }) => !waiting)?.pid;
  } finally {
    fs.closeSync(fd);
  }
}

function openFailure(device: string, error: unknown): CommandError {
  const said = (what: string, exitCode: ExitCode = ExitCode.failed) =>
    new CommandError(`${device} ${what}`, exitCode, { cause: error });
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENXIO':
    case 'ENODEV':
      return said('is absent; is the adapter plugged in, and its name still the same?');
    case 'EACCES':
    case 'EPERM':
      return said("may not be opened by this account; add it to the device's group, often dialout");
    case 'EBUSY':
      return inUse(device, lockHolder(device));
    case 'ENOTTY':
    case 'EINVAL':
      return said('is not a serial line; correct console in the configuration', ExitCode.configuration);
    default:
      return said(`does not work (${codeOf(error) ?? (error as Error).message})`);
  }
}

/** Without waiting for a carrier, and without becoming the session's terminal. */
function openDevice(device: string): number {
  const { O_RDWR, O_NOCTTY, O_NONBLOCK } = fs.constants;
  return fs.openSync(device, O_RDWR | O_NOCTTY | O_NONBLOCK);
}

/** <linux/major.h>, UNIX98_PTY_SLAVE_MAJOR and the seven after it. */
function isPseudoTerminal(fd: number): boolean {
  const major = (fs.fstatSync(fd).rdev >> 8) & 0xfff;
  return major >= 136 && major <= 143;
}

/**
 * flock(2) as picocom and tio do, and TIOCEXCL for those who take no lock at all. Not on a pseudo-terminal: there it
 * would outlast us if we are killed, as long as the other side lives.
 */
function take(fd: number, device: string): void {
  try {
    flock(fd, LOCK_EX | LOCK_NB);
  } catch {
    throw inUse(device, flockRecords(fd).find(({ waiting }) => !waiting)?.pid);
  }
  if (!isPseudoTerminal(fd)) takeExclusively(fd);
}

function set(fd: number, device: string, settings: LineSettings): void {
  if (setSerialLine(fd, settings)) return;
  const { speed, dataBits, parity, stopBits, flowControl } = settings;
  const format = `${speed}${parity[0]}${dataBits}${stopBits},${flowControl}`;
  throw new CommandError(
    `${device} cannot do ${format}; correct console in the configuration`,
    ExitCode.configuration,
  );
}

/** @throws CommandError: absent, in use (75), not ours to open, no serial line (78) */
export function openSerialLine(path: string, settings: LineSettings): Line {
  let fd: number | undefined;
  try {
    const device = fs.realpathSync(path);
    // Before it is opened: that alone moves the modem lines of somebody else's board.
    const holder = uucpHolder(device);
    if (holder) throw inUse(path, holder.pid, `, says ${holder.file}`);
    fd = openDevice(device);
    take(fd, path);
    set(fd, path, settings);
    return serialLine(path, fd, takeUucpLock(device));
  } catch (error) {
    if (fd !== undefined) fs.closeSync(fd);
    throw error instanceof CommandError ? error : openFailure(path, error);
  }
}

function serialLine(name: string, fd: number, unlock: () => void): Line {
  const stream = new DescriptorStream(fd, 'both');
  return {
    name,
    ifGone: '; was the adapter unplugged?',
    stream,
    async sendBreak() {
      await beginBreak(fd);
      await new Promise((resolve) => setTimeout(resolve, BREAK_MS));
      if (!stream.destroyed) endBreak(fd);
    },
    close() {
      stream.destroy();
      try {
        // Left in the middle of one.
        endBreak(fd);
        dropOutput(fd);
        giveBack(fd);
      } catch {
        // EIO: the device is gone.
      }
      // In this order: the next one writes a lock file as soon as the line is closed.
      unlock();
      fs.closeSync(fd);
    },
  };
}
