/** The demo, from start to Ctrl-C. */
import { constants } from 'node:os';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { type BootKit, bootBoard, bootCommands, proof } from './boot/boot.ts';
import { bootKit, obstacle } from './boot/boot-kit.ts';
import { takeOver } from './boot/take-over.ts';
import { UserShell } from './boot/user-shell.ts';
import { type BootSteps, greeting } from './greeting.ts';
import { type DemoOptions, parseOptions } from './options.ts';
import { startServices } from './services.ts';
import { openState, type State } from './state.ts';

const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Waits for a signal, or for standard streams that fail: nobody is there any more. Further ones are nothing then; they
 * must not keep us from cleaning up.
 *
 * @returns the exit status of a program that the signal has ended
 */
function untilEnd(): Promise<number> {
  const { stdin, stdout, stderr } = process;
  return new Promise((resolve) => {
    const endBy = (signal: NodeJS.Signals) => resolve(128 + constants.signals[signal]);
    for (const signal of END_SIGNALS) process.on(signal, endBy);
    for (const stream of [stdin, stdout, stderr]) {
      // EIO: the terminal was closed, which may be known before its SIGHUP comes.
      stream.on('error', ({ code }: NodeJS.ErrnoException) => endBy(code === 'EIO' ? 'SIGHUP' : 'SIGPIPE'));
    }
  });
}

/** What can be booted; undefined for the simple board, which cannot. */
function chooseKit({ boot, board, program, state }: DemoOptions): BootKit | undefined {
  const kit = bootKit(program);
  if (board === 'simple') return undefined;
  const reason = obstacle(kit, state);
  if (reason === undefined) return kit;
  const message = `no virtual board: ${reason}`;
  if (boot || board === 'virtual') throw new CommandError(message, ExitCode.notConfigured);
  console.error(`novaboot-demo: ${message}; this one is simple, nothing boots on it`);
  return undefined;
}

/** A line, and when it happened. */
function say(line: string): void {
  const seconds = (performance.now() / 1000).toFixed(1).padStart(5);
  process.stdout.write(`${seconds} s  ${line}\n`);
}

/** Up to the shell on the board; with a terminal, until the user leaves it. */
async function boot(state: State, kit: BootKit, shell: UserShell): Promise<void> {
  const board = await bootBoard({ state, kit, shell, say });
  for (const line of await proof(board, kit)) process.stdout.write(`  ${line}\n`);
  if (!isInteractive()) return;
  process.stdout.write('\nHere is the console of the board. Ctrl-] leaves it, and the demo goes on.\n');
  await takeOver(board);
  process.stdout.write('\n');
}

function isInteractive(): boolean {
  return process.stdin.isTTY && process.stdout.isTTY;
}

/** What to do by hand, unless somebody has changed the configuration so that we don't know. */
async function stepsByHand(state: State, kit: BootKit, shell: UserShell): Promise<BootSteps | undefined> {
  try {
    const { commands } = await bootCommands(state, kit, shell);
    return { files: kit, commands };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(`novaboot-demo: ${error.message}`);
    return undefined;
  }
}

/**
 * Runs until a signal, or until its output goes nowhere; with --boot and without a terminal, until the board has
 * booted. All that was started has ended then.
 *
 * @returns the exit status
 */
export async function runDemo(args: readonly string[], script: string): Promise<number> {
  const options = parseOptions(args, script);
  await using cleanup = new AsyncDisposableStack();
  const ended = untilEnd();
  const state = openState(options.state);
  cleanup.defer(() => state.release());
  const kit = chooseKit(options);
  const port = await startServices(options, state, { virtual: kit !== undefined, cleanup });

  let isDone = false;
  async function serve(): Promise<number> {
    if (kit && options.boot) {
      await boot(state, kit, cleanup.use(new UserShell(say)));
      if (!isInteractive()) return 0;
    }
    const steps = kit && (await stepsByHand(state, kit, cleanup.use(new UserShell(() => {}))));
    process.stdout.write(greeting(state, port, steps));
    isDone = true;
    return ended;
  }
  const status = await Promise.race([serve(), ended]);
  return isDone ? 0 : status;
}
