import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../src/tftp/errors.ts';
import { openFile } from '../../src/tftp/tree.ts';
import { asRoot } from '../support/debian-tree.ts';

let base: string;
let tree: string;
const at = (name: string) => path.join(tree, name);

beforeEach(() => {
  base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'tftp-')));
  tree = path.join(base, 'rpi4');
  fs.mkdirSync(at('boot'), { recursive: true });
  fs.writeFileSync(at('boot/Image'), 'kernel');
  fs.writeFileSync(path.join(base, 'secret'), 'secret');
  fs.mkdirSync(path.join(base, 'rpi40'));
  fs.writeFileSync(path.join(base, 'rpi40/x'), 'secret');
});
afterEach(() => fs.rmSync(base, { recursive: true }));

function read(name: string, from = tree): string | undefined {
  const file = openFile(from, name);
  if (file === undefined) return undefined;
  try {
    const text = fs.readFileSync(file.fd, 'latin1');
    expect(file.size).toBe(text.length);
    return text;
  } finally {
    fs.closeSync(file.fd);
  }
}

const openDescriptors = () => fs.readdirSync('/proc/self/fd').length;

/** What a client is told, and that nothing stays open. */
function refusal(name: string): object {
  openFile(tree, 'absent');
  const before = openDescriptors();
  try {
    read(name);
  } catch (error) {
    expect(openDescriptors()).toBe(before);
    return { code: (error as { code: number }).code, message: (error as Error).message };
  }
  throw new Error(`${name} was opened`);
}
const denied = (message: string) => ({ code: ErrorCode.accessViolation, message });

describe('a file of a tree', () => {
  it('is opened', () => expect(read('boot/Image')).toBe('kernel'));

  it('has a name of any bytes', () => {
    fs.writeFileSync(Buffer.from(`${tree}/\xff\xfe `, 'latin1'), 'odd');
    expect(read('\xff\xfe ')).toBe('odd');
  });

  it.each(['absent', 'boot/absent', 'boot/Image/x', 'absent/x', `boot/${'x'.repeat(300)}`])(
    'may be absent: %s',
    (name) => expect(read(name)).toBeUndefined(),
  );

  it.each(['boot/link', 'dirlink/Image', 'chain'])('is behind links within the tree: %s', (name) => {
    fs.symlinkSync('Image', at('boot/link'));
    fs.symlinkSync('boot/../boot', at('dirlink'));
    fs.symlinkSync('dirlink/link', at('chain'));
    expect(read(name)).toBe('kernel');
  });

  it.each([
    ['../secret'],
    ['../rpi40/x'],
    ['/etc/passwd'],
    ['boot/../../secret'],
    ['/proc/self/environ'],
    ['/proc/self/root/etc/passwd'],
  ])('is no link out of the tree: -> %s', (target) => {
    fs.symlinkSync(target, at('link'));
    expect(refusal('link')).toEqual(denied('A symbolic link leads out of the tree'));
  });

  it('is in no directory behind a link out of the tree', () => {
    fs.symlinkSync('..', at('up'));
    expect(refusal('up/secret')).toEqual(denied('A symbolic link leads out of the tree'));
    expect(refusal('up/rpi4/boot/Image')).toEqual(denied('A symbolic link leads out of the tree'));
  });

  it('is not reached by .. in the path either', () => {
    expect(refusal('../secret')).toEqual(denied('A symbolic link leads out of the tree'));
    expect(refusal('/etc/passwd')).toEqual(denied('A symbolic link leads out of the tree'));
  });

  it('is no loop', () => {
    fs.symlinkSync('loop', at('loop'));
    expect(refusal('loop')).toEqual(denied('Too many symbolic links'));
  });

  it('is no directory', () => {
    expect(refusal('boot')).toEqual(denied('Is a directory'));
    expect(refusal('')).toEqual(denied('Is a directory'));
  });

  it('is no FIFO, also while nobody writes to it', () => {
    execFileSync('mkfifo', [at('fifo')]);
    expect(refusal('fifo')).toEqual(denied('Not a regular file'));
  });

  it('is no device', () => {
    const [file = '', ...args] = [...asRoot, 'mknod', '-m', '666', at('zero'), 'c', '1', '5'];
    execFileSync(file, args);
    // The second where the file system is mounted without devices.
    expect(refusal('zero')).toEqual(
      denied(expect.stringMatching(/^Not a regular file$|^Permission denied/) as unknown as string),
    );
  });

  it('is no socket', async () => {
    const server = net.createServer().listen(at('socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    expect(refusal('socket')).toEqual(denied('Not a regular file'));
    server.close();
  });
});

describe('a tree', () => {
  it('may be away', () => {
    expect(read('boot/Image', path.join(base, 'away'))).toBeUndefined();
    expect(read('boot/Image', at('boot/Image'))).toBeUndefined();
  });

  it('is not behind a link that has come since', () => {
    fs.renameSync(tree, path.join(base, 'moved'));
    fs.symlinkSync('rpi40', tree);
    expect(read('x')).toBeUndefined();
  });
});

it('never leaves the tree while somebody swaps files, directories and links', async () => {
  const swapper = `
    const fs = require('node:fs');
    const at = (name) => ${JSON.stringify(`${tree}/`)} + name;
    fs.mkdirSync(at('a')); fs.writeFileSync(at('a/secret'), 'kernel'); fs.symlinkSync('../rpi40', at('b'));
    fs.symlinkSync('..', at('c'));
    process.stdout.write('ready');
    for (let parent = process.ppid; process.ppid === parent; )
      for (const [from, to] of [['a', 't'], ['b', 'a'], ['t', 'b'], ['c', 'u'], ['a', 'c'], ['u', 'a']])
        fs.renameSync(at(from), at(to));
  `;
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, ['-e', swapper], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const seen = new Set<string | undefined>();
    const isEnough = () => seen.has('kernel') && seen.has('A symbolic link leads out of the tree');
    for (const limit = performance.now() + 20_000; performance.now() < limit && !isEnough(); ) {
      for (const name of ['a/secret', 'b/secret', 'a/x', 'b/x', 'a/rpi40/x']) {
        try {
          seen.add(read(name));
        } catch (error) {
          seen.add((error as Error).message);
        }
      }
    }
    expect(seen).not.toContain('secret');
    expect(seen).toContain('kernel');
    expect(seen).toContain('A symbolic link leads out of the tree');
  } finally {
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
  }
});
