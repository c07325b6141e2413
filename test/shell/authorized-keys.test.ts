import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  addUserKey,
  fingerprint,
  formatUserKey,
  listUserKeys,
  parseAuthorizedKeys,
  removeUserKeys,
} from '../../src/shell/authorized-keys.ts';
import { CommandError } from '../../src/shell/errors.ts';
import { parsePublicKey } from '../../src/shell/public-key.ts';

const directory = mkdtempSync(join(tmpdir(), 'novaboot-keys-'));
afterAll(() => rmSync(directory, { recursive: true }));

function keygen(name: string, ...args: string[]): Buffer {
  const file = join(directory, name);
  execFileSync('ssh-keygen', ['-q', '-N', '', '-C', `${name}@example.org`, '-f', file, ...args]);
  return readFileSync(`${file}.pub`);
}

function blobOf(...fields: (string | Buffer)[]): string {
  const parts = fields.flatMap((field) => {
    const data = Buffer.from(field as string);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return [length, data];
  });
  return Buffer.concat(parts).toString('base64');
}

const first = keygen('first', '-t', 'ed25519');
const second = keygen('second', '-t', 'ecdsa', '-b', '384');
const key = parsePublicKey(first);
const alice = { user: 'alice', admin: true, key };
const bob = { user: 'bob', admin: false, key: parsePublicKey(second) };

describe('parsePublicKey', () => {
  test.each([
    ['rsa', ['-t', 'rsa', '-b', '2048'], 'ssh-rsa'],
    ['ecdsa', ['-t', 'ecdsa', '-b', '521'], 'ecdsa-sha2-nistp521'],
    ['ed25519', ['-t', 'ed25519'], 'ssh-ed25519'],
  ])('reads what ssh-keygen makes: %s', (name, args, type) => {
    const parsed = parsePublicKey(keygen(name, ...args));
    expect(parsed).toMatchObject({ type, comment: `${name}@example.org` });
    const listed = execFileSync('ssh-keygen', ['-lf', join(directory, name)], { encoding: 'utf8' });
    expect(listed.split(' ')[1]).toBe(fingerprint(parsed));
  });

  test.each([
    ['sk-ssh-ed25519@openssh.com', ['x'.repeat(32), 'ssh:']],
    ['sk-ecdsa-sha2-nistp256@openssh.com', ['nistp256', 'x'.repeat(65), 'ssh:']],
  ])('reads a security key: %s', (type, fields) => {
    const blob = blobOf(type, ...fields);
    expect(parsePublicKey(Buffer.from(`${type} ${blob} me`))).toEqual({ type, blob, comment: 'me' });
    expect(() => parsePublicKey(Buffer.from(`ssh-ed25519 ${blob}`))).toThrow(CommandError);
    expect(() => parsePublicKey(Buffer.from(`${type} ${blobOf(type, 'x')}`))).toThrow(CommandError);
  });

  test('takes surrounding blank lines and white space', () => {
    expect(parsePublicKey(Buffer.from(`\n  ${first.toString().trim()} \r\n\n`))).toEqual(key);
  });

  test('cleans the comment', () => {
    const comment = 'a\tb\u001b[31mc\u202e';
    expect(parsePublicKey(Buffer.from(`${key.type} ${key.blob} ${comment}`)).comment).toBe('a b?[31mc?');
  });

  test.each<[string, string | Buffer, RegExp]>([
    ['nothing', ' \n', /expected a public key/],
    ['two keys', Buffer.concat([first, second]), /one public key/],
    ['a private key', readFileSync(join(directory, 'first')), /private key/],
    ['options', Buffer.concat([Buffer.from('restrict '), first]), /TYPE BASE64/],
    ['another type in the blob', `ssh-rsa ${key.blob}`, /TYPE BASE64/],
    ['loose base64', `${key.type} ${key.blob}=`, /TYPE BASE64/],
    ['something behind the key', `${key.type} ${blobOf('ssh-ed25519', 'x'.repeat(32), 'y')}`, /TYPE BASE64/],
    [
      'a point off the curve',
      `ecdsa-sha2-nistp256 ${blobOf('ecdsa-sha2-nistp256', 'nistp256', `\u0004${'x'.repeat(64)}`)}`,
      /TYPE BASE64/,
    ],
    [
      'a certificate',
      `ssh-ed25519-cert-v01@openssh.com ${blobOf('ssh-ed25519-cert-v01@openssh.com')}`,
      /certificates/,
    ],
    ['a name from Object', `constructor ${blobOf('constructor')}`, /TYPE BASE64/],
    ['a megabyte', Buffer.alloc(1 << 20, 'a'), /too much/],
  ])('refuses %s', (_, input, message) => {
    expect(() => parsePublicKey(Buffer.from(input as string))).toThrow(CommandError);
    expect(() => parsePublicKey(Buffer.from(input as string))).toThrow(message);
  });

  test('refuses a short RSA key', () => {
    const modulus = Buffer.concat([Buffer.from([0, 0x80]), Buffer.alloc(63, 1)]);
    const blob = blobOf('ssh-rsa', Buffer.from([1, 0, 1]), modulus);
    expect(() => parsePublicKey(Buffer.from(`ssh-rsa ${blob}`))).toThrow(/TYPE BASE64/);
  });
});

