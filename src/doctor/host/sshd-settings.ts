/** What sshd's settings for a board's account may be: sshd_config(5). */
import type { Said } from '../finding.ts';

/** As `sshd -T` prints them: in lower case, some of them several times. */
export type SshdSettings = ReadonlyMap<string, readonly string[]>;

export function parseSettings(text: string): SshdSettings {
  const settings = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    settings.set(name, [...(settings.get(name) ?? []), value]);
  }
  return settings;
}

export interface Login {
  readonly settings: SshdSettings;
  readonly name: string;
  readonly groups: readonly string[];
}

/** A setting, or several, that should not be so. */
interface Rule extends Omit<Said, 'subject' | 'what'> {
  /** @returns what is wrong, or undefined */
  what(login: Login): string | undefined;
}

const EXAMPLE = 'the example sshd-novaboot.conf, installed as /etc/ssh/sshd_config.d/novaboot.conf, does so';

function one({ settings }: Login, name: string): string {
  return settings.get(name)?.[0] ?? '';
}

function all({ settings }: Login, name: string): string[] {
  return (settings.get(name) ?? []).flatMap((value) => value.split(/\s+/)).filter(Boolean);
}

/** ssh_config(5), PATTERNS. */
export function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

/** @param list of patterns, those with ! in front exclude */
function isIn(list: readonly string[], texts: readonly string[]): boolean {
  const hit = (pattern: string) => texts.some((text) => matches(pattern.split('@')[0] ?? '', text));
  const excluded = list.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  return !excluded.some(hit) && list.some((pattern) => !pattern.startsWith('!') && hit(pattern));
}

const FORWARDING = [
  ...['allowtcpforwarding', 'allowstreamlocalforwarding', 'allowagentforwarding', 'x11forwarding'],
  'permittunnel',
];

/** What would steer the programs between sshd and the login shell: sh, env and the C library. */
const DANGEROUS = [
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
  'LD_AUDIT',
  'ENV',
  'BASH_ENV',
  'PATH',
  'IFS',
  'GCONV_PATH',
];
/** What existing clients send, and the login shell checks or drops. */
const HARMLESS = /^(?:LANG|LANGUAGE|LC_[A-Z*?]+|TERM|COLORTERM|NO_COLOR)$/;

const MIN_SESSIONS = 4;

