/** Terminals and serial lines: termios(3) by the kernel's own struct termios2, which has any speed; ioctl_tty(2). */
import { define, defineBlocking } from './libc.ts';

/** <asm-generic/ioctls.h>, the same for x86-64 and arm64. */
const TCGETS2 = 0x802c542a;
const TCSETS2 = 0x402c542b;
const TCFLSH = 0x540b;
const TIOCEXCL = 0x540c;
const TIOCNXCL = 0x540d;
const TIOCSBRK = 0x5427;
const TIOCCBRK = 0x5428;
/** Argument of TCFLSH. */
const TCOFLUSH = 1;

/** struct termios2: four flag words, c_line, c_cc[19], two speeds. <asm-generic/termbits.h> */
const TERMIOS2_BYTES = 44;
const At = { iflag: 0, oflag: 4, cflag: 8, lflag: 12, cc: 17, ispeed: 36, ospeed: 40 } as const;
const VTIME = 5;
const VMIN = 6;

/** c_iflag */
const INPUT = { BRKINT: 0o2, PARMRK: 0o10, ISTRIP: 0o40, INLCR: 0o100, IGNCR: 0o200, ICRNL: 0o400 } as const;
const IGNBRK = 0o1;
const IGNPAR = 0o4;
const INPCK = 0o20;
const IXON = 0o2000;
const IXANY = 0o4000;
const IXOFF = 0o10000;
/** c_oflag */
const OPOST = 0o1;
/** c_lflag */
const LOCAL = { ISIG: 0o1, ICANON: 0o2, ECHO: 0o10, ECHONL: 0o100, IEXTEN: 0o100000 } as const;
/** c_cflag */
const CBAUD = 0o10017;
const BOTHER = 0o10000;
const CIBAUD = 0o2003600000;
const CSIZE = 0o60;
const CS7 = 0o40;
const CS8 = 0o60;
const CSTOPB = 0o100;
const CREAD = 0o200;
const PARENB = 0o400;
const PARODD = 0o1000;
const HUPCL = 0o2000;
const CLOCAL = 0o4000;
const CMSPAR = 0o10000000000;
const CRTSCTS = 0o20000000000;
/** What a driver must take as it is asked for. */
const FORMAT = CSIZE | CSTOPB | PARENB | PARODD | CMSPAR | CRTSCTS;

/** A receiver bears a speed that is off by this part. */
const SPEED_TOLERANCE = 0.03;

const ioctlBuffer = define<[fd: number, request: number, type: 'void *', argument: Buffer]>(
  'int ioctl(int fd, unsigned long request, ...)',
);
const ioctlNumber = define<[fd: number, request: number, type: 'int', argument: number]>(
  'int ioctl(int fd, unsigned long request, ...)',
);
const ioctlInThread = defineBlocking<[fd: number, request: number, argument: number]>(
  'int ioctl(int fd, unsigned long request, long argument)',
);

/** How a serial line is set, as in 115200n8. */
export interface LineSettings {
  /** Bits a second. */
  readonly speed: number;
  readonly dataBits: 7 | 8;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
  readonly flowControl: 'none' | 'rtscts' | 'xonxoff';
}

function all(flags: Readonly<Record<string, number>>): number {
  return Object.values(flags).reduce((sum, flag) => sum | flag, 0);
}

function getTermios(fd: number): Buffer {
  const termios = Buffer.alloc(TERMIOS2_BYTES);
  ioctlBuffer(fd, TCGETS2, 'void *', termios);
  return termios;
}

function setTermios(fd: number, termios: Buffer): void {
  ioctlBuffer(fd, TCSETS2, 'void *', termios);
}

/** Gives a terminal the modes of another, also by the master of a pseudo-terminal. */
export function copyModes(from: number, to: number): void {
  setTermios(to, getTermios(from));
}

