import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Input } from '../../../src/commands/untar/input.ts';
import { openPipe } from '../../../src/system/pipe.ts';

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'input-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

async function read(fd: number): Promise<{ content: Buffer; lengths: number[]; input: Input }> {
  const input = new Input(fd);
  const chunks: Buffer[] = [];
  for await (const chunk of input.chunks()) chunks.push(Buffer.from(chunk));
  return { content: Buffer.concat(chunks), lengths: chunks.map(({ length }) => length), input };
}

test.each([0, 1, 262_143, 262_144, 262_145, 600_000])('a file of %i bytes', async (size) => {
  const content = Buffer.alloc(size, 'novaboot');
  fs.writeFileSync(path.join(directory, 'file'), content);
  const fd = fs.openSync(path.join(directory, 'file'), 'r');
  const found = await read(fd);
  fs.closeSync(fd);
  expect(found.content.equals(content)).toBe(true);
  expect(found.input).toMatchObject({ bytes: size, size });
});

test('a pipe that gives little at once', async () => {
  const { readEnd, writeEnd } = openPipe();
  for (const text of ['one', 'two', 'three']) fs.writeSync(writeEnd, text);
  fs.closeSync(writeEnd);
  const { content, lengths, input } = await read(readEnd);
  fs.closeSync(readEnd);
  expect(content.toString()).toBe('onetwothree');
  expect(lengths).toEqual([11]);
  expect(input.size).toBeUndefined();
});
