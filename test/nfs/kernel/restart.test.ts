/** A real Linux kernel as client of a server that is killed and started again. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type NfsLab, startNfsLab } from '../../support/guest-mount.ts';
import { treeEntries, treeScript } from '../../support/guest-tree.ts';
import { eventually } from '../../support/ssh-session.ts';

const ROUNDS = 20;
const DIRECTORIES = 10;
const ENTRIES = treeEntries(DIRECTORIES);
const MILLISECONDS = 600_000;

let lab: NfsLab;
const sh = (script: string) => lab.guest.sh(`cd /mnt\n${script}`, MILLISECONDS);

beforeAll(async () => {
  lab = await startNfsLab();
  await lab.guest.sh(
    `${treeScript('/tmp/tree', DIRECTORIES)}; cd /tmp; tar --format=posix -cf tree.tar tree`,
  );
}, 240_000);
afterAll(() => lab?.stop());

/** How many entries a directory has on the host, and those in it. */
function entries(directory: string): number {
  const options = { recursive: true, encoding: 'utf8' } as const;
  return fs.readdirSync(path.join(lab.server.exportPath, directory), options).length;
}

/**
 * A call that was carried out just before the kill, but not answered, comes again, and the new process does not know
 * it: such a call may fail (EEXIST, ENOENT). tar copes with most; what it reports is counted.
 */
test(`killed in the middle of a tar extraction, ${ROUNDS} times`, { timeout: MILLISECONDS }, async () => {
  const complaints: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const directory = `round-${round}`;
    await sh(`mkdir ${directory}`);
    const extraction = lab.guest.run(`cd /mnt/${directory}; tar -xpf /tmp/tree.tar`, MILLISECONDS);
    const enough = ((round + 0.5) / ROUNDS) * ENTRIES;
    await eventually(`${enough} entries`, () => entries(directory) >= enough, MILLISECONDS);
    await lab.server.restart();
    const { status, stderr } = await extraction;
    if (status !== 0 || stderr !== '') complaints.push(`status ${status}: ${stderr}`);
    await sh('echo 3 >/proc/sys/vm/drop_caches');
    expect(await sh(`tar -C ${directory} -df /tmp/tree.tar`), stderr).toBe('');
    expect(entries(directory)).toBe(1 + ENTRIES);
  }
  console.info(`${complaints.length} of ${ROUNDS} extractions reported an error. ${complaints.join('; ')}`);
});

test('files that are open stay open', { timeout: 180_000 }, async () => {
  await sh('rm -rf /mnt/*; echo before >file; echo gone >removed');
  const reader = lab.guest.run(`cd /mnt; exec 3<>file 4<removed; rm removed; touch /tmp/opened
    until [ -e /tmp/restarted ]; do sleep 0.1; done; echo 3 >/proc/sys/vm/drop_caches
    cat <&3; cat <&4; echo after >&3; exec 3<&- 4<&-; ls -A; cat file`);
  await sh(
    'until [ -e /tmp/opened ]; do sleep 0.1; done; mkdir dir; mv file dir/moved; mv dir/moved file; rmdir dir',
  );
  await lab.server.restart();
  await sh('touch /tmp/restarted');
  const { stdout } = await reader;
  expect(stdout).toBe('before\ngone\nfile\nbefore\nafter\n');
});

test('data not yet written when the server is killed is written to the next one', {
  timeout: 180_000,
}, async () => {
  await sh(`rm -rf /mnt/*; perl -e 'for (1 .. 8) { print chr(64 + $_) x 1048576 }' >/tmp/data`);
  const copy = lab.guest.run('dd if=/tmp/data of=/mnt/data bs=1M conv=fsync');
  await eventually('the file', () => fs.existsSync(path.join(lab.server.exportPath, 'data')));
  await lab.server.restart();
  expect((await copy).status).toBe(0);
  expect(await sh('echo 3 >/proc/sys/vm/drop_caches; cmp data /tmp/data; stat -c %s data')).toBe(
    String(8 * 2 ** 20),
  );
});
