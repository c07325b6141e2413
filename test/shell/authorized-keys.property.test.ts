import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addUserKey,
  listUserKeys,
  parseAuthorizedKeys,
  removeUserKeys,
  type UserKey,
} from '../../src/shell/authorized-keys.ts';
import { CommandError } from '../../src/shell/errors.ts';
import { parsePublicKey } from '../../src/shell/public-key.ts';

/** Any ed25519 blob is well-formed: type and 32 bytes, each behind its length. */
const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => ({
  type: 'ssh-ed25519',
  blob: Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20'), bytes]).toString('base64'),
  comment: 'somebody',
}));
const user = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/);
const entry: fc.Arbitrary<UserKey> = fc.record({ user, admin: fc.boolean(), key });
const keyish = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .array(
      fc.constantFrom('command=', '"', 'user bob', '\\"', ',', ' ', '\n', '\r', '#', 'ssh-ed25519', 'AAAA'),
    )
    .map((parts) => Buffer.from(parts.join(''))),
);

test('the lines of any file joined are the file', () => {
  fc.assert(
    fc.property(keyish, (file) => {
      expect(Buffer.concat(parseAuthorizedKeys(file).map(({ raw }) => raw))).toEqual(file);
    }),
  );
});

test('what is added is listed, and removing it restores the file', () => {
  fc.assert(
    fc.property(keyish, entry, (before, added) => {
      const { file } = addUserKey(before, added);
      expect(file.subarray(0, before.length)).toEqual(before);
      expect(listUserKeys(file)).toEqual([...listUserKeys(before), added]);
      fc.pre(!listUserKeys(before).some((other) => other.user === added.user));
      const after = removeUserKeys(file, added.user).file;
      const unfinished = before.length > 0 && before.at(-1) !== 0x0a;
      expect(after).toEqual(unfinished ? Buffer.concat([before, Buffer.from('\n')]) : before);
    }),
  );
});

test('a public key is parsed or refused in one line, whatever comes', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        keyish,
        key.map((k) => Buffer.from(`${k.type} ${k.blob} ${k.comment}`)),
      ),
      (input) => {
        try {
          const parsed = parsePublicKey(input);
          expect(`${parsed.type} ${parsed.blob} ${parsed.comment}`).not.toMatch(/[\r\n"]/);
        } catch (error) {
          expect(error).toBeInstanceOf(CommandError);
          expect((error as Error).message).not.toContain('\n');
        }
      },
    ),
  );
});