export const RULES: readonly Rule[] = [
  {
    severity: 'error',
    what: (login) => {
      const sftp = login.settings.get('subsystem')?.find((value) => /^sftp\s+internal-sftp\b/.test(value));
      return sftp && 'sshd has internal-sftp, which goes past the login shell';
    },
    why: "A key without command= reads and writes all files of the account by it: other users' roots, keys, configuration.",
    fix: 'Write "Subsystem sftp /usr/lib/openssh/sftp-server" in sshd_config: the login shell refuses that one. Then: systemctl reload ssh.',
  },
  {
    severity: 'error',
    what: (login) => {
      const dangerous = all(login, 'acceptenv').filter((each) =>
        DANGEROUS.some((name) => matches(each, name)),
      );
      return dangerous.length > 0
        ? `sshd takes dangerous variables from clients: AcceptEnv ${dangerous.join(' ')}`
        : undefined;
    },
    why: 'With LD_PRELOAD and its like a user runs an uploaded file as the account, before the login shell begins.',
    fix: `AcceptEnv LANG LC_* for boards: ${EXAMPLE}.`,
  },
  {
    severity: 'warning',
    what: (login) => {
      const names = all(login, 'acceptenv').filter(
        (each) => !HARMLESS.test(each) && !DANGEROUS.some((name) => matches(each, name)),
      );
      return names.length > 0
        ? `sshd takes more variables from clients than needed: AcceptEnv ${names.join(' ')}`
        : undefined;
    },
    why: 'They reach the programs between sshd and the login shell.',
    fix: `AcceptEnv LANG LC_* for boards: ${EXAMPLE}.`,
  },
  {
    severity: 'error',
    what: (login) =>
      one(login, 'permituserenvironment') === 'no' ? undefined : 'sshd has PermitUserEnvironment',
    why: 'Lines of authorized_keys and ~/.ssh/environment set any variable, LD_PRELOAD too.',
    fix: 'Write "PermitUserEnvironment no" in sshd_config, or remove the line; then: systemctl reload ssh.',
  },
  {
    severity: 'warning',
    what: (login) => {
      const open =
        one(login, 'disableforwarding') === 'yes'
          ? []
          : FORWARDING.filter((name) => one(login, name) !== 'no');
      return open.length > 0 ? `sshd forwards for boards: ${open.join(', ')}` : undefined;
    },
    why: 'A key without restrict reaches whatever this host reaches, its loopback included. No client of boards needs it.',
    fix: `DisableForwarding yes for boards: ${EXAMPLE}.`,
  },
  {
    severity: 'warning',
    what: (login) => (one(login, 'permituserrc') === 'no' ? undefined : 'sshd runs ~/.ssh/rc'),
    why: 'With a key without restrict it runs at each login, before the login shell.',
    fix: `PermitUserRC no for boards: ${EXAMPLE}.`,
  },
  {
    severity: 'error',
    what: (login) => {
      const forced = one(login, 'forcecommand');
      return forced === 'none' || forced === '' ? undefined : `sshd has ForceCommand ${forced}`;
    },
    why: 'It takes the place of command="user NAME" of the keys: nobody has a name, and nobody is an administrator.',
    fix: 'Leave boards out of that Match block.',
  },
  {
    severity: 'error',
    what: (login) => {
      const place = one(login, 'chrootdirectory');
      return place === 'none' || place === '' ? undefined : `sshd has ChrootDirectory ${place}`;
    },
    why: 'The login shell and what it runs are not there.',
    fix: 'Leave boards out of that Match block.',
  },
  {
    severity: 'error',
    what: (login) => (one(login, 'pubkeyauthentication') === 'no' ? 'sshd takes no keys' : undefined),
    why: 'Boards have no passwords: nobody can log in.',
    fix: `PubkeyAuthentication yes for boards: ${EXAMPLE}.`,
  },
  {
    severity: 'error',
    what: (login) => {
      const methods = all(login, 'authenticationmethods');
      const isEnough = methods.length === 0 || methods.includes('any') || methods.includes('publickey');
      return isEnough ? undefined : `sshd wants more than a key: AuthenticationMethods ${methods.join(' ')}`;
    },
    why: 'Boards have no passwords: nobody can log in.',
    fix: `AuthenticationMethods publickey for boards: ${EXAMPLE}.`,
  },
  {
    severity: 'error',
    what: (login) => {
      const places = all(login, 'authorizedkeysfile');
      return places.some((place) => /^(?:%h\/)?\.ssh\/authorized_keys$/.test(place))
        ? undefined
        : `sshd does not read ~/.ssh/authorized_keys, but ${places.join(' ') || 'no file'}`;
    },
    why: 'add-key, remove-key and novaboot-admin write there.',
    fix: `AuthorizedKeysFile .ssh/authorized_keys for boards: ${EXAMPLE}.`,
  },
  {
    severity: 'error',
    what: (login) => (one(login, 'permittty') === 'no' ? 'sshd gives no terminals' : undefined),
    why: 'The novaboot client asks for one for the console, and fails without.',
    fix: `PermitTTY yes for boards: ${EXAMPLE}.`,
  },
  {
    severity: 'error',
    what: (login) => {
      const sessions = Number(one(login, 'maxsessions') || 10);
      return sessions < MIN_SESSIONS ? `sshd allows ${sessions} sessions on a connection` : undefined;
    },
    why: 'The novaboot client has its console, its uploads and its resets on one connection.',
    fix: `MaxSessions 10 for boards: ${EXAMPLE}.`,
  },
  {
    severity: 'warning',
    what: (login) =>
      one(login, 'clientaliveinterval') === '0' ? 'sshd does not notice clients that are gone' : undefined,
    why: 'Whose laptop was closed keeps the board for hours, and others wait.',
    fix: `ClientAliveInterval 15 for boards: ${EXAMPLE}.`,
  },
  {
    severity: 'warning',
    what: (login) => (one(login, 'usepam') === 'no' ? 'sshd has UsePAM no' : undefined),
    why: 'systemd learns of no session then: no systemd of the account without lingering, no automatic power-off.',
    fix: 'Write "UsePAM yes" in sshd_config, and install libpam-systemd.',
  },
  {
    severity: 'warning',
    what: (login) => (one(login, 'strictmodes') === 'no' ? 'sshd has StrictModes no' : undefined),
    why: 'Keys count that others than the account may have written.',
    fix: 'Write "StrictModes yes" in sshd_config, or remove the line.',
  },
  {
    severity: 'warning',
    what: (login) => {
      const names = ['authorizedkeyscommand', 'trustedusercakeys'].filter(
        (name) => !['none', ''].includes(one(login, name)),
      );
      return names.length > 0 ? `sshd has keys from elsewhere, too: ${names.join(', ')}` : undefined;
    },
    why: 'Their users have no name, and remove-key does not keep them out.',
    fix: 'Leave boards out, unless that is wanted.',
  },
  {
    severity: 'error',
    what: (login) => {
      const users = all(login, 'allowusers');
      const groups = all(login, 'allowgroups');
      const isOut =
        isIn(all(login, 'denyusers'), [login.name]) ||
        isIn(all(login, 'denygroups'), login.groups) ||
        (users.length > 0 && !isIn(users, [login.name])) ||
        (groups.length > 0 && !isIn(groups, login.groups));
      return isOut
        ? 'sshd does not let the account in (AllowUsers, AllowGroups, DenyUsers or DenyGroups)'
        : undefined;
    },
    why: 'Nobody can use the board.',
    fix: 'Add the account, or the group novaboot, there.',
  },
];
