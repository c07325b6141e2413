/**
 * A GPIO line of this host through libgpiod's gpioset(1), version 1 or 2: `gpio:CHIP:LINE`, as in `gpio:gpiochip0:17`;
 * `gpio:CHIP:!LINE` is low while the board is on.
 *
 * The kernel gives a line back when the process that requested it ends, and its level is undefined then. So a gpioset
 * stays in the background and holds the line, found again by its arguments. It says what the state is: to read a line
 * would turn it into an input.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '../shell/errors.ts';
import { processesWith } from '../system/proc.ts';
import type { PowerDriver, PowerState } from './driver.ts';
import { badSpec, shown } from './errors.ts';
import { runTool } from './tool.ts';

/** ms between two looks at whether a holder has ended. */
const PAUSE = 20;

interface Line {
  readonly chip: string;
  readonly offset: string;
  readonly inverted: boolean;
}

function isOurs(pid: number): boolean {
  try {
    return fs.statSync(`/proc/${pid}`).uid === process.getuid?.();
  } catch {
    return false;
  }
}

/** What gpioset calls the line at a state. */
function assignment({ offset, inverted }: Line, state: PowerState): string {
  return `${offset}=${(state === 'on') !== inverted ? 1 : 0}`;
}

/** The processes that hold the line there. Both versions have these words at the end of their arguments. */
function holders(line: Line, state: PowerState): number[] {
  return processesWith([line.chip, assignment(line, state)]).filter(isOurs);
}

/**
 * Outside of the SSH session, which systemd would count as there as long as one of its processes is: in a scope of the
 * account's own manager, where there is one.
 */
function inOwnScope(words: readonly string[]): [string, ...string[]] {
  const directory = process.env.XDG_RUNTIME_DIR ?? `/run/user/${process.getuid?.()}`;
  if (!fs.existsSync(path.join(directory, 'systemd/private'))) return words as [string, ...string[]];
  return ['systemd-run', '--user', '--scope', '--quiet', '--collect', '--', ...words];
}

/** Lets go of the line at a state. */
async function release(line: Line, state: PowerState, signal: AbortSignal): Promise<void> {
  for (const pid of holders(line, state)) {
    try {
      process.kill(pid, 'SIGTERM');
    } catch {
      // It has just ended.
    }
  }
  while (holders(line, state).length > 0 && !signal.aborted) await sleep(PAUSE);
}

/** gpioset returns as soon as its copy in the background has the line. */
async function hold(line: Line, state: PowerState, signal: AbortSignal): Promise<void> {
  const options = { signal, package: 'gpiod' };
  const { stdout: version } = await runTool('gpioset', ['--version'], options);
  const background = / v1\./.test(version) ? ['--mode=signal', '--background'] : ['--daemonize', '--chip'];
  const [program, ...words] = inOwnScope(['gpioset', ...background, line.chip, assignment(line, state)]);
  const { status, stderr } = await runTool(program, words, options);
  if (status === 0) return;
  const reason = shown(stderr).replace(/^\S*gpioset: /, '') || `status ${status}`;
  throw new CommandError(
    `cannot set line ${line.offset} of ${line.chip}: ${reason}; gpioinfo shows the lines and who uses them`,
  );
}

export function parseGpio(rest: string): PowerDriver {
  const [, chip = '', not = '', offset = ''] =
    /^([A-Za-z0-9_/][\w./-]{0,63}):(!?)(\d{1,4})$/.exec(rest) ?? [];
  if (offset === '')
    throw badSpec(`gpio: "${shown(rest)}" is no CHIP:LINE as gpioinfo prints them, like gpiochip0:17`);
  const line: Line = { chip, offset, inverted: not !== '' };
  return {
    async switchTo(state, signal) {
      // Who holds it at that already goes on: another one would let go of it for a moment.
      if (holders(line, state).length > 0) return;
      await release(line, state === 'on' ? 'off' : 'on', signal);
      await hold(line, state, signal);
    },
    async state() {
      const [state, other] = (['on', 'off'] as const).filter(
        (candidate) => holders(line, candidate).length > 0,
      );
      return other === undefined ? state : undefined;
    },
  };
}
