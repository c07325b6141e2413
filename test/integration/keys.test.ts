/** add-key, list-keys and remove-key on the authorized_keys that a real sshd reads. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Lab, startLab } from '../support/sshd.ts';

const KEYS = '.ssh/authorized_keys';
let lab: Lab;
let original: string;
let people = 0;

beforeAll(async () => {
  lab = await startLab();
  original = await lab.read(KEYS);
});
beforeEach(() => lab.writeConfig("console_cmd='echo UP'\nreset_cmd='echo reset by $NB_USER'\n"));
afterEach(async () => {
  await lab.clean();
  await lab.writeConfig(original, KEYS);
});
afterAll(() => lab?.stop());

async function person() {
  const name = `person${people++}`;
  return { name, key: await lab.addIdentity(name) };
}

async function expectRefused(user: string, words: string[], input: string, status?: number) {
  const before = await lab.snapshot();
  const { stdout, stderr, exitCode } = await lab.ssh(user, words, { input });
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^novaboot-shell: [^\n]+\n$/);
  expect(exitCode).toBeGreaterThan(0);
  if (status !== undefined) expect(exitCode).toBe(status);
  expect(await lab.snapshot()).toBe(before);
  return stderr;
}

describe('add-key', () => {
  test('lets a user in at once, and with no more than needed', async () => {
    const { name, key } = await person();
    expect((await lab.ssh(name, ['reset'])).exitCode).toBe(255);
    expect((await lab.ssh('alice', ['add-key', name], { input: key })).exitCode).toBe(0);
    const [type, blob] = key.split(' ');
    expect(await lab.read(KEYS)).toBe(
      `${original}restrict,pty,command="user ${name}" ${type} ${blob} ${key.trim().split(' ')[2]}\n`,
    );
    expect((await lab.ssh(name, ['reset'])).stdout).toBe(`reset by ${name}\n`);
    expect((await lab.ssh(name, ['add-key', 'eve'], { input: key })).stderr).toMatch(/Command not allowed/);
    const terminal = await lab.ssh(name, ['console'], { tty: true });
    expect(terminal.stdout).toMatch(/UP/);
  });

  test('makes an administrator', async () => {
    const { name, key } = await person();
    expect((await lab.ssh('alice', ['add-key', name, 'admin'], { input: key })).exitCode).toBe(0);
    expect(await lab.read(KEYS)).toMatch(new RegExp(`^restrict,pty,command="user ${name} admin" ssh-`, 'm'));
    expect((await lab.ssh(name, ['help'])).stdout).toMatch(/add-key/);
  });

  test('forwards nothing', async () => {
    const { name, key } = await person();
    await lab.ssh('alice', ['add-key', name], { input: key });
    const options = ['-oExitOnForwardFailure=yes', '-R', '0:127.0.0.1:9'];
    expect((await lab.ssh(name, ['reset'], { options })).exitCode).toBe(255);
    const alice = await lab.ssh('alice', ['reset'], { options });
    expect(alice.exitCode).toBe(0);
  });

  test('keeps every existing line byte for byte', async () => {
    const lines = [
      '# our lab\n',
      '\n',
      ' \t leading blanks and no key\n',
      'from="10.0.0.0/8",no-pty ssh-ed25519 garbage\n',
      'odd\r\n',
      '\u00e9 \u0001 bytes\n',
      'ssh-rsa AAAA no line end',
    ].join('');
    await lab.writeConfig(`${original}${lines}`, KEYS);
    const { name, key } = await person();
    expect((await lab.ssh('alice', ['add-key', name], { input: key })).exitCode).toBe(0);
    expect((await lab.read(KEYS)).startsWith(`${original}${lines}\n`)).toBe(true);
    expect((await lab.ssh('alice', ['remove-key', name])).exitCode).toBe(0);
    expect(await lab.read(KEYS)).toBe(`${original}${lines}\n`);
  });

  test('adds a key once', async () => {
    const { name, key } = await person();
    await lab.ssh('alice', ['add-key', name], { input: key });
    const once = await lab.read(KEYS);
    expect((await lab.ssh('alice', ['add-key', name], { input: key })).exitCode).toBe(0);
    expect((await lab.ssh('alice', ['add-key', name], { input: `  ${key.trim()}` })).exitCode).toBe(0);
    expect(await lab.read(KEYS)).toBe(once);
  });

  test('keeps owner and mode of the file, and leaves nothing beside it', async () => {
    const { name, key } = await person();
    await lab.ssh('alice', ['add-key', name], { input: key });
    expect(await lab.sh('stat -c "%a %u" .ssh/authorized_keys; ls -A .ssh')).toBe(
      `600 ${lab.uid}\nauthorized_keys\n`,
    );
  });

  test('asks for the key in a terminal', async () => {
    const { name, key } = await person();
    const session = lab.spawnSsh('alice', ['add-key', name], { tty: true });
    await session.waitForOutput(/^Paste the public key/);
    session.write(`${key.trim()}\n\x04`);
    expect((await session.exited).exitCode).toBe(0);
    expect((await lab.ssh(name, ['help'])).exitCode).toBe(0);
  });

  test('makes the file where none is', async () => {
    const { name, key } = await person();
    const master = { controlPath: `${lab.directory}/keys` };
    await lab.writeConfig("console_cmd='echo UP; exec cat'\n");
    const session = lab.spawnSsh('alice', ['console'], { tty: true, master: true, ...master });
    await session.waitForOutput(/UP/);
    await lab.sh('rm .ssh/authorized_keys');
    expect((await lab.ssh('alice', ['add-key', name], { input: key, ...master })).exitCode).toBe(0);
    expect(await lab.sh('stat -c %a .ssh/authorized_keys')).toBe('600\n');
    expect((await lab.ssh(name, ['help'])).exitCode).toBe(0);
  });

  test.each([[[]], [['two', 'words']], [['a', 'admin', 'b']]])(
    'is refused with the name %j',
    async (words) => {
      const { key } = await person();
      await expectRefused('alice', ['add-key', ...words], key, 64);
    },
  );

  test.each([
    '../../x',
    '-x',
    '.x',
    'a"b',
    'a,b',
    "a'b",
    'a\\b',
    'a/b',
    'caf\u00e9',
    '$(id)',
    'x'.repeat(65),
  ])('is refused with the name %s', async (name) => {
    const { key } = await person();
    await expectRefused('alice', ['add-key', name], key, 64);
  });

  test.each(['bob', 'guest'])('reads like an unknown command to %s', async (user) => {
    const { name, key } = await person();
    const refused = await expectRefused(user, ['add-key', name], key, 1);
    const unknown = await expectRefused(user, ['frobnicate', name], key, 1);
    expect(refused.replace('add-key', 'COMMAND')).toBe(unknown.replace('frobnicate', 'COMMAND'));
    await expectRefused(user, ['list-keys'], '', 1);
    await expectRefused(user, ['remove-key', 'alice'], '', 1);
  });

  test('takes one key a call, and nothing but a key', async () => {
    const { name, key } = await person();
    const { key: other } = await person();
    const inputs = [
      key + other,
      `${key.trim()}\r${other}`,
      `command="sh" ${key}`,
      `restrict ${key}`,
      '',
      'nonsense\n',
      'ssh-ed25519 AAAA\n',
      key.replace('ssh-ed25519', 'ssh-rsa'),
      key.slice(0, 40),
      '-----BEGIN OPENSSH PRIVATE KEY-----\n',
      'x'.repeat(1_000_000),
    ];
    for (const input of inputs) await expectRefused('alice', ['add-key', name], input);
  });

  test('does not let a comment add options or lines', async () => {
    const { name, key } = await person();
    const [type, blob] = key.split(' ');
    const input = `${type} ${blob} "x" command="sh" \u001b[31m \0\n`;
    const { exitCode } = await lab.ssh('alice', ['add-key', name], { input });
    const added = (await lab.read(KEYS)).slice(original.length);
    if (exitCode === 0) expect(added).toMatch(/^restrict,pty,command="user \w+" ssh-ed25519 [^\n]*\n$/);
    else expect(added).toBe('');
    expect(added).not.toMatch(/[\u001b\0]/);
  });
});

describe('list-keys', () => {
  test('lists users, rights and fingerprints', async () => {
    const { stdout, stderr, exitCode } = await lab.ssh('alice', ['list-keys']);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(
      /^novaboot-shell: Keys without command="user NAME" are let in as well: 1; [^\n]*\n$/,
    );
    expect(stdout).toMatch(/^alice +admin .*SHA256:/m);
    expect(stdout).toMatch(/^bob +.*SHA256:/m);
    expect(stdout).not.toMatch(/guest/);
  });

  test('is data with --json', async () => {
    const { name, key } = await person();
    await lab.ssh('alice', ['add-key', name], { input: key });
    const { stdout } = await lab.ssh('alice', ['list-keys', '--json']);
    const fingerprint = await lab.sh('ssh-keygen -lf -', key);
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      unnamedKeys: 1,
      keys: expect.arrayContaining([
        expect.objectContaining({ user: 'alice', admin: true }),
        expect.objectContaining({
          user: name,
          admin: false,
          type: 'ssh-ed25519',
          fingerprint: fingerprint.split(' ')[1],
          comment: name,
        }),
      ]),
    });
  });
});

describe('remove-key', () => {
  test('shuts all keys of a user out at once', async () => {
    const { name, key } = await person();
    const { name: second, key: other } = await person();
    await lab.ssh('alice', ['add-key', name], { input: key });
    await lab.ssh('alice', ['add-key', name], { input: other });
    expect((await lab.ssh(second, ['reset'])).stdout).toBe(`reset by ${name}\n`);
    expect((await lab.ssh('alice', ['remove-key', name])).exitCode).toBe(0);
    expect(await lab.read(KEYS)).toBe(original);
    expect((await lab.ssh(name, ['reset'])).exitCode).toBe(255);
  });

  test.each([[['nobody']], [[]], [['bob', 'carol']], [['*']], [['alice']]])('refuses %j', async (words) => {
    await expectRefused('alice', ['remove-key', ...words], '');
  });
});

test('a full disk while adding leaves the file as it was', async () => {
  const full = await startLab({ homeKibibytes: 96 });
  try {
    await full.sh('cat /dev/zero >fill 2>/dev/null || true; cat /dev/zero >>fill2 2>/dev/null || true');
    const before = await full.sh('sha256sum .ssh/*; ls -lA .ssh');
    const key = await full.addIdentity('eve');
    const { stdout, stderr, exitCode } = await full.ssh('alice', ['add-key', 'eve'], { input: key });
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
    expect(stderr).toMatch(/^novaboot-shell: [^\n]+\n$/);
    expect(await full.sh('sha256sum .ssh/*; ls -lA .ssh')).toBe(before);
    expect((await full.ssh('alice', ['help'])).exitCode).toBe(0);
    await full.sh('rm fill*');
    expect((await full.ssh('alice', ['add-key', 'eve'], { input: key })).exitCode).toBe(0);
    expect((await full.ssh('eve', ['help'])).exitCode).toBe(0);
  } finally {
    await full.stop();
  }
});
