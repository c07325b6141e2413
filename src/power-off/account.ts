/** Whose board it is: accounts of the group that may switch theirs through systemd. For root, who believes nothing else. */
import { CommandError, ExitCode } from '../shell/errors.ts';
import { outputOf } from './programs.ts';

/** Whose members may have their own board switched (units/novaboot.sudoers): all boards. */
export const GROUP = 'novaboot';

/** Safe as an instance of a unit (systemd.unit(5)), which is not escaped then. */
const ACCOUNT_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;

export interface BoardAccount {
  readonly name: string;
  readonly uid: number;
}

/**
 * @param key the account's name or uid
 * @throws CommandError (77) where it may not have its board switched
 */
export function boardAccount(key: string): BoardAccount {
  const [name = '', , uidText] = outputOf('getent', ['passwd', '--', key])?.trimEnd().split(':') ?? [];
  const uid = Number(uidText);
  const isBoard =
    ACCOUNT_NAME.test(name) &&
    uid > 0 &&
    outputOf('id', ['-Gn', '--', name])?.trimEnd().split(' ').includes(GROUP);
  if (!isBoard) {
    const message = `${key} is no board account; the administrator must add it to the group ${GROUP}`;
    throw new CommandError(message, ExitCode.notAllowed);
  }
  return { name, uid };
}

/** Who runs us by sudo(8), which sets these variables. */
export function callingAccount({
  SUDO_USER: name = '',
  SUDO_UID: uid = '',
}: NodeJS.ProcessEnv): BoardAccount {
  if (!ACCOUNT_NAME.test(name))
    throw new CommandError('Run this by sudo, as a board account', ExitCode.notAllowed);
  const account = boardAccount(name);
  if (String(account.uid) !== uid)
    throw new CommandError(`The uid of ${name} has changed`, ExitCode.notAllowed);
  return account;
}
