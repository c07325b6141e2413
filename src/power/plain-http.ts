/** Any switch with an address for on, one for off, and maybe one that answers with the state in plain text. */
import type { PowerDriver } from './driver.ts';
import { type Address, get, notUnderstood } from './http-request.ts';

export function plainSwitch(on: Address, off: Address, state: Address | undefined): PowerDriver {
  return {
    async switchTo(wanted, signal) {
      await get(wanted === 'on' ? on : off, signal);
    },
    async state(signal) {
      if (state === undefined) return undefined;
      const answer = await get(state, signal);
      if (/^\s*(on|1|true)\s*$/i.test(answer)) return 'on';
      if (/^\s*(off|0|false)\s*$/i.test(answer)) return 'off';
      throw notUnderstood(state, answer);
    },
  };
}
