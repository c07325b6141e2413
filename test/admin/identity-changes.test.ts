/** The files by which the TFTP server knows boards, in a directory of the test's. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { applyChanges } from '../../src/admin/change.ts';
import type { Identities } from '../../src/admin/desired.ts';
import { boardTree, planIdentities, withPresentIdentities } from '../../src/admin/identity-changes.ts';
import { readConfig } from '../../src/tftp/config.ts';

let directory: string;
let config: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'identities-'));
  config = path.join(directory, 'tftpd.conf');
  fs.writeFileSync(config, 'directory=/srv/lab\n');
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

const NONE: Identities = { addresses: [], macs: [], serials: [] };
const at = (address: string): Identities => ({ ...NONE, addresses: [address] });
const fileOf = (name: string) => path.join(`${config}.d`, `${name}.conf`);
const plan = (wanted: Record<string, Identities | undefined>) =>
  planIdentities(new Map(Object.entries(wanted)), config);

async function make(wanted: Record<string, Identities | undefined>): Promise<string[]> {
  const { changes, conflicts } = plan(wanted);
  expect(conflicts).toEqual([]);
  await applyChanges(changes);
  return changes.map(({ text }) => text);
}

it('makes, changes and removes the file of a board, and nothing where it is right', async () => {
  const wanted = {
    addresses: ['10.0.0.1', 'fd00:0::1'],
    macs: ['DC-A6-32-01-02-03'],
    serials: ['100000009A8B7C6D'],
  };
  expect(await make({ a: wanted })).toEqual([
    `+ ${fileOf('a')}\n  + [board a]\n  + address=10.0.0.1\n  + address=fd00:0::1\n  + serial=9a8b7c6d\n  + mac=dc:a6:32:01:02:03`,
  ]);
  expect(fs.statSync(fileOf('a')).mode & 0o777).toBe(0o644);
  expect(fs.readdirSync(`${config}.d`)).toEqual(['a.conf']);
  expect(readConfig(config).boards).toMatchObject([
    { name: 'a', addresses: ['10.0.0.1', 'fd00:0::1'], prefixes: ['9a8b7c6d', 'dc-a6-32-01-02-03'] },
  ]);
  expect(await make({ a: { ...wanted, addresses: ['fd00::1', '::ffff:10.0.0.1'] } })).toEqual([]);
  expect(await make({ a: at('10.0.0.1') })).toEqual([
    `~ ${fileOf('a')}\n  - address=fd00:0::1\n  - serial=9a8b7c6d\n  - mac=dc:a6:32:01:02:03`,
  ]);
  expect(await make({ a: undefined, b: undefined, c: NONE })).toEqual([
    `- ${fileOf('a')}\n  - [board a]\n  - address=10.0.0.1`,
  ]);
  expect(readConfig(config).boards).toEqual([]);
});

it('lets boards change places', async () => {
  await make({ a: at('10.0.0.1'), b: at('10.0.0.2') });
  await make({ a: at('10.0.0.2'), b: at('10.0.0.1') });
  await make({ a: undefined, b: at('10.0.0.2'), c: at('10.0.0.1') });
  expect(readConfig(config).boards).toMatchObject([
    { name: 'b', addresses: ['10.0.0.2'] },
    { name: 'c', addresses: ['10.0.0.1'] },
  ]);
});

it('is undone', async () => {
  await make({ a: at('10.0.0.1'), b: at('10.0.0.2') });
  const before = ['a', 'b'].map((name) => fs.readFileSync(fileOf(name), 'utf8'));
  const { changes } = plan({ a: at('10.0.0.3'), b: undefined, c: at('10.0.0.4') });
  const failing = { text: '+ nothing', apply: () => Promise.reject(new Error('no')) };
  await expect(applyChanges([...changes, failing])).rejects.toThrow('nothing: no; nothing was changed');
  expect(['a', 'b'].map((name) => fs.readFileSync(fileOf(name), 'utf8'))).toEqual(before);
  expect(fs.existsSync(fileOf('c'))).toBe(false);
});

it('refuses what another board has, and what is no identity', async () => {
  await make({ a: at('10.0.0.1') });
  expect(() => plan({ b: at('10.0.0.1') })).toThrow(
    `board b: address: expected something else than 10.0.0.1, which board a has (${fileOf('a')}:3)`,
  );
  expect(() => plan({ b: at('10.0.0') })).toThrow('address "10.0.0": expected an IPv4 or IPv6 address');
  expect(() => plan({ b: at('10.0.0.9\nmac=x') })).toThrow('expected an IPv4 or IPv6 address');
  expect(() => plan({ b: { ...NONE, serials: ['1'] } })).toThrow('serial "1": expected the 8 or 16');
});

it('writes over nothing that was written meanwhile', async () => {
  await make({ a: at('10.0.0.1') });
  const { changes } = plan({ a: undefined, b: at('10.0.0.2') });
  fs.appendFileSync(fileOf('a'), 'public=yes\n');
  const { changes: others } = plan({ c: at('10.0.0.3') });
  fs.writeFileSync(fileOf('c'), '[board c]\n');
  await expect(applyChanges(changes)).rejects.toThrow(
    `${fileOf('a')}: somebody else has just changed it; look at it, and say this again; nothing was changed`,
  );
  await expect(applyChanges(others)).rejects.toThrow('somebody else has just changed it');
  expect(fs.readFileSync(fileOf('a'), 'utf8')).toContain('public=yes');
  expect(fs.readFileSync(fileOf('c'), 'utf8')).toBe('[board c]\n');
  expect(fs.existsSync(fileOf('b'))).toBe(false);
});

it('leaves alone what is written by hand', async () => {
  fs.appendFileSync(config, '[board a]\naddress=10.0.0.1\n');
  await make({ b: at('10.0.0.2') });
  fs.appendFileSync(fileOf('b'), 'public=yes\n');
  expect(await make({ a: at('10.0.0.1'), b: at('10.0.0.2') })).toEqual([]);
  const { changes, conflicts } = plan({ a: at('10.0.0.3'), b: undefined, c: at('10.0.0.4') });
  expect(changes.map(({ text }) => text.split('\n')[0])).toEqual([`+ ${fileOf('c')}`]);
  expect(conflicts).toEqual([
    `${config}: [board a] is written by hand and says something else: change it there`,
    `${fileOf('b')}: [board b] is written by hand and says something else: change it there`,
  ]);
});

it('needs a configuration that is right, or none', async () => {
  fs.writeFileSync(config, 'hello\n');
  expect(() => plan({ a: at('10.0.0.1') })).toThrow(`${config}:1: hello: expected KEY=VALUE`);
  expect(() => boardTree('a', config)).toThrow(`${config}:1: hello: expected KEY=VALUE`);
  fs.rmSync(config);
  await make({ a: at('10.0.0.1') });
  expect(fs.existsSync(fileOf('a'))).toBe(true);
});

it('tells where the tree of a board is', () => {
  fs.appendFileSync(config, '[board b]\ntree=/home/b/tftproot\n');
  expect(boardTree('a', config)).toBe('/srv/lab/a');
  expect(boardTree('b', config)).toBe('/home/b/tftproot');
  fs.rmSync(config);
  expect(boardTree('a', config)).toBe('/srv/tftp/a');
});

it('can be read by everybody, whatever the umask is', async () => {
  const umask = process.umask(0o077);
  try {
    await make({ a: at('10.0.0.1') });
  } finally {
    process.umask(umask);
  }
  expect(fs.statSync(`${config}.d`).mode & 0o777).toBe(0o755);
  expect(fs.statSync(fileOf('a')).mode & 0o777).toBe(0o644);
});

it('is not made while a file beside it leads nowhere', () => {
  fs.mkdirSync(`${config}.d`);
  fs.symlinkSync('gone', fileOf('x'));
  expect(() => plan({ a: at('10.0.0.1') })).toThrow(`${fileOf('x')}: cannot be read: ENOENT`);
  expect(() => boardTree('a', config)).toThrow(`${fileOf('x')}: cannot be read: ENOENT`);
});

it('has more besides what is there', async () => {
  await make({ a: { addresses: ['10.0.0.1'], macs: ['dc:a6:32:01:02:03'], serials: ['9a8b7c6d'] } });
  const more = {
    addresses: ['::ffff:10.0.0.1', '10.0.0.2'],
    macs: ['DC-A6-32-01-02-03'],
    serials: ['00000001'],
  };
  expect(withPresentIdentities('a', more, config)).toEqual({
    addresses: ['10.0.0.1', '10.0.0.2'],
    macs: ['dc-a6-32-01-02-03'],
    serials: ['9a8b7c6d', '00000001'],
  });
  expect(withPresentIdentities('b', at('10.0.0.9'), config)).toEqual(at('10.0.0.9'));
});
