/**
 * A port of a USB hub that can switch it, through uhubctl(8): `usbhub:LOCATION:PORT`, as in `usbhub:1-1.4:2`.
 *
 * uhubctl ends with 0 also when the hub did not do it. What counts is the line of the port in what it prints,
 * `  Port 2: 0503 power ...` or `  Port 2: 0000 off`; a hub that is a USB 2 and a USB 3 hub in one has two such lines.
 */
import { CommandError } from '../shell/errors.ts';
import type { PowerDriver } from './driver.ts';
import { badSpec, shown } from './errors.ts';
import { runTool } from './tool.ts';

async function run(place: readonly string[], words: readonly string[], signal: AbortSignal): Promise<string> {
  const { status, stdout, stderr } = await runTool('uhubctl', [...place, ...words], {
    signal,
    package: 'uhubctl',
  });
  if (/permission|Permission|Follow https:/.test(stderr)) {
    throw new CommandError('uhubctl may not switch the hub; give the account its devices by a udev rule');
  }
  if (/^No compatible devices/m.test(stderr)) {
    throw new CommandError(
      `no hub that can switch is at ${place[1]}; uhubctl without arguments shows those that are there`,
    );
  }
  if (status === 0) return stdout;
  throw new CommandError(`uhubctl failed (status ${status}): ${shown(stderr) || 'no reason given'}`);
}

export function parseUsbhub(rest: string): PowerDriver {
  const [, location = '', port = ''] =
    /^(\d{1,3}(?:-\d{1,2}(?:\.\d{1,2}){0,6})?):([1-9]\d?)$/.exec(rest) ?? [];
  if (port === '')
    throw badSpec(`usbhub: "${shown(rest)}" is no LOCATION:PORT as uhubctl prints them, like 1-1.4:2`);
  const place = ['-l', location, '-p', port];
  return {
    async switchTo(state, signal) {
      await run(place, ['-a', state], signal);
    },
    async state(signal) {
      const text = await run(place, [], signal);
      const lines = [...text.matchAll(/^ *Port (\d+): [0-9a-f]{4} (off|power)\b/gm)];
      const states = lines.filter(([, number]) => number === port).map(([, , word]) => word);
      if (states.length > 0) return states.includes('power') ? 'on' : 'off';
      throw new CommandError(`uhubctl shows no port ${port} of the hub at ${location}; has the hub so many?`);
    },
  };
}
