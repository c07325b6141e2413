import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { isBroken, whenBroken } from '../../src/system/descriptors.ts';

/** A pipe's writing end here, its reading end in a process that ends at our word. */
async function brokenPipe(): Promise<{ fd: number; close: () => Promise<void> }> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-fifo-'));
  const fifo = path.join(directory, 'fifo');
  await once(spawn('mkfifo', [fifo]), 'exit');
  const reader = spawn('sh', ['-c', 'exec 3<"$0"; read line', fifo]);
  const fd = fs.openSync(fifo, 'w');
  const close = async () => {
    reader.stdin.end();
    await once(reader, 'exit');
    fs.rmSync(directory, { recursive: true });
  };
  return { fd, close };
}

it('sees that a reader is gone', async () => {
  const { fd, close } = await brokenPipe();
  expect(isBroken([fd])).toBe(false);
  let seen = false;
  const broken = whenBroken([fd]).then(() => {
    seen = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(seen).toBe(false);
  await close();
  expect(isBroken([fd])).toBe(true);
  await broken;
  fs.closeSync(fd);
});

it('does not take the end of an input for a broken connection', () => {
  const fd = fs.openSync('/dev/null', 'r');
  expect(isBroken([fd])).toBe(false);
  fs.closeSync(fd);
});
