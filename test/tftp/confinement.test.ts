/** What a running worker can open, in each of its threads: a module that it loads beside itself tries it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { landlockAbi } from '../../src/system/landlock.ts';
import { startTftpDaemon, type TftpDaemon } from '../support/tftp-daemon.ts';

const KOFFI = path.resolve(import.meta.dirname, '../../node_modules/koffi/index.js');

/** Runs in the worker, once it is confined, with its threads warm. */
const probe = (home: string, directory: string, journal: string) => `
import fs from 'node:fs';
import { spawnSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import koffi from ${JSON.stringify(KOFFI)};
const answer = async (action) => {
  try { await action(); return 'ok'; } catch (error) { return error.code ?? String(error); }
};
const tree = ${JSON.stringify(`${directory}/rpi4/`)};
const home = ${JSON.stringify(`${home}/`)};
const journal = ${JSON.stringify(`${journal}/`)};
const open = koffi.load(null).func('int open(const char *path, int flags, ...)');
const koffiCode = (fd) => { if (fd < 0) throw { code: koffi.errno() === koffi.os.errno.EACCES ? 'EACCES' : 'other' }; };
const worker = (file) => new Promise((resolve, reject) => {
  const code = "const { workerData, parentPort } = require('worker_threads'); try { require('fs').readFileSync(workerData); parentPort.postMessage('ok') } catch (error) { parentPort.postMessage(error.code) }";
  new Worker(code, { eval: true, workerData: file }).once('error', reject).once('message', (code) => code === 'ok' ? resolve() : reject({ code }));
});
async function run() {
  await Promise.all(Array.from({ length: 64 }, () => fs.promises.stat(tree)));
  const result = {};
  const tries = {
    openSync: (file) => fs.closeSync(fs.openSync(file)),
    promises: async (file) => (await fs.promises.open(file)).close(),
    koffi: (file) => koffiCode(open(file, 0, 'int', 0)),
    worker,
  };
  for (const [name, action] of Object.entries(tries)) {
    const many = (file) => Promise.all(Array.from({ length: name === 'worker' ? 1 : 40 }, () => action(file)));
    result[name] = [await answer(() => many(tree + 'Image')), await answer(() => many(home + 'secret'))];
  }
  for (const file of ['/etc/passwd', '/etc/hosts', '/proc/self/environ', '/proc/1/status', '/dev/zero', home + 'config', tree + 'out']) {
    result[file.replace(tree, '').replace(home, '')] = await answer(() => fs.closeSync(fs.openSync(file)));
  }
  result.elsewhere = await answer(() => fs.readFileSync(home + 'elsewhere/Image'));
  result.list = await answer(() => fs.readdirSync(home));
  result.write = await answer(() => fs.writeFileSync(tree + 'Image', ''));
  result.create = await answer(() => fs.writeFileSync(tree + 'new', ''));
  result.mkdir = await answer(() => fs.mkdirSync(tree + 'directory'));
  result.unlink = await answer(() => fs.unlinkSync(tree + 'Image'));
  result.truncate = await answer(() => fs.truncateSync(tree + 'Image'));
  result.journal = await answer(() => {
    fs.writeFileSync(journal + 'new', 'x', { flag: 'a' });
    fs.renameSync(journal + 'new', journal + 'old');
    fs.truncateSync(journal + 'old');
  });
  result['directory of journals'] = await answer(() => fs.mkdirSync(journal + 'directory'));
  result['list of journals'] = await answer(() => fs.readdirSync(journal));
  result.execute = String(spawnSync('/bin/true').error?.code);
  fs.writeSync(2, 'result ' + JSON.stringify(result) + '\\n');
}
if (process.env.NOVABOOT_TFTPD_STAGE?.includes('"serve"')) {
  setTimeout(() => run().catch((error) => fs.writeSync(2, 'result ' + JSON.stringify({ error: error.stack }) + '\\n')), 50);
}
`;

let home: string;
let daemon: TftpDaemon;
let result: Record<string, unknown>;

beforeAll(async () => {
  if (landlockAbi() === 0) {
    throw new Error('These tests need a kernel with Landlock (landlock(7)) switched on');
  }
  home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'tftp-')));
  const directory = path.join(home, 'srv');
  for (const name of ['srv/rpi4', 'elsewhere', 'journal'])
    fs.mkdirSync(path.join(home, name), { recursive: true });
  for (const name of ['secret', 'config', 'srv/rpi4/Image', 'elsewhere/Image']) {
    fs.writeFileSync(path.join(home, name), 'text');
  }
  fs.symlinkSync('../../secret', path.join(directory, 'rpi4/out'));
  const file = path.join(directory, 'rpi4/probe.mjs');
  fs.writeFileSync(file, probe(home, directory, path.join(home, 'journal')));
  daemon = await startTftpDaemon({
    config: `journal=${home}/journal\n[board rpi4]\ntree=${directory}/rpi4\n[board elsewhere]\ntree=${home}/elsewhere\n`,
    node: ['--import', file],
  });
  const [, json = ''] = await daemon.logged(/^result (.*)$/m);
  result = JSON.parse(json);
  expect(result.error).toBeUndefined();
});

afterAll(async () => {
  await daemon?.stop();
  fs.rmSync(home, { recursive: true });
});

describe('the confined worker', () => {
  it.each(['openSync', 'promises', 'koffi', 'worker'])('opens files of trees and no other, by %s', (how) =>
    expect(result[how]).toEqual(['ok', 'EACCES']),
  );

  it('writes journals', () => expect(result.journal).toBe('ok'));

  it.each(['directory of journals', 'list of journals'])('is refused: a %s', (what) =>
    expect(result[what]).toBe('EACCES'),
  );

  it('reads trees that lie elsewhere', () => expect(result.elsewhere).toBe('ok'));

  it.each([
    '/etc/passwd',
    '/etc/hosts',
    '/proc/self/environ',
    '/proc/1/status',
    '/dev/zero',
    'config',
    'out',
  ])('is refused: %s', (what) => expect(result[what]).toBe('EACCES'));

  it.each(['list', 'write', 'create', 'mkdir', 'unlink', 'truncate', 'execute'])('is refused: %s', (what) =>
    expect(result[what]).toBe('EACCES'),
  );
});
