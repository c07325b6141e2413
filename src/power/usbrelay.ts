/**
 * USB relay boards through usbrelay(1): `usbrelay:MODULE_N`, several separated by commas; `!MODULE_N` is off while the
 * board is on.
 *
 * Its exit status is no help: absent modules and relays that it may not open end it with 0. What counts is what it
 * prints when it is called without arguments: a line MODULE_N=STATE for each relay, STATE 0, 1, or -1 for unknown.
 */
import { CommandError } from '../shell/errors.ts';
import type { PowerDriver, PowerState } from './driver.ts';
import { badSpec, shown } from './errors.ts';
import { runTool } from './tool.ts';

interface Relay {
  /** As in LY03X_1. */
  readonly name: string;
  readonly inverted: boolean;
}

function parseRelay(word: string): Relay {
  const [, not = '', name = ''] = /^(!?)([A-Za-z0-9./-]{1,64}_[1-9])$/.exec(word) ?? [];
  if (name === '')
    throw badSpec(`usbrelay: "${shown(word)}" is no relay; usbrelay prints their names, as LY03X_1`);
  return { name, inverted: not !== '' };
}

async function run(args: readonly string[], signal: AbortSignal): Promise<string> {
  const { status, stdout, stderr } = await runTool('usbrelay', args, { signal, package: 'usbrelay' });
  if (/^Unable to open any device/m.test(stderr)) {
    throw new CommandError(
      'usbrelay may not open the relay board; give the account its /dev/hidraw* by a udev rule',
    );
  }
  if (status !== 0)
    throw new CommandError(`usbrelay failed (status ${status}): ${shown(stderr) || 'no reason given'}`);
  return stdout;
}

/** The state of each relay in the order of the list; undefined for one that cannot tell. */
async function readRelays(
  relays: readonly Relay[],
  signal: AbortSignal,
): Promise<(PowerState | undefined)[]> {
  const lines = (await run([], signal)).split('\n');
  return relays.map(({ name, inverted }) => {
    const line = lines.find((candidate) => candidate.startsWith(`${name}=`));
    if (line === undefined) throw new CommandError(`no relay ${name} is there; is its board plugged in?`);
    const value = line.slice(name.length + 1).trim();
    if (value === '-1') return undefined;
    if (value !== '0' && value !== '1')
      throw new CommandError(`usbrelay says "${shown(line)}"; try it by hand`);
    return (value === '1') !== inverted ? 'on' : 'off';
  });
}

export function parseUsbrelay(rest: string): PowerDriver {
  const relays = rest.split(',').map(parseRelay);
  return {
    async switchTo(state, signal) {
      await readRelays(relays, signal);
      await run(
        relays.map(({ name, inverted }) => `${name}=${(state === 'on') !== inverted ? 1 : 0}`),
        signal,
      );
    },
    async state(signal) {
      const states = new Set(await readRelays(relays, signal));
      if (states.size === 1) return [...states][0];
      if (states.has(undefined)) return undefined;
      throw new CommandError('some of the relays are on and some are off; switch the board on or off');
    },
  };
}
