/**
 * Tasmota: `http://[USER:PASSWORD@]HOST/cm?cmnd=PowerN`, N = 1 if it is left out.
 *
 * Tasmota's "Commands", "Web requests": GET /cm?user=USER&password=PASSWORD&cmnd=Power1%20On, answered by
 * {"POWER1":"ON"}, or {"POWER":"ON"} where there is one relay; without a value after the command by the same.
 */
import type { PowerDriver, PowerState } from './driver.ts';
import { badSpec } from './errors.ts';
import { type Address, getObject, notUnderstood } from './http-request.ts';

/** The request for a command. The device takes user and password from the query. */
function commandAddress(address: Address, command: string): Address {
  const { url, credentials } = address;
  const words = { ...credentials, cmnd: command };
  const query = Object.entries(words).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return { ...address, url: new URL(`/cm?${query.join('&')}`, url) };
}

/** The address as it is documented, with user and password in its query. */
function withCredentials(address: Address): Address {
  const user = address.url.searchParams.get('user');
  const password = address.url.searchParams.get('password');
  return user === null ? address : { ...address, credentials: { user, password: password ?? '' } };
}

export function tasmotaSwitch(given: Address): PowerDriver | undefined {
  if (given.url.pathname !== '/cm') return undefined;
  const address = withCredentials(given);
  const command = address.url.searchParams.get('cmnd') ?? 'Power';
  const [, relay] = /^power([1-9]|[12]\d|3[0-2])?$/i.exec(command) ?? [undefined, 'none'];
  if (relay === 'none') throw badSpec('Tasmota: cmnd= is Power or Power1 to Power32, without On or Off');
  const names = [`POWER${relay ?? 1}`, ...((relay ?? '1') === '1' ? ['POWER'] : [])];

  const call = async (value: string, signal: AbortSignal): Promise<PowerState> => {
    const answer = await getObject(commandAddress(address, `Power${relay ?? ''}${value}`), signal);
    const state = names.map((name) => answer[name]).find((found) => found !== undefined);
    if (state !== 'ON' && state !== 'OFF') throw notUnderstood(address, answer);
    return state === 'ON' ? 'on' : 'off';
  };
  return {
    async switchTo(state, signal) {
      await call(state === 'on' ? ' On' : ' Off', signal);
    },
    state: (signal) => call('', signal),
  };
}
