/** Whether keys let their users do what they are for, and nothing else. */
import fs from 'node:fs';
import path from 'node:path';
import { type AuthorizedLine, type KeyOption, parseAuthorizedKeys } from '../../shell/authorized-keys.ts';
import { readBoardFile } from '../configuration/board-file.ts';
import { type Check, inOrder, type Said } from '../finding.ts';
import type { BoardContext } from './context.ts';

/** sshd(8): what `restrict` takes away, and what gives it back. */
const GIVEN_BACK = ['port-forwarding', 'agent-forwarding', 'x11-forwarding', 'user-rc'];
const TAKEN_AWAY = GIVEN_BACK.map((name) => `no-${name}`);

interface Key extends AuthorizedLine {
  readonly line: number;
  readonly options: readonly KeyOption[];
}

const has = ({ options }: Key, name: string) => options.some((option) => option.name === name);

function isOpen(key: Key): boolean {
  if (has(key, 'restrict')) return GIVEN_BACK.some((name) => has(key, name));
  return !TAKEN_AWAY.every((name) => has(key, name));
}

function lacksTerminal(key: Key): boolean {
  return has(key, 'no-pty') || (has(key, 'restrict') && !has(key, 'pty'));
}

/** "lines 2 (alice) and 5": at most ten of them. */
function places(keys: readonly Key[]): string {
  const shown = keys.slice(0, 10).map(({ line, user }) => `${line}${user === undefined ? '' : ` (${user})`}`);
  const more = keys.length > shown.length ? ` and ${keys.length - shown.length} more` : '';
  return `${keys.length === 1 ? 'line' : 'lines'} ${shown.join(', ')}${more}`;
}

/** @param subject the board's name */
export function keyFindings(subject: string, file: Buffer): readonly Said[] {
  const keys = parseAuthorizedKeys(file).flatMap((each, index): Key[] =>
    each.key && each.options ? [{ ...each, options: each.options, line: index + 1 }] : [],
  );
  const findings: Said[] = [];
  const warn = (wrong: readonly Key[], what: string, why: string, fix: string) => {
    if (wrong.length > 0)
      findings.push({
        severity: 'warning',
        subject,
        what: `authorized_keys, ${places(wrong)}: ${what}`,
        why,
        fix,
      });
  };
  warn(
    keys.filter(isOpen),
    'no restrict',
    'Such a key may forward ports and agents: its user reaches whatever this host reaches, its loopback included.',
    'Put restrict,pty, in front of command=, or have sshd forbid it for all boards: sshd-novaboot.conf among the examples.',
  );
  warn(
    keys.filter((key) => key.user === undefined),
    'no command="user NAME"',
    'Nobody knows whose it is: its user has no name in the queue, no root file system, and no rights of an administrator.',
    'Remove the line, and add the key by add-key NAME (or novaboot-admin add-user).',
  );
  warn(
    keys.filter(lacksTerminal),
    'no terminal',
    'The console works without a terminal only, and the novaboot client demands one.',
    'Write restrict,pty, instead of restrict.',
  );
  warn(
    keys.filter((key) => has(key, 'environment')),
    'environment=',
    'Where sshd has PermitUserEnvironment, it sets any variable of the login shell.',
    'Remove that option; variables for the commands belong into ~/.novaboot-shell.',
  );
  warn(
    keys.filter((key) => has(key, 'cert-authority')),
    'cert-authority',
    'Whoever signs with this key lets in anybody, as this one user.',
    'Add the keys of users one by one.',
  );
  if (keys.length === 0) {
    findings.push({
      severity: 'warning',
      subject,
      what: 'authorized_keys has no key',
      why: 'Nobody can log in, unless sshd gets keys from elsewhere.',
      fix: `Add one: novaboot-admin add-user ${subject} NAME --key FILE.`,
    });
  }
  return findings.length > 0
    ? findings
    : [inOrder(subject, `keys are restricted to what they are for (${keys.length})`)];
}

/** sshd(8), SSHRC and FILES: what counts at each login besides. */
export function loginFiles(home: string, subject: string): Said[] {
  const remove = 'Remove it; what has to happen at a login belongs into ~/.novaboot-shell.';
  const files: Readonly<Record<string, Pick<Said, 'why' | 'fix'>>> = {
    rc: {
      why: 'sh runs it as the account at each login of a key without restrict, before the login shell: no lock, no journal.',
      fix: remove,
    },
    environment: {
      why: 'Where sshd has PermitUserEnvironment, it sets any variable of the login shell.',
      fix: remove,
    },
    authorized_keys2: {
      why: 'Where sshd has no AuthorizedKeysFile, its keys let users in as well, whom no list has and remove-key does not keep out.',
      fix: `Remove it; its users come back by novaboot-admin add-user ${subject} NAME --key FILE.`,
    },
  };
  return Object.entries(files).flatMap(([name, { why, fix }]): Said[] => {
    if (!fs.existsSync(path.join(home, '.ssh', name))) return [];
    return [{ severity: 'warning', subject, what: `there is a file ~/.ssh/${name}`, why, fix }];
  });
}

/** Whose keys they are is not for every user. */
export const keys: Check<BoardContext> = {
  name: 'keys',
  run({ session, name }) {
    const { home, admin, env } = session;
    if (!admin && env.SSH_CONNECTION !== undefined) return [];
    // One that cannot be read is told by the check of the configuration.
    const file = readBoardFile(session, path.join(home, '.ssh/authorized_keys')) ?? Buffer.alloc(0);
    return [...(Buffer.isBuffer(file) ? keyFindings(name, file) : []), ...loginFiles(home, name)];
  },
};
