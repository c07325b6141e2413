/** Lists the keys of all users. */
import { wantsJson } from '../shell/arguments.ts';
import { fingerprint, listUserKeys } from '../shell/authorized-keys.ts';
import type { Session } from '../shell/command.ts';
import { readKeyFile } from '../shell/key-file.ts';
import { writeJson, writeOut } from '../shell/output.ts';
import { printable, table } from '../shell/text.ts';

export function run({ home }: Session, args: readonly string[]): void {
  const json = wantsJson('list-keys', args);
  const keys = listUserKeys(readKeyFile(home)).map(({ user, admin, key }) => ({
    user,
    admin,
    type: key.type,
    fingerprint: fingerprint(key),
    comment: key.comment,
  }));
  if (json) {
    writeJson({ keys });
    return;
  }
  const rows = keys.map((key) => [
    key.user,
    key.admin ? 'admin' : 'user',
    key.type,
    key.fingerprint,
    printable(key.comment),
  ]);
  writeOut(table([['USER', 'RIGHTS', 'TYPE', 'FINGERPRINT', 'COMMENT'], ...rows]));
}
