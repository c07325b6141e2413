/** Switching through a driver: bounded in time, tried again where that is harmless, and confirmed by the device. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, ExitCode } from '../shell/errors.ts';
import type { PowerDriver, PowerState } from './driver.ts';
import { UnreachableError } from './errors.ts';

/** ms for all that belongs to one switching. */
const SWITCH_LIMIT = 10_000;

/** ms for asking. */
const STATE_LIMIT = 5000;

/** ms between two tries, and between two questions. */
const PAUSE = 300;

/** Follows `work` until it ends or the signal comes, whatever the driver does about the signal. */
async function bounded<T>(limit: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), limit);
  const late = new Promise<never>((_, reject) => {
    end.signal.onabort = () =>
      reject(new CommandError(`no answer within ${limit / 1000} s; is the device in order?`));
  });
  try {
    return await Promise.race([work(end.signal), late]);
  } finally {
    clearTimeout(timer);
    end.abort();
  }
}

/** A device that was not reached has not switched: asking it again does no harm. */
async function tryTwice(work: () => Promise<void>): Promise<void> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
  }
  await sleep(PAUSE);
  return await work();
}

/** Waits until the device says that it is so; some take their time. */
async function confirm(driver: PowerDriver, wanted: PowerState, signal: AbortSignal): Promise<void> {
  if (driver.state === undefined) return;
  for (const deadline = Date.now() + SWITCH_LIMIT / 2; ; await sleep(PAUSE)) {
    const state = await driver.state(signal);
    if (state === undefined || state === wanted) return;
    if (Date.now() > deadline) {
      throw new CommandError(`the device took the order, but says that it is ${state}; look at the device`);
    }
  }
}

/** @throws CommandError */
export async function switchPower(driver: PowerDriver, wanted: PowerState): Promise<void> {
  await bounded(SWITCH_LIMIT, async (signal) => {
    await tryTwice(() => driver.switchTo(wanted, signal));
    await confirm(driver, wanted, signal);
  });
}

/**
 * Off, and on again after `delay` seconds, or at once when `hurry` says that we are to end.
 * @throws CommandError
 */
export async function resetPower(driver: PowerDriver, delay: number, hurry: AbortSignal): Promise<void> {
  await switchPower(driver, 'off');
  await sleep(delay * 1000, undefined, { signal: hurry }).catch(() => undefined);
  try {
    await switchPower(driver, 'on');
  } catch (error) {
    const { message, exitCode } = error as CommandError;
    throw new CommandError(`switched off, but could not switch on again: ${message}`, exitCode, {
      cause: error,
    });
  }
}

/** @throws CommandError, with status `notConfigured` when the device cannot tell */
export async function readPower(driver: PowerDriver): Promise<PowerState> {
  const state = await bounded(STATE_LIMIT, async (signal) => driver.state?.(signal));
  if (state !== undefined) return state;
  throw new CommandError('the device cannot tell; see what is remembered', ExitCode.notConfigured);
}
