import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { landlockAbi, type Rule } from '../../src/system/landlock.ts';

const module = path.resolve(import.meta.dirname, '../../src/system/landlock.ts');
let base: string;

beforeAll(() => {
  if (landlockAbi() === 0)
    throw new Error('These tests need a kernel with Landlock (landlock(7)) switched on');
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'landlock-'));
  for (const name of ['tree/a', 'tree/b', 'outside'])
    fs.mkdirSync(path.join(base, name), { recursive: true });
  for (const name of ['tree/file', 'tree/a/file', 'outside/file', 'single']) {
    fs.writeFileSync(path.join(base, name), 'text');
  }
  fs.symlinkSync('../outside', path.join(base, 'tree/link'));
});

afterAll(() => fs.rmSync(base, { recursive: true }));

/** Evaluates statements in a confined process of its own. @returns what each answered: ok, or its errno's name */
function confined(rules: readonly Rule[], statements: readonly string[], abi = landlockAbi()): string[] {
  const script = `
    import fs from 'node:fs';
    import { execFileSync } from 'node:child_process';
    const { confine } = await import(${JSON.stringify(module)});
    const { O_WRONLY, O_TRUNC } = fs.constants;
    const held = fs.openSync('outside/file', 'r');
    const status = fs.openSync('/proc/self/status', 'r');
    confine(${JSON.stringify(rules)}, ${abi});
    const attempt = (action) => {
      try { action(); return 'ok'; } catch (error) { return error.code ?? String(error); }
    };
    const results = [${statements.map((statement) => `attempt(() => { ${statement} })`).join(',')}];
    console.log(JSON.stringify(results));`;
  const args = ['--input-type=module', '--eval', script];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: base, encoding: 'utf8' }));
}

const rule = (name: string, access: Rule['access']): Rule => ({ path: path.join(base, name), access });

describe('confine', () => {
  test('a writable tree, and nothing beside it', () => {
    const answers = confined(
      [rule('tree', 'write')],
      [
        "fs.writeFileSync('tree/new', 'x')",
        "fs.mkdirSync('tree/directory')",
        "fs.symlinkSync('x', 'tree/newlink')",
        "fs.renameSync('tree/a/file', 'tree/b/file')",
        "fs.linkSync('tree/file', 'tree/b/hard')",
        "fs.truncateSync('tree/file')",
        "fs.rmSync('tree/newlink')",
        "fs.rmdirSync('tree/directory')",
        "fs.readdirSync('tree')",
        "fs.readFileSync('outside/file')",
        "fs.writeFileSync('outside/new', 'x')",
        "fs.readdirSync('outside')",
        "fs.readFileSync('tree/link/file')",
        "fs.mkdirSync('tree/link/directory')",
        "fs.truncateSync('outside/file')",
        "fs.rmSync('outside/file')",
        "fs.renameSync('tree/file', 'outside/stolen')",
        "fs.linkSync('outside/file', 'tree/stolen')",
        'fs.readSync(held, Buffer.alloc(4))',
      ],
    );
    const denied = ['EACCES', 'EACCES', 'EACCES', 'EACCES', 'EACCES', 'EACCES', 'EACCES', 'EACCES'];
    expect(answers.slice(0, 9)).toEqual(Array(9).fill('ok'));
    expect(answers.slice(9, 17)).toEqual(denied);
    expect(['EACCES', 'EXDEV']).toContain(answers[17]);
    expect(answers[18]).toBe('ok');
    expect(fs.readFileSync(path.join(base, 'outside/file'), 'utf8')).toBe('text');
  });

  test('no special files, and no execution of what was written', () => {
    const answers = confined(
      [{ path: '/usr', access: 'execute' }, rule('tree', 'write')],
      [
        "execFileSync('/usr/bin/true')",
        "execFileSync('/usr/bin/mkfifo', ['tree/fifo'], { stdio: 'pipe' })",
        "fs.copyFileSync('/usr/bin/true', 'tree/program'); fs.chmodSync('tree/program', 0o755)",
        "execFileSync('./tree/program')",
      ],
    );
    expect(answers).toEqual(['ok', expect.stringContaining('Command failed'), 'ok', 'EACCES']);
  });

  test('what a server needs: sockets and FIFOs in its tree; elsewhere plain files, and no look around', () => {
    const answers = confined(
      [{ path: '/usr', access: 'execute' }, rule('tree', 'serve'), rule('outside', 'files')],
      [
        "execFileSync('/usr/bin/mkfifo', ['tree/pipe'], { stdio: 'pipe' })",
        "fs.renameSync('tree/file', 'tree/a/moved'); fs.renameSync('tree/a/moved', 'tree/file')",
        "fs.writeFileSync('outside/a', 'x'); fs.renameSync('outside/a', 'outside/b')",
        "fs.readFileSync('outside/b'); fs.truncateSync('outside/b'); fs.rmSync('outside/b')",
        "execFileSync('/usr/bin/mkfifo', ['outside/pipe'], { stdio: 'pipe' })",
        "fs.readdirSync('outside')",
        "fs.mkdirSync('outside/directory')",
        "fs.symlinkSync('x', 'outside/link')",
      ],
    );
    expect(answers.slice(0, 4)).toEqual(Array(4).fill('ok'));
    expect(answers[4]).toContain('Command failed');
    expect(answers.slice(5)).toEqual(Array(3).fill('EACCES'));
  });

  test('read access neither writes nor executes', () => {
    const answers = confined(
      [rule('tree', 'read'), { path: '/usr/bin/true', access: 'read' }],
      [
        "fs.readFileSync('tree/file')",
        "fs.writeFileSync('tree/denied', 'x')",
        "fs.truncateSync('tree/file')",
        "execFileSync('/usr/bin/true')",
      ],
    );
    expect(answers).toEqual(['ok', 'EACCES', 'EACCES', 'EACCES']);
  });

  test('a rule may name one file; what does not exist is passed over', () => {
    const answers = confined(
      [rule('single', 'write'), { path: '/dev/null', access: 'write' }, rule('missing', 'write')],
      [
        "fs.writeFileSync('single', 'x')",
        "fs.writeFileSync('/dev/null', 'x')",
        "fs.readFileSync('tree/file')",
      ],
    );
    expect(answers).toEqual(['ok', 'ok', 'EACCES']);
  });

  test('each older ABI confines as far as it can', () => {
    for (let abi = 1; abi <= Math.min(landlockAbi(), 5); abi += 1) {
      const answers = confined(
        [rule('tree', 'write')],
        [
          "fs.writeFileSync('tree/new', 'x')",
          "fs.writeFileSync('outside/new', 'x')",
          "fs.renameSync('tree/new', 'tree/b/new'); fs.renameSync('tree/b/new', 'tree/new')",
        ],
        abi,
      );
      expect([abi, ...answers]).toEqual([abi, 'ok', 'EACCES', abi >= 2 ? 'ok' : 'EXDEV']);
    }
  });

  test('programs gain no rights any more', () => {
    const answers = confined(
      [],
      ["throw { code: /NoNewPrivs:\\s*(\\d)/.exec(fs.readFileSync(status, 'utf8'))[1] }"],
    );
    expect(answers).toEqual(['1']);
  });
});

test('a kernel says which Landlock it has', () => {
  expect(landlockAbi()).toBeGreaterThanOrEqual(0);
});
