/** The journals of the servers, whatever is in them. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readNfs, readTftp } from '../../../src/commands/why/journals.ts';
import { at } from './consoles.ts';

let directory: string;
let file: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'why-'));
  file = path.join(directory, 'board.journal');
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

const common = { version: 1, time: new Date(at(1)).toISOString(), client: '192.0.2.1:1024' };
const request = {
  ...{ ...common, event: 'tftp', file: 'Image', bytes: 5, seconds: 0.5 },
  ...{ retransmissions: 0, outcome: 'complete', result: 'complete' },
};

function write(name: string, ...records: readonly object[]): void {
  fs.writeFileSync(name, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}

test('the older file comes first', () => {
  write(`${file}.1`, { ...request, file: 'old' });
  write(file, request);
  expect(readTftp(file)).toMatchObject([{ file: 'old' }, { file: 'Image', time: at(1) }]);
});

test('no journal is not an empty one', () => {
  expect(readTftp(file)).toBeUndefined();
  write(file);
  expect(readTftp(file)).toEqual([]);
});

test('what is no record is passed over', () => {
  write(
    file,
    request,
    { ...request, bytes: 'many' },
    { ...common, event: 'left-out', of: 'tftp', count: 3 },
    [1],
  );
  fs.appendFileSync(file, `null\n{"version":1\n\xff\n${JSON.stringify(request).slice(0, 40)}`);
  expect(readTftp(file)).toHaveLength(1);
});

test('what an NFS server noted is of its user', () => {
  const mount = { ...common, event: 'mount', path: '/x', status: 'MNT3_OK', holder: 'bob', init: null };
  write(
    file,
    ...[mount, { ...mount, status: 'MNT3ERR_NOENT', init: undefined }],
    ...[{ ...common, event: 'init-read', path: '/sbin/init' }],
    ...[{ ...common, event: 'refused', reason: 'not an allowed client' }],
    ...[{ ...common, event: 'version', program: 'nfs', asked: 2 }],
    ...[{ ...common, event: 'not known yet' }],
  );
  const events = readNfs(file, 'alice') ?? [];
  expect(events.map(({ event, user }) => `${event} ${user}`)).toEqual([
    'mount alice',
    'mount alice',
    'init-read alice',
    'refused alice',
    'version alice',
  ]);
  expect(events[0]).toMatchObject({ init: null, time: at(1), holder: 'bob' });
});

test('a journal that is no file is not waited for', () => {
  fs.mkdirSync(file);
  expect(() => readTftp(file)).toThrow('EISDIR');
});