/** Clears and sets bits of one of the flag words. */
function change(termios: Buffer, at: number, clear: number, set = 0): void {
  termios.writeUInt32LE(((termios.readUInt32LE(at) & ~clear) | set) >>> 0, at);
}

/** Bytes pass as they are: cfmakeraw(3). */
function makeRaw(termios: Buffer): void {
  change(termios, At.iflag, all(INPUT) | IGNBRK | INPCK | IXON | IXANY | IXOFF);
  change(termios, At.oflag, OPOST);
  change(termios, At.lflag, all(LOCAL));
  change(termios, At.cflag, CSIZE | PARENB, CS8);
  termios[At.cc + VMIN] = 1;
  termios[At.cc + VTIME] = 0;
}

/** Makes the user's terminal raw. @returns what takes that back, also when it has hung up meanwhile */
export function rawTerminal(fd: number): () => void {
  const before = getTermios(fd);
  const raw = Buffer.from(before);
  makeRaw(raw);
  setTermios(fd, raw);
  return () => {
    try {
      setTermios(fd, before);
    } catch {
      // There is no terminal any more that could be restored.
    }
  };
}

/** Settings as the bits of c_cflag. */
function format({ dataBits, parity, stopBits, flowControl }: LineSettings): number {
  let bits = dataBits === 8 ? CS8 : CS7;
  if (stopBits === 2) bits |= CSTOPB;
  if (parity !== 'none') bits |= PARENB;
  if (parity === 'odd') bits |= PARODD;
  if (flowControl === 'rtscts') bits |= CRTSCTS;
  return bits;
}

/**
 * Sets a serial line: raw, modem lines ignored, and DTR left as it is when the line is closed (a board whose reset
 * hangs on DTR must not be reset by the next one who opens it).
 *
 * @returns false where the driver took something else than what was asked for, as drivers may without an error
 * @throws SystemError, ENOTTY where it is no terminal, EIO where there is no hardware behind it
 */
export function setSerialLine(fd: number, settings: LineSettings): boolean {
  const termios = getTermios(fd);
  makeRaw(termios);
  change(termios, At.iflag, 0, IGNBRK);
  if (settings.parity !== 'none') change(termios, At.iflag, 0, INPCK | IGNPAR);
  if (settings.flowControl === 'xonxoff') change(termios, At.iflag, 0, IXON | IXOFF);
  const wanted = format(settings);
  change(termios, At.cflag, FORMAT | HUPCL | CBAUD | CIBAUD, wanted | BOTHER | CREAD | CLOCAL);
  termios.writeUInt32LE(settings.speed, At.ispeed);
  termios.writeUInt32LE(settings.speed, At.ospeed);
  setTermios(fd, termios);
  const taken = getTermios(fd);
  const speed = taken.readUInt32LE(At.ospeed);
  return (
    (taken.readUInt32LE(At.cflag) & FORMAT) === (wanted & FORMAT) &&
    Math.abs(speed - settings.speed) <= settings.speed * SPEED_TOLERANCE
  );
}

/** Nobody else can open the terminal from now on; it does not bind root, nor those who have it open. */
export function takeExclusively(fd: number): void {
  ioctlNumber(fd, TIOCEXCL, 'int', 0);
}

/** Takes that back: it would last as long as anybody has the terminal open. */
export function giveBack(fd: number): void {
  ioctlNumber(fd, TIOCNXCL, 'int', 0);
}

/** Drops what has not been sent: closing a line whose other side lets nothing through waits half a minute for it. */
export function dropOutput(fd: number): void {
  ioctlNumber(fd, TCFLSH, 'int', TCOFLUSH);
}

/** Begins a break once all has been sent, which may take for ever: hence in a thread. */
export async function beginBreak(fd: number): Promise<void> {
  await ioctlInThread(fd, TIOCSBRK, 0);
}

export function endBreak(fd: number): void {
  ioctlNumber(fd, TIOCCBRK, 'int', 0);
}
