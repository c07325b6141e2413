/** Shelly's relays: `http://[USER:PASSWORD@]HOST/relay/N` and `http://[...]HOST/rpc/Switch?id=N`. */
import type { PowerDriver, PowerState } from './driver.ts';
import { badSpec } from './errors.ts';
import { type Address, getObject, notUnderstood } from './http-request.ts';

async function ask(address: Address, path: string, field: string, signal: AbortSignal): Promise<PowerState> {
  const answer = await getObject({ ...address, url: new URL(path, address.url) }, signal);
  const value = answer[field];
  if (typeof value !== 'boolean') throw notUnderstood(address, answer);
  return value ? 'on' : 'off';
}

/**
 * First generation: Shelly's "Gen1 API", /relay/{index}: `turn` = on or off, answered by `ison`. Basic authentication.
 */
export function shelly1Switch(address: Address): PowerDriver | undefined {
  const { pathname } = address.url;
  if (!pathname.startsWith('/relay')) return undefined;
  if (!/^\/relay\/\d$/.test(pathname)) throw badSpec('Shelly: the path is /relay/N, with N from 0');
  return {
    async switchTo(state, signal) {
      await ask(address, `${pathname}?turn=${state}`, 'ison', signal);
    },
    state: (signal) => ask(address, pathname, 'ison', signal),
  };
}

/**
 * Second generation and later: Shelly's "Gen2+ API", Switch.Set (answered by `was_on`, the state before) and
 * Switch.GetStatus (`output`). Digest authentication with SHA-256.
 */
export function shelly2Switch(address: Address): PowerDriver | undefined {
  const { pathname, searchParams } = address.url;
  if (!pathname.startsWith('/rpc')) return undefined;
  const id = searchParams.get('id') ?? '0';
  if (!/^\/rpc\/Switch(\.Set|\.GetStatus)?$/.test(pathname) || !/^\d{1,3}$/.test(id)) {
    throw badSpec('Shelly: the address ends with /rpc/Switch?id=N, with N from 0');
  }
  return {
    async switchTo(state, signal) {
      await ask(address, `/rpc/Switch.Set?id=${id}&on=${state === 'on'}`, 'was_on', signal);
    },
    state: (signal) => ask(address, `/rpc/Switch.GetStatus?id=${id}`, 'output', signal),
  };
}
