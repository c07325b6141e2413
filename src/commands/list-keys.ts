/** Lists the keys of all users. */
import { wantsJson } from '../shell/arguments.ts';
import { countUnnamedKeys, fingerprint, listUserKeys } from '../shell/authorized-keys.ts';
import type { Session } from '../shell/command.ts';
import { readKeyFile } from '../shell/key-file.ts';
import { writeError, writeJson, writeOut } from '../shell/output.ts';
import { printable, table } from '../shell/text.ts';

export function run({ home }: Session, args: readonly string[]): void {
  const json = wantsJson('list-keys', args);
  const file = readKeyFile(home);
  const unnamedKeys = countUnnamedKeys(file);
  const keys = listUserKeys(file).map(({ user, admin, key }) => ({
    user,
    admin,
    type: key.type,
    fingerprint: fingerprint(key),
    comment: key.comment,
  }));
  if (json) {
    writeJson({ keys, unnamedKeys });
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
  if (unnamedKeys > 0) {
    writeError(
      `novaboot-shell: Keys without command="user NAME" are let in as well: ${unnamedKeys}; doctor tells the lines\n`,
    );
  }
}
