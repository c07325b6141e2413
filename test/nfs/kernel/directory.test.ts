/** A real Linux kernel as client: a directory of 50,000 entries. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type NfsLab, startNfsLab } from '../../support/guest-mount.ts';

const ENTRIES = 50_000;
const MILLISECONDS = 400_000;

let lab: NfsLab;
const sh = (script: string) => lab.guest.sh(`cd /mnt\n${script}`, MILLISECONDS);

beforeAll(async () => {
  lab = await startNfsLab();
}, 240_000);
afterAll(() => lab?.stop());

/** Prints the number of entries, of different names, and of those that belong there. */
const LIST = `perl -e 'opendir D, "big"; while (defined($_ = readdir D)) { next if /^\\.\\.?$/; $all++; $seen{$_}++;
  $good++ if /^file-with-a-name-(\\d+)$/ && $1 < ${ENTRIES} } print join(" ", $all, scalar(keys %seen), $good)'`;

test('created, listed each exactly once, deleted', { timeout: 2 * MILLISECONDS }, async () => {
  // A file is two calls, a symbolic link is one.
  await sh(`mkdir big; perl -e 'for (0 .. ${ENTRIES - 1}) { $name = "big/file-with-a-name-$_";
    if ($_ % 4) { symlink "x", $name or die $! } else { open F, ">", $name or die $! } }'`);
  expect(fs.readdirSync(path.join(lab.server.exportPath, 'big'))).toHaveLength(ENTRIES);
  const whole = `${ENTRIES} ${ENTRIES} ${ENTRIES}`;
  expect(await sh(LIST)).toBe(whole);
  await lab.remount();
  expect(await sh(LIST), 'with nothing in the memory of the guest').toBe(whole);
  await lab.remount();
  // Every second entry goes while the directory is being read: the others are seen exactly once.
  expect(
    await sh(`perl -e 'opendir D, "big"; while (defined($_ = readdir D)) { /(\\d+)$/ or next;
      if ($1 % 2) { unlink "big/$_" or die $! } else { $seen{$_}++ } }
      print join(" ", scalar(keys %seen), scalar(grep { $_ > 1 } values %seen))'`),
  ).toBe(`${ENTRIES / 2} 0`);
  await sh('rm -r big');
  expect(fs.readdirSync(lab.server.exportPath)).toEqual([]);
});
