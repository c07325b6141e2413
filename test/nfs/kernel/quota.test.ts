/** A real Linux kernel as client of a server with a quota. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { measure } from '../../../src/rootfs/measure.ts';
import { type NfsLab, startNfsLab } from '../../support/guest-mount.ts';

// An emulated processor is slow.
vi.setConfig({ testTimeout: 120_000 });

const MB = 1024 * 1024;
const QUOTA = 16 * MB;

let lab: NfsLab;
const sh = (script: string) => lab.guest.sh(`cd /mnt\n${script}`);

beforeAll(async () => {
  lab = await startNfsLab({ args: ['--quota', '16M', '--max-files', '40'] });
}, 240_000);
afterAll(() => lab?.stop());

/** Figures of df in units of 1024 bytes, or with -i in files: all, used, free. */
async function df(option: string): Promise<number[]> {
  const line = await sh(`df ${option} /mnt | tail -n 1`);
  return line.split(/\s+/).slice(1, 4).map(Number);
}

test('df shows the quota', async () => {
  const { bytes, files } = measure(lab.server.base);
  // The kernel rounds up to whole requests (fs/nfs/super.c nfs_statfs).
  const free = Math.ceil((QUOTA - bytes) / MB) * 1024;
  expect(await df('-k')).toEqual([QUOTA / 1024, QUOTA / 1024 - free, free]);
  expect(await df('-i')).toEqual([40, files, 40 - files]);
});

test('a program sees EDQUOT, and goes on once something is removed', async () => {
  // write(2) or fsync(2) fails with errno 122.
  const filling = `perl -e 'open F, ">", "big"; $n = 0; while (($w = syswrite F, "x" x 65536) > 0) { $n += $w }
    $e = $! + 0; syscall(74, fileno F) == 0 or $e = $! + 0; print $e' || true`;
  expect(await sh(filling)).toBe('122');
  expect(measure(lab.server.base).bytes).toBeLessThanOrEqual(QUOTA);
  expect(measure(lab.server.base).bytes).toBeGreaterThan(QUOTA - 1_500_000);
  expect(await sh('(echo more >more) || rm -f more; rm big; echo again >again; sync; cat again')).toMatch(
    /again$/,
  );
  expect(fs.readFileSync(path.join(lab.server.exportPath, 'again'), 'utf8')).toBe('again\n');
  expect((await df('-k'))[1]).toBe(0);
});

test('no more files than max_files', async () => {
  const made = await sh(
    'for i in $(seq 60); do mkdir d$i 2>/tmp/words || break; done; ls -d d* | wc -l; cat /tmp/words',
  );
  const { files } = measure(lab.server.base);
  expect(files).toBe(40);
  expect(made).toMatch(/^3\d\n.*(quota|122)/i);
  await sh('rm -r d*; mkdir d1');
});
