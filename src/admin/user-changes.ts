/** The users of a board: the keys in ~/.ssh/authorized_keys that have a forced command of ours. */
import fs from 'node:fs';
import path from 'node:path';
import {
  addUserKey,
  countUnnamedKeys,
  fingerprint,
  listUserKeys,
  parseAuthorizedKeys,
  removeUserKeys,
  type UserKey,
} from '../shell/authorized-keys.ts';
import { CommandError } from '../shell/errors.ts';
import { readKeyFile, updateKeyFile } from '../shell/key-file.ts';
import { printable } from '../shell/text.ts';
import type { Account } from './account.ts';
import { asAccount } from './as-account.ts';
import type { Change, Plan } from './change.ts';
import type { DesiredUser } from './desired.ts';
import { inHome, statHome } from './home-file.ts';
import type { Subject } from './subject.ts';

const FILE = '.ssh/authorized_keys';
const NOTHING = Buffer.alloc(0);

export function boardKeys(account: Account): Buffer {
  return asAccount(account, () => readKeyFile(account.home));
}

/** The users of a board, each once, in the order of the file. */
export function boardUsers(account: Account): { name: string; admin: boolean; keys: number }[] {
  const users = new Map<string, { name: string; admin: boolean; keys: number }>();
  for (const { user, admin } of listUserKeys(boardKeys(account))) {
    const known = users.get(user) ?? { name: user, admin: false, keys: 0 };
    users.set(user, { name: user, admin: known.admin || admin, keys: known.keys + 1 });
  }
  return [...users.values()];
}

function keyLine(sign: '+' | '-', { user, admin, key }: UserKey): string {
  return `  ${sign} ${user}${admin ? ' (admin)' : ''} ${key.type} ${fingerprint(key)} ${printable(key.comment)}`.trimEnd();
}

/** What is in one list and not in the other. */
function without(keys: readonly UserKey[], others: readonly UserKey[]): UserKey[] {
  return keys.filter(
    ({ user, admin, key }) =>
      !others.some((other) => other.user === user && other.admin === admin && other.key.blob === key.blob),
  );
}

/** The directory is a change of its own, so that it goes again with the others. */
function keyDirectory({ account, home, resident }: Subject): Change[] {
  if (resident !== undefined && statHome(resident, '.ssh') !== undefined) return [];
  return [
    {
      text: `+ directory ${path.join(home, '.ssh')}, mode 0700`,
      apply: () => inHome(account(), '.ssh', (directory) => fs.mkdirSync(directory, { mode: 0o700 })),
      undo: () => inHome(account(), '.ssh', (directory) => fs.rmdirSync(directory)),
    },
  ];
}

/** @returns none if the file is right already */
function keyFileChanges(subject: Subject, before: Buffer, after: Buffer): Change[] {
  if (before.equals(after)) return [];
  const { account, home } = subject;
  const [old, young] = [listUserKeys(before), listUserKeys(after)];
  const lines = [
    ...without(old, young).map((key) => keyLine('-', key)),
    ...without(young, old).map((key) => keyLine('+', key)),
  ];
  // Somebody may have used add-key meanwhile.
  const replace = (from: Buffer, to: Buffer) => {
    const owner = account();
    asAccount(owner, () =>
      updateKeyFile(owner.home, (now) => {
        if (now.equals(from)) return to;
        throw new CommandError('authorized_keys has just been changed by somebody else; try again');
      }),
    );
  };
  const change: Change = {
    text: [`~ ${path.join(home, FILE)}`, ...lines].join('\n'),
    apply: () => replace(before, after),
    undo() {
      replace(after, before);
      if (before.length === 0) inHome(account(), FILE, (file) => fs.rmSync(file));
    },
  };
  return [...keyDirectory(subject), change];
}

function withUsers(file: Buffer, users: readonly DesiredUser[]): Buffer {
  let bytes = file;
  for (const { name, admin, keys } of users) {
    for (const key of keys) bytes = addUserKey(bytes, { user: name, admin, key }).file;
  }
  return bytes;
}

/** Takes out every key of ours that nobody wanted has. */
function withoutOthers(file: Buffer, users: readonly DesiredUser[]): Buffer {
  const isWanted = (user: string, blob: string) =>
    users.some(({ name, keys }) => name === user && keys.some((key) => key.blob === blob));
  const kept = parseAuthorizedKeys(file).filter(
    ({ user, key }) => user === undefined || key === undefined || isWanted(user, key.blob),
  );
  return Buffer.concat(kept.map(({ raw }) => raw));
}

/** @param isComplete whether nobody else is to be a user */
export function usersPlan(subject: Subject, users: readonly DesiredUser[], isComplete = false): Plan {
  const before = subject.resident === undefined ? NOTHING : boardKeys(subject.resident);
  const after = withUsers(isComplete ? withoutOthers(before, users) : before, users);
  const changes = keyFileChanges(subject, before, after);
  const foreign = isComplete ? countUnnamedKeys(after) : 0;
  const note = `${subject.name}: authorized_keys has ${foreign} keys without a forced command; they stay`;
  return { changes, conflicts: [], notes: foreign > 0 ? [note] : [] };
}

/** @throws CommandError where the board has no such user */
export function removalOfUser(subject: Subject, user: string): Change[] {
  const before = subject.resident === undefined ? NOTHING : boardKeys(subject.resident);
  const { file, removed } = removeUserKeys(before, user);
  if (removed.length === 0)
    throw new CommandError(`${subject.name} has no user ${printable(user)}; see: novaboot-admin list`);
  return keyFileChanges(subject, before, file);
}
