/** The environment of what we run: an allow-list, whatever an SSH client or a key's options set. */
import type { Request } from './request.ts';

/** The same for every board, so that no client chooses what a configured command finds. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What sshd, login or systemd set. */
const TRUSTED = ['HOME', 'USER', 'LOGNAME', 'SHELL', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'];
const CONNECTION = ['SSH_CONNECTION', 'SSH_CLIENT', 'SSH_TTY'];

/** The wrapper (scripts/build.ts) keeps locales from Node by this prefix. */
export const LOCALE_PREFIX = 'NOVABOOT_LOCALE_';

/** What a client may set (Debian's AcceptEnv, and the terminal's name), with the form that it must have. */
const CLIENT: readonly [name: RegExp, value: RegExp][] = [
  [new RegExp(`^${LOCALE_PREFIX}(?:LANG|LC_[A-Z]{1,20})$`), /^[A-Za-z0-9_.@-]{0,64}$/],
  [/^TERM$/, /^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$/],
];

function isAccepted(name: string, value: string): boolean {
  if (TRUSTED.includes(name)) return true;
  if (CONNECTION.includes(name)) return /^[\x20-\x7e]{0,256}$/.test(value);
  return CLIENT.some(([names, values]) => names.test(name) && values.test(value));
}

/** The same environment in the form that a new process of ours can be given. */
export function withHiddenLocale(env: Readonly<Record<string, string>>): Record<string, string> {
  const hidden = Object.entries(env).map(([name, value]) => [
    name.replace(/^(?=LANG$|LC_)/, LOCALE_PREFIX),
    value,
  ]);
  return Object.fromEntries(hidden);
}

/** What a console, reset or power command gets to see, besides NOVABOOT_ID. */
export function commandEnvironment(
  env: NodeJS.ProcessEnv,
  user: Request['user'],
  parent: number,
): Record<string, string> {
  const accepted: Record<string, string> = { PATH };
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && isAccepted(name, value)) accepted[name.replace(LOCALE_PREFIX, '')] = value;
  }
  if (user !== undefined) accepted.NB_USER = user;
  accepted.NOVABOOT_PPID = String(parent);
  return accepted;
}

/**
 * The environment for what a program of ours runs in place of COMMAND_SCRIPT: its own, with locales under their names
 * again. The wrapper (scripts/build.ts) has chosen the variables.
 */
export function programEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && name !== 'NOVABOOT_NOFILE') shown[name.replace(LOCALE_PREFIX, '')] = value;
  }
  return shown;
}
