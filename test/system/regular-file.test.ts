import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRegularFile } from '../../src/system/regular-file.ts';

let directory: string;
const inside = (name: string) => path.join(directory, name);

beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-'));
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

describe('readRegularFile', () => {
  it('reads a file, also through a link', () => {
    fs.writeFileSync(inside('file'), 'content');
    fs.symlinkSync('file', inside('link'));
    expect(readRegularFile(inside('file'))?.toString()).toBe('content');
    expect(readRegularFile(inside('link'))?.toString()).toBe('content');
  });

  it('tells a missing file, and a link to none', () => {
    fs.symlinkSync('nowhere', inside('dangling'));
    expect(readRegularFile(inside('missing'))).toBeUndefined();
    expect(readRegularFile(inside('dangling'))).toBeUndefined();
  });

  it('reads as many bytes as are allowed, and not one more', () => {
    fs.writeFileSync(inside('ten'), '0123456789');
    expect(readRegularFile(inside('ten'), 10)?.length).toBe(10);
    expect(() => readRegularFile(inside('ten'), 9)).toThrow(expect.objectContaining({ code: 'EFBIG' }));
  });

  it('reads a file of /proc, which has no size', () => {
    expect(readRegularFile('/proc/self/status')?.toString()).toContain('Name:');
  });

  it('refuses at once what is no file', () => {
    execFileSync('mkfifo', [inside('fifo')]);
    fs.symlinkSync('/dev/zero', inside('device'));
    for (const name of ['fifo', 'device', '.']) {
      expect(() => readRegularFile(inside(name)), name).toThrow(expect.objectContaining({ code: 'ENOTREG' }));
    }
  });

  it('refuses a link to itself', () => {
    fs.symlinkSync('loop', inside('loop'));
    expect(() => readRegularFile(inside('loop'))).toThrow(expect.objectContaining({ code: 'ELOOP' }));
  });
});
