/** What the running server can open, in each of its threads: a module that the program loads beside itself tries it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { landlockAbi } from '../../src/system/landlock.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PROGRAM = path.join(ROOT, 'bin/novaboot-nfsd.ts');

/** Runs in the server, once it is confined, with its threads warm. */
const PROBE = `
import fs from 'node:fs';
import dns from 'node:dns/promises';
import { spawnSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import koffi from ${JSON.stringify(path.join(ROOT, 'node_modules/koffi/index.js'))};
const HOME = process.env.PROBE_HOME;
const inside = HOME + '/base/root/';
const outside = HOME + '/';
const answer = async (action) => {
  try { await action(); return 'ok'; } catch (error) { return error.code ?? String(error); }
};
const libc = koffi.load(null);
const open = libc.func('int open(const char *path, int flags, ...)');
const koffiCode = (fd) => { if (fd < 0) throw { code: koffi.errno() === koffi.os.errno.EACCES ? 'EACCES' : 'other' }; };
const worker = (file) => new Promise((resolve, reject) => {
  const code = "const { workerData, parentPort } = require('worker_threads'); try { require('fs').readFileSync(workerData); parentPort.postMessage('ok') } catch (error) { parentPort.postMessage(error.code) }";
  new Worker(code, { eval: true, workerData: file }).once('error', reject).once('message', (code) => code === 'ok' ? resolve() : reject({ code }));
});
async function probe() {
  await Promise.all(Array.from({ length: 64 }, () => fs.promises.stat(inside)));
  const result = {};
  const tries = {
    'openSync': (file) => fs.closeSync(fs.openSync(file)),
    'fs.open': (file) => new Promise((resolve, reject) => fs.open(file, (error, fd) => error ? reject(error) : resolve(fs.closeSync(fd)))),
    'fs.promises': async (file) => (await fs.promises.open(file)).close(),
    'koffi': (file) => koffiCode(open(file, 0, 'int', 0)),
    'worker': worker,
  };
  for (const [name, action] of Object.entries(tries)) {
    const many = (file) => Promise.all(Array.from({ length: name === 'worker' ? 1 : 40 }, () => action(file)));
    result[name] = [await answer(() => many(inside + 'file')), await answer(() => many(outside + 'file'))];
  }
  for (const file of ['.ssh/authorized_keys', 'cache/bob.ports', 'link']) result[file] = await answer(() => fs.readFileSync(outside + file));
  for (const file of ['/etc/passwd', '/proc/self/environ', '/proc/self/maps', '/proc/1/status', '/etc/hosts', '/dev/null', '/dev/zero']) {
    result[file] = await answer(() => fs.closeSync(fs.openSync(file)));
  }
  result.listHome = await answer(() => fs.readdirSync(outside));
  result.listCache = await answer(() => fs.readdirSync(outside + 'cache'));
  result.listBase = await answer(() => fs.readdirSync(outside + 'base'));
  const state = outside + '.local/state/novaboot/';
  result.lease = await answer(() => fs.readFileSync(state + 'lease/holder'));
  result.journal = await answer(() => fs.readFileSync(state + 'journal'));
  result.writeLease = await answer(() => fs.writeFileSync(state + 'lease/holder', ''));
  result.moveLease = await answer(() => fs.renameSync(inside + 'file', state + 'lease/holder'));
  result.removeLease = await answer(() => fs.unlinkSync(state + 'lease/holder'));
  result.locks = await answer(() => fs.readFileSync('/proc/locks'));
  result.create = await answer(() => fs.writeFileSync(outside + 'new', ''));
  result.mkdir = await answer(() => fs.mkdirSync(outside + 'newdir'));
  result.unlink = await answer(() => fs.unlinkSync(outside + 'file'));
  result.steal = await answer(() => fs.renameSync(outside + 'file', inside + 'stolen'));
  result.give = await answer(() => fs.renameSync(inside + 'file', outside + 'given'));
  result.truncate = await answer(() => fs.truncateSync(outside + 'file'));
  result.linkOut = await answer(() => fs.readFileSync(inside + 'linkOut'));
  result.move = await answer(() => { fs.mkdirSync(inside + 'd'); fs.renameSync(inside + 'file', inside + 'd/file'); fs.renameSync(inside + 'd/file', outside + 'base/file'); });
  const tmp = open(inside, 0o20200002, 'int', 0o600);
  const linkat = libc.func('int linkat(int a, const char *b, int c, const char *d, int flags)');
  result.tmpfile = await answer(() => koffiCode(linkat(-100, '/proc/self/fd/' + tmp, -100, inside + 'd/tmp', 0x400)));
  result.execute = String(spawnSync('/bin/true').error?.code);
  result.localhost = await answer(() => dns.lookup('localhost'));
  fs.writeFileSync(inside + 'result.json', JSON.stringify(result));
}
if (process.env.NOVABOOT_NFSD_STAGE?.includes('"serve"')) setTimeout(() => probe().catch((error) => fs.writeFileSync(inside + 'result.json', JSON.stringify({ error: error.stack }))), 50);
`;

