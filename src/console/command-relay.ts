/** Runs a console program of somebody else's between the user and the log: neither of them notices. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { programEnvironment } from '../shell/environment.ts';
import { writeError } from '../shell/output.ts';
import { isBroken, setBlocking } from '../system/descriptors.ts';
import { openPipe } from '../system/pipe.ts';
import { spawnInTerminal, terminalSize } from '../system/pty.ts';
import { rawTerminal } from '../system/termios.ts';
import { type ConsoleLog, openConsoleLog } from './log-writer.ts';

type Argv = readonly [file: string, ...args: string[]];
type Environment = Readonly<Record<string, string>>;

/** LOCK_SCRIPT kills us half a second after its first signal. */
const KILL_MS = 200;
/** What the program said last is worth waiting so long for a user who reads nothing. */
const STUCK_MS = 2000;
/** Others may have its output open for ever. What it said itself comes at once, and theirs is not worth more than this. */
const QUIET_MS = 100;
const NOISE_MS = 1000;

/** The program, running. */
interface Relayed {
  readonly child: ChildProcess;
  readonly output: AsyncIterable<Buffer>;
  /** Whether nobody has its output open any more. */
  isSilent(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Makes the user's terminal what it was. */
  restore(): void;
}

/** Our terminal passes everything on as it is, to one that is like ours has been. */
function startInTerminal(argv: Argv, env: Environment): Relayed {
  const terminal = spawnInTerminal(argv, {
    cwd: process.cwd(),
    size: terminalSize(0),
    like: 0,
    environment: (path) => ('SSH_TTY' in env ? { ...env, SSH_TTY: path } : env),
  });
  const restore = rawTerminal(0);
  process.on('SIGWINCH', () => terminal.resize(terminalSize(0)));
  process.stdin.on('error', () => terminal.close());
  process.stdin.pipe(terminal.input);
  return {
    child: terminal.child,
    output: terminal.output,
    isSilent: terminal.isHungUp,
    signal(signal) {
      if (terminal.child.pid !== undefined) process.kill(-terminal.child.pid, signal);
    },
    restore,
  };
}

/** Only its standard output passes through us. It ends with us, however we end: the line is the next user's then. */
function startWithPipe(argv: Argv, env: Environment): Relayed {
  const { readEnd, writeEnd } = openPipe();
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', ...argv], {
    env,
    stdio: ['inherit', writeEnd, 'inherit'],
  });
  fs.closeSync(writeEnd);
  const output = new Socket({ fd: readEnd, readable: true, writable: false });
  return {
    child,
    output,
    isSilent: () => output.destroyed || isBroken([readEnd]),
    signal: (signal) => child.kill(signal),
    restore: () => {},
  };
}

/**
 * The program ends with us, and soon.
 *
 * @param isTerminal it has a process group of its own
 * @returns resolves when nothing is left, if we were told to end
 */
function passSignals(relayed: Relayed, isTerminal: boolean): () => Promise<void> {
  let killed: Promise<void> | undefined;
  const pass = (signal: NodeJS.Signals) => {
    try {
      relayed.signal(signal);
    } catch {
      // ESRCH: nothing is left.
    }
  };
  for (const signal of ['SIGHUP', 'SIGTERM'] as const) {
    process.on(signal, () => {
      pass(signal);
      killed ??= sleep(KILL_MS).then(() => pass('SIGKILL'));
    });
  }
  // These are for everybody in our group.
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, () => isTerminal && pass(signal));
  return async () => await killed;
}

async function exitStatus(child: ChildProcess): Promise<number> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal ? 128 + constants.signals[signal] : (code ?? 1);
}

/** Passes the program's output to the log and the user. @returns resolves when nothing more is to be expected of it */
function passOutput(relayed: Relayed, log: ConsoleLog): () => Promise<void> {
  let moved = 0;
  async function* logged(output: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const bytes of output) {
      moved = performance.now();
      log.write(bytes);
      yield bytes;
    }
  }
  // Others may have made it non-blocking.
  setBlocking(1);
  const user = fs.createWriteStream('', { fd: 1, autoClose: false });
  // Where nobody reads any more, that closes the program's output, too.
  const passed = pipeline(relayed.output, logged, user).catch(() => {});
  const patience = async () => {
    const isSilent = relayed.isSilent();
    moved = performance.now();
    const end = moved + (isSilent ? Number.POSITIVE_INFINITY : NOISE_MS);
    const rest = isSilent ? STUCK_MS : QUIET_MS;
    while (performance.now() < Math.min(end, moved + rest)) await sleep(QUIET_MS);
  };
  return async () => await Promise.race([passed, patience()]);
}

/** @returns the program's exit status, 128 + signal if one has ended it */
export async function relayCommand(argv: Argv, env: NodeJS.ProcessEnv): Promise<number> {
  const isTerminal = isatty(0) && isatty(1);
  const log = openConsoleLog(env.HOME ?? '', env.NB_USER, (message) =>
    writeError(`novaboot-shell: ${message}${isTerminal ? '\r' : ''}\n`),
  );
  const start = isTerminal ? startInTerminal : startWithPipe;
  const relayed = start(argv, programEnvironment(env));
  const whenKilled = passSignals(relayed, isTerminal);
  const lastWords = passOutput(relayed, log);
  try {
    const status = await exitStatus(relayed.child);
    await lastWords();
    await whenKilled();
    return status;
  } finally {
    relayed.restore();
    log.close();
  }
}
