/** The sessions of an account, as systemd-logind knows them. */
import { outputOf } from './programs.ts';

/** sd_uid_get_state(3). What runs in a session that is `closing` was left behind by it. */
const IN_SESSION = ['opening', 'online', 'active'];

export function hasSession(account: string): boolean {
  const state = outputOf('loginctl', ['show-user', '-p', 'State', '--value', '--', account]);
  return state !== undefined && IN_SESSION.includes(state.trimEnd());
}