let home: string;
let result: Record<string, unknown>;

beforeAll(async () => {
  if (landlockAbi() === 0) {
    throw new Error('These tests need a kernel with Landlock (landlock(7)) switched on');
  }
  home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'nfsd-')));
  const inHome = (name: string) => path.join(home, name);
  const state = '.local/state/novaboot';
  for (const name of ['base/root', 'cache', '.ssh', `${state}/lease`])
    fs.mkdirSync(inHome(name), { recursive: true });
  const names = ['base/root/file', 'file', 'cache/bob.ports', '.ssh/authorized_keys'];
  for (const name of [...names, `${state}/journal`, `${state}/lease/holder`]) {
    fs.writeFileSync(inHome(name), 'text');
  }
  fs.symlinkSync('base/root/file', inHome('link'));
  fs.symlinkSync('../../file', inHome('base/root/linkOut'));
  fs.writeFileSync(inHome('base/probe.mjs'), PROBE);
  const child = spawn(
    process.execPath,
    [
      ...['--import', inHome('base/probe.mjs'), PROGRAM, '--foreground', '--allow', '::1', '--port', '0'],
      ...['--board', home, '--user', 'alice'],
      ...['--port-file', inHome('cache/alice.ports'), '--base', inHome('base'), inHome('base/root')],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PROBE_HOME: home } },
  );
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const file = inHome('base/root/result.json');
  for (let waited = 0; ; waited += 1) {
    const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
    if (text.endsWith('}')) {
      result = JSON.parse(text);
      break;
    }
    if (waited > 2000 || child.exitCode !== null) throw new Error(`no result: ${stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'close');
  expect(result.error).toBeUndefined();
});

afterAll(() => fs.rmSync(home, { recursive: true }));

describe('the confined server', () => {
  it.each(['openSync', 'fs.open', 'fs.promises', 'koffi', 'worker'])(
    'opens files of its tree and no other, by %s',
    (how) => expect(result[how]).toEqual(['ok', 'EACCES']),
  );

  it.each([
    '.ssh/authorized_keys',
    '/etc/passwd',
    '/proc/self/environ',
    '/proc/self/maps',
    '/proc/1/status',
    '/dev/zero',
    'linkOut',
    'listHome',
    'listCache',
    'create',
    'mkdir',
    'unlink',
    'truncate',
    'execute',
    'journal',
    'writeLease',
    'removeLease',
    'locks',
  ])('is refused: %s', (what) => expect(result[what]).toBe('EACCES'));

  it.each(['steal', 'give', 'moveLease'])('moves nothing across: %s', (what) => {
    expect(['EACCES', 'EXDEV']).toContain(result[what]);
    expect(fs.existsSync(path.join(home, 'file'))).toBe(true);
  });

  it.each([
    ...['link', 'cache/bob.ports', '/etc/hosts', '/dev/null'],
    ...['listBase', 'move', 'tmpfile', 'localhost', 'lease'],
  ])('needs and has: %s', (what) => expect(result[what]).toBe('ok'));
});
