/** Whether a board can be as it is wanted, as far as that is known without looking at the host. */
import { checkSetting } from '../doctor/configuration/settings.ts';
import { GROUP } from '../power-off/account.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { USER_NAME } from '../shell/request.ts';
import { printable } from '../shell/text.ts';
import { type BoardConfig, CONFIG_NAMES, type DesiredBoard } from './desired.ts';
import { checkNfs } from './nfs-file.ts';

/** useradd(8) takes these on every Linux; so do units, files of /etc/sudoers.d, and sections of tftpd.conf. */
const BOARD_NAME = /^[a-z_][a-z0-9_-]{0,30}$/;

/** What the TFTP server has beside the boards' directories. */
const RESERVED = 'public';

function refuse(message: string, status: ExitCode = ExitCode.usage): never {
  throw new CommandError(message, status);
}

/** @throws CommandError (64) for a name that a new board cannot have */
export function checkBoardName(name: string): void {
  if (!BOARD_NAME.test(name)) {
    refuse(
      `"${printable(name.slice(0, 64))}" cannot be a board's name: 1 to 31 of a-z, 0-9, "_" and "-", beginning with a letter`,
    );
  }
  if (name === RESERVED)
    refuse(`"${name}" is the TFTP server's directory for everybody; choose another name`);
  if (name === GROUP) refuse(`"${name}" is the group of all boards; choose another name`);
}

/** @throws CommandError (64) */
export function checkUserName(name: string): void {
  if (USER_NAME.test(name)) return;
  refuse(
    `"${printable(name.slice(0, 80))}" cannot be a user's name: 1 to 64 letters, digits, "_", "." and "-", not beginning with "." or "-"`,
  );
}

async function checkConfig(config: BoardConfig): Promise<void> {
  for (const name of CONFIG_NAMES) {
    const value = config[name];
    if (value === undefined) continue;
    if (value.includes('\0')) refuse(`${name}: NUL bytes are not allowed`, ExitCode.configuration);
    try {
      await checkSetting(name, value);
    } catch (error) {
      refuse((error as Error).message, ExitCode.configuration);
    }
  }
}

function checkAccount({ home, uid, gecos }: NonNullable<DesiredBoard['account']>): void {
  if (home !== undefined && !/^\/[A-Za-z0-9_.@+/-]*[A-Za-z0-9_@+-]$/.test(home))
    refuse(`"${printable(home)}" cannot be a home directory: an absolute path of plain characters`);
  if (home?.split('/').some((part) => part === '..' || part === '.'))
    refuse(`"${printable(home)}" cannot be a home directory: write it without . and ..`);
  if (uid !== undefined && !(Number.isInteger(uid) && uid > 0 && uid < 2 ** 32 - 2))
    refuse(`${uid} cannot be a uid`);
  if (gecos !== undefined && /[:\n\0]/.test(gecos)) refuse('The description must not hold ":" or a line end');
}

/** All that can be known wrong without looking at the host. @throws CommandError (64, 78) */
export async function checkBoard({ account, config, nfs, users = [] }: DesiredBoard): Promise<void> {
  if (account !== undefined) checkAccount(account);
  if (config !== undefined) await checkConfig(config);
  if (nfs !== undefined) checkNfs(nfs);
  for (const { name } of users) checkUserName(name);
}
