/** A real Linux kernel as client: tar, git and rsync work on the export as on a local file system. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type NfsLab, startNfsLab } from '../../support/guest-mount.ts';
import { treeScript } from '../../support/guest-tree.ts';

const TIMEOUT = 240_000;

let lab: NfsLab;
const sh = (script: string) => lab.guest.sh(`cd /mnt\n${script}`, TIMEOUT);

beforeAll(async () => {
  lab = await startNfsLab();
  await lab.guest.sh(`${treeScript('/tmp/tree', 20)}; cd /tmp; tar --format=posix -cf tree.tar tree`);
}, TIMEOUT);
beforeEach(() => lab.guest.sh('rm -rf /mnt/*'));
afterAll(() => lab?.stop());

/** Names, types, modes, owners, sizes, times, links; not the sizes of directories. */
const DESCRIBE =
  "find . -printf '%P %y %m %U:%G %n %l %T@ ' \\( -type d -printf '\\n' -o -printf '%s\\n' \\) | sort";

test('tar: extracted, compared, packed again', { timeout: TIMEOUT }, async () => {
  await sh('tar -xpf /tmp/tree.tar');
  await lab.remount();
  expect(await sh('tar -df /tmp/tree.tar')).toBe('');
  expect(await sh(`cd tree; ${DESCRIBE}`)).toBe(await sh(`cd /tmp/tree; ${DESCRIBE}`));
  await sh('tar --format=posix -cf /tmp/again.tar tree; cd /tmp; tar -df again.tar; rm again.tar');
});

test('rsync -aHAX: there and back, with nothing left to do', { timeout: TIMEOUT }, async () => {
  const differences = (from: string, to: string) => sh(`rsync -aHAXnci --delete ${from}/ ${to}/`);
  await sh('rsync -aHAX /tmp/tree/ copy/');
  await lab.remount();
  expect(await differences('/tmp/tree', 'copy')).toBe('');
  await sh('rsync -aHAX copy/ second/');
  expect(await differences('copy', 'second')).toBe('');
  await sh('echo more >>copy/d1/f1; rm copy/d2/f2; rsync -aHAX --delete copy/ second/');
  expect(await differences('copy', 'second')).toBe('');
  await sh('rm -rf /tmp/back; rsync -aHAX second/ /tmp/back/');
  expect(await differences('second', '/tmp/back')).toBe('');
});

test('git: init, add, commit, gc, fsck, clone', { timeout: TIMEOUT }, async () => {
  const git = 'git -c user.name=a -c user.email=b -c gc.auto=0';
  await sh(`${git} init -q -b main work; cd work; cp -r /tmp/tree/d1 /tmp/tree/d2 .; rm d?/fifo d1/null
    ${git} add .; ${git} commit -qm first; mv d1 d3; echo more >>d2/f2; ${git} add -A; ${git} commit -qm second
    ${git} gc -q; ${git} fsck --strict; ${git} status --porcelain`);
  await lab.remount();
  expect(
    await sh(`cd work; ${git} fsck --strict; ${git} status --porcelain; ${git} log --oneline | wc -l`),
  ).toBe('2');
  await sh(`${git} clone -q --no-local work clone; ${git} -C clone fsck --strict; rm -rf /tmp/clone
    ${git} clone -q --no-local work /tmp/clone; ${git} -C /tmp/clone fsck --strict`);
  expect(await sh('cd clone; git rev-parse HEAD; git status --porcelain')).toBe(
    await sh('git -C work rev-parse HEAD'),
  );
});
