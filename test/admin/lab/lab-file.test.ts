/** Lab files as text: what they mean, and where what is wrong with them. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LabError, labProblems, parseLab } from '../../../src/admin/lab/lab-file.ts';

function publicKey(): string {
  const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const blob = Buffer.concat([field(Buffer.from('ssh-ed25519')), field(Buffer.from(x, 'base64url'))]);
  return `ssh-ed25519 ${blob.toString('base64')}`;
}

const [ALICE, BOB] = [publicKey(), publicKey()];
const USERS = `users:\n  alice: [${ALICE} alice@laptop]\n  bob:\n    - ${BOB}\n`;

async function problems(text: string): Promise<readonly string[]> {
  try {
    await parseLab('lab', text);
  } catch (error) {
    if (error instanceof LabError) return error.problems;
    throw error;
  }
  return [];
}

describe('a lab file', () => {
  it('says what boards are to be like', async () => {
    const text = `${USERS}boards:
  rpi4:   # a comment
    home: /srv/boards/rpi4
    addresses: [192.168.1.20, "fd00::20"]
    macs:
      - dc:a6:32:01:02:03
    serials: [00001234]
    admins: [alice]
    users: [bob]
    nfs: {allowed_clients: 192.168.1.20, quota: 20G}
    power_off: yes
    config:
      console: serial:/dev/ttyUSB0,115200n8
      target_config: |
        --uboot==>
        --prefix=/x/
  imx8: {}
`;
    const key = (line: string, comment: string) => ({
      type: 'ssh-ed25519',
      blob: line.split(' ')[1],
      comment,
    });
    expect(await parseLab('lab', text)).toEqual([
      {
        name: 'rpi4',
        account: { home: '/srv/boards/rpi4' },
        config: { console: 'serial:/dev/ttyUSB0,115200n8', target_config: '--uboot==>\n--prefix=/x/\n' },
        nfs: { allowed_clients: '192.168.1.20', quota: '20G' },
        identities: {
          addresses: ['192.168.1.20', 'fd00::20'],
          macs: ['dc:a6:32:01:02:03'],
          serials: ['00001234'],
        },
        powerOff: true,
        users: [
          { name: 'alice', admin: true, keys: [key(ALICE, 'alice@laptop')] },
          { name: 'bob', admin: false, keys: [key(BOB, '')] },
        ],
      },
      { name: 'imx8' },
    ]);
  });

  it('may say that there is nobody and nothing', async () => {
    const [board] = await parseLab('lab', 'boards: {a: {users: [], addresses: [], power_off: no}}');
    const identities = { addresses: [], macs: [], serials: [] };
    expect(board).toEqual({ name: 'a', users: [], identities, powerOff: false });
  });

  it('may say it as YAML does', async () => {
    const text = 'boards: {a: {power_off: true, nfs: {allowed_clients: [10.0.0.1, "fd00::/64"]}}}';
    const [board] = await parseLab('lab', text);
    expect(board).toEqual({ name: 'a', powerOff: true, nfs: { allowed_clients: '10.0.0.1 fd00::/64' } });
    expect(await parseLab('lab', 'boards: {a: {power_off: false}}')).toEqual([
      { name: 'a', powerOff: false },
    ]);
  });

  it.each([
    ['', 'lab:1:1: expected users: and boards:'],
    ['- a', 'lab:1:1: expected users: and boards:'],
    ['users: {}', 'lab:1:1: boards: expected boards, or {} for none'],
    ['boards:', 'lab:1:1: boards: expected boards, or {} for none'],
    ['boards: {a: }', 'lab:1:10: boards.a: expected settings, or {} for none'],
    ['boards: {a: {users: x}}', 'lab:1:14: boards.a.users: expected a list'],
    ['boards: {a: {users: [[x]]}}', 'lab:1:22: boards.a.users: expected text'],
    ['boards: {a: {power_off: maybe}}', 'lab:1:14: boards.a.power_off: expected yes or no'],
    [
      'boards: {a: {user: []}}',
      /^lab:1:14: boards\.a\.user: unknown setting, known are home, addresses, .*config$/,
    ],
    ['boards: {config: {x: 1}}', /^lab:1:19: boards\.config\.x: unknown setting, known are home, /],
    ['boards: {}\nboard: {}', 'lab:2:1: board: unknown setting, known are users, boards'],
    ['boards: {}\nboards: {}', 'lab:2:1: boards: expected once'],
    ['boards:\n  a: {}\n  b: {}\n  a: {}', 'lab:4:3: a: expected once'],
    ['boards: {__proto__: {}}', 'lab:1:10: __proto__: expected another key'],
    ['boards: {Rpi: {}}', /^lab:1:10: boards\.Rpi: "Rpi" cannot be a board's name/],
    ['boards: {public: {}}', /^lab:1:10: boards\.public: .* choose another name$/],
    ['boards: {a: {home: x}}', /^lab:1:14: boards\.a\.home: "x" cannot be a home directory/],
    ['boards: {a: {users: [carol]}}', 'lab:1:22: boards.a.users: carol is not among the users of the file'],
    ['users: {a b: [KEY]}\nboards: {}', /^lab:1:9: users\.a b: "a b" cannot be a user's name/],
    ['users: {a: []}\nboards: {}', 'lab:1:9: users.a: expected a list of public keys'],
    ['users: {a: [ssh-ed25519 AAAA]}\nboards: {}', /^lab:1:13: users\.a: not a valid public key/],
    [
      'users:\n  a:\n    - |\n      x\n      y\nboards: {}',
      'lab:3:7: users.a: expected one public key, on one line',
    ],
    [
      'boards: {a: {config: {consle: x}}}',
      /^lab:1:23: boards\.a\.config\.consle: unknown setting, known are console,/,
    ],
    [
      'boards:\n  a:\n    config:\n      console: x',
      /^lab:4:7: boards\.a\.config\.console: x is not a console/,
    ],
    ['boards: {a: {config: {power: x}}}', /^lab:1:23: boards\.a\.config\.power: "x" is no kind of switch/],
    [
      'boards: {a: {config: {target_config: "a\\0"}}}',
      /^lab:1:23: boards\.a\.config\.target_config: NUL bytes/,
    ],
    ['boards: {a: {nfs: {}}}', 'lab:1:14: boards.a.nfs: expected allowed_clients in it'],
    [
      'boards: {a: {nfs: {allowed_clients: "::1", quota: x}}}',
      /^lab:1:44: boards\.a\.nfs\.quota: expected a number of bytes/,
    ],
    [
      'boards: {a: {addresses: [1.2.3]}}',
      /^lab:1:26: boards\.a\.addresses: address "1\.2\.3": expected an IPv4/,
    ],
    ['boards: {a: {serials: [xyz]}}', /^lab:1:24: boards\.a\.serials: serial "xyz": expected the 8 or 16/],
    ['boards: {a: {macs: [xyz]}}', /^lab:1:21: boards\.a\.macs: mac "xyz": expected a hardware address/],
    [
      'boards: &b {a: {}}\nusers: *b',
      'lab:2:8: expected the value itself: anchors and aliases are not known here',
    ],
    ['boards: {}\n---\nboards: {}', 'lab:2:1: expected one document, without ---'],
    ['boards:\n\ta: {}', /^lab:2:1: expected blanks instead of a tab$/],
    ['boards: {[a]: {}}', 'lab:1:10: expected a key that is text'],
    ['boards: !!js/function x', /^lab:1:9: not YAML: Unresolved tag/],
    ['boards: {a: {}', /^lab:1:15: not YAML: /],
  ])('is refused: %j', async (text, problem) => {
    const found = await problems(text.replace('KEY', ALICE));
    expect(found[0]).toEqual(typeof problem === 'string' ? problem : expect.stringMatching(problem));
    expect(found).toHaveLength(1);
  });

  it('has each key, user, address, serial number and hardware address once, in any spelling', async () => {
    const text = `users:
  a: [${ALICE}]
  b: [${ALICE} again]
  c: [${BOB}, ${BOB}]
boards:
  x: {addresses: [10.0.0.1], serials: [9a8b7c6d], macs: [dc:a6:32:01:02:03], users: [a], admins: [a]}
  y: {addresses: ["::ffff:10.0.0.1"], serials: [000000009A8B7C6D], macs: [DC-A6-32-01-02-03]}
`;
    const digest = /SHA256:[\w+/]{43}/;
    expect((await problems(text)).map((problem) => problem.replace(digest, 'KEY'))).toEqual([
      'lab:3:7: users.b: expected something else than the key KEY, which user a has',
      expect.stringMatching(
        /^lab:4:\d+: users\.c: expected something else than the key KEY, which user c has$/,
      ),
      'lab:6:86: boards.x.users: a is named twice',
      'lab:7:19: boards.y.addresses: expected something else than ::ffff:10.0.0.1, which board x has',
      'lab:7:49: boards.y.serials: expected something else than 9a8b7c6d, which board x has',
      'lab:7:75: boards.y.macs: expected something else than dc-a6-32-01-02-03, which board x has',
    ]);
  });

  it('has a home directory for each board', async () => {
    const text = 'boards:\n  x: {home: /srv/x}\n  y: {home: /srv/x}\n  z: {home: /home/w}\n  w: {}\n';
    expect(await problems(text)).toEqual([
      'lab:3:7: boards.y.home: expected something else than /srv/x, which board x has',
      'lab:5:3: boards.w.home: expected something else than /home/w, which board z has',
    ]);
  });

  it('tells all that is wrong, up to 20 and how many more', async () => {
    const boards = Array.from({ length: 25 }, (_, index) => `  b${index}: {x: 1}`);
    const found = await problems(['boards:', ...boards].join('\n'));
    expect(found).toHaveLength(21);
    expect(found[19]).toMatch(/^lab:21:/);
    expect(found[20]).toBe('lab: and 5 more');
  });

  it.each([
    ['[', 'lab:1:'],
    ['? ', 'lab:1:'],
    ['- ', 'lab:1:'],
    ['{a: ', 'lab:1:'],
    ['a: ', 'lab:1:'],
    ['"', 'lab:1:'],
    ['&a ', 'lab:1:'],
    ['*a ', 'lab:1:'],
    ['a\n', 'lab:'],
    ['a:\n', 'lab:'],
    ['---\n', 'lab:'],
  ])('made to exhaust the machine is refused: many %j', async (part, start) => {
    const [first] = await problems(part.repeat(100_000 / part.length));
    expect(first?.startsWith(start)).toBe(true);
    expect(first?.length).toBeLessThan(500);
  });
});

describe('a file', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lab-file-'));
  afterAll(() => fs.rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'lab.yaml');

  it('is read', async () => {
    fs.writeFileSync(file, '\ufeffboards: {}\n');
    expect(await labProblems(file)).toEqual([]);
  });

  it('to begin with is right', async () => {
    const example = path.resolve(import.meta.dirname, '../../../docs/novaboot-lab.yaml.example');
    expect(await labProblems(example)).toEqual([]);
  });

  it('that cannot be read says so', async () => {
    const cannot = async (why: string) =>
      expect(await labProblems(file)).toEqual([`${file}: cannot be read: ${why}`]);
    fs.rmSync(file);
    expect(await labProblems(file)).toEqual([expect.stringMatching(/: there is no such file; /)]);
    fs.mkdirSync(file);
    await cannot('is not a regular file');
    fs.rmdirSync(file);
    execFileSync('mkfifo', [file]);
    await cannot('is not a regular file');
    fs.rmSync(file);
    fs.writeFileSync(file, Buffer.from([0x61, 0xff]));
    await cannot('it is not UTF-8');
    fs.truncateSync(file, 5 * 1024 * 1024);
    await cannot('the file is too large');
  });
});