describe('parseAuthorizedKeys', () => {
  const parse = (options: string) =>
    parseAuthorizedKeys(Buffer.from(`${options} ${key.type} ${key.blob} c o\n`))[0];

  test.each<[string, string | undefined, boolean | undefined]>([
    ['restrict,pty,command="user alice admin"', 'alice', true],
    ['command="user bob"', 'bob', false],
    ['no-pty,Command="user  bob "', 'bob', false],
    ['command="user \\"bob\\""', undefined, undefined],
    ['command="user ../x"', undefined, undefined],
    ['command="user bob root"', undefined, undefined],
    ['command="user a",command="user b"', undefined, undefined],
    ['command="/bin/sh"', undefined, undefined],
    ['from="10.0.0.1"', undefined, undefined],
  ])('%s', (options, user, admin) => {
    const line = parse(options);
    expect(line?.key).toEqual({ ...key, comment: 'c o' });
    expect(line?.options).toBeDefined();
    expect([line?.user, line?.admin]).toEqual([user, admin]);
  });

  test.each(['command="user bob"x', 'restrict,', 'command=user'])('malformed options: %s', (options) => {
    expect(parse(options)?.options).toBeUndefined();
  });

  test.each(['# comment', '', 'ssh-ed25519 AAAA', 'command="user bob ssh-ed25519 AAAA', '\u0000'])(
    'no key: %j',
    (text) => {
      expect(parseAuthorizedKeys(Buffer.from(`${text}\n`))).toEqual([{ raw: Buffer.from(`${text}\n`) }]);
    },
  );
});

describe('entries', () => {
  const foreign = Buffer.from([0x23, 0xff, 0x0d, 0x0a, 0x20, 0x0a, 0x6a]);

  test('sshd accepts what is written', () => {
    const file = join(directory, 'written');
    writeFileSync(file, addUserKey(foreign, alice).file);
    expect(execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' })).toContain(fingerprint(key));
    expect(formatUserKey(alice)).toBe(`restrict,pty,command="user alice admin" ${first.toString()}`);
  });

  test('adding keeps other lines and ends an unfinished one', () => {
    const { file } = addUserKey(foreign, bob);
    expect(file).toEqual(Buffer.concat([foreign, Buffer.from(`\n${formatUserKey(bob)}`)]));
  });

  test('adding twice changes nothing; other rights replace the entry', () => {
    const once = addUserKey(Buffer.alloc(0), bob).file;
    expect(addUserKey(once, bob)).toEqual({ file: once, changed: false });
    const promoted = addUserKey(once, { ...bob, admin: true });
    expect(listUserKeys(promoted.file)).toEqual([{ ...bob, admin: true }]);
  });

  test('a key of somebody else is refused', () => {
    const file = addUserKey(first, bob).file;
    expect(() => addUserKey(file, alice)).toThrow(/without a user/);
    expect(() => addUserKey(file, { ...alice, key: bob.key })).toThrow(/user bob/);
  });

  test.each(['', 'a b', '../x', '-x', '.x', 'a"b', 'a\n', 'ü', 'x'.repeat(65)])('user name %j', (user) => {
    expect(() => addUserKey(Buffer.alloc(0), { ...bob, user })).toThrow(CommandError);
  });

  test('removing takes all entries of the user and nothing else', () => {
    const other = { ...bob, key: parsePublicKey(keygen('third', '-t', 'ed25519')) };
    const file = [alice, bob, other].reduce<Buffer>((bytes, entry) => addUserKey(bytes, entry).file, foreign);
    const left = removeUserKeys(file, 'bob');
    expect(left.removed).toEqual([bob, other]);
    expect(left.file).toEqual(addUserKey(foreign, alice).file);
    expect(removeUserKeys(file, 'nobody')).toEqual({ file, removed: [] });
  });
});
