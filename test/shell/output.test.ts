import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const BIN = path.join(import.meta.dirname, '../../bin');
const LINE = 'Not all of the output was written: the disk is full\n';

it.each([
  ['novaboot-admin', ['--help'], {}],
  ['novaboot-shell', ['-c', 'user bob'], { SSH_ORIGINAL_COMMAND: 'help' }],
])('%s says that its output does not fit onto a disk', (program, args, env) => {
  const full = fs.openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, [path.join(BIN, `${program}.ts`), ...args], {
    env: { ...env, HOME: '/nonexistent' },
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  fs.closeSync(full);
  expect({ status, stderr }).toEqual({ status: 1, stderr: `${program}: ${LINE}` });
});

it('says nothing when its reader has gone, and where it cannot say anything', () => {
  const script = '"$@" | :; "$@" >/dev/full 2>&1; echo $? >&2';
  const program = [process.execPath, path.join(BIN, 'novaboot-admin.ts'), '--help'];
  const { status, stderr } = spawnSync('/bin/sh', ['-c', script, 'sh', ...program], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '1\n' });
});
