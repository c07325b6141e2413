/**
 * Random operations on a VFS with a small quota. After each the counter has to be what a walk says, and no more than the
 * quota. Prints what differs, and nothing else.
 *
 * Arguments: a number to begin with, how many operations, the directory to work in, how far the quota may be
 * passed.
 */
import type { Inode } from '../../../src/nfs/vfs/vfs.ts';
import { FileError } from '../../../src/system/file-error.ts';
import { at, bytes, ROOT } from './fixture.ts';
import { makeQuotaPlace } from './quota-fixture.ts';

const QUOTA = 150 * 1024;
const MAX_FILES = 30;
/** btrfs counts data that it keeps in the inode twice while they are written again. */
const SPARE = Number(process.argv[5] ?? 0);
const NAMES = ['a', 'b', 'c', 'long-'.repeat(40), 'other-'.repeat(35), 'x'];
const DIRECTORIES = ['', 'd', 'd/e', 'f'];

let state = Number(process.argv[2]) >>> 0;
/** A number below `limit` (mulberry32). */
function random(limit: number): number {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
}
const pick = <T>(choices: readonly T[]): T => choices[random(choices.length)] as T;

const place = makeQuotaPlace(QUOTA, MAX_FILES, process.argv[4]);
const directory = (): Inode => at(place.vfs, pick(DIRECTORIES));
const name = (): Buffer => bytes(`${pick(NAMES)}${random(2)}`);
const entry = (): Inode => place.vfs.lookup(ROOT, directory(), name());
const times = (count: number, run: () => unknown) => async () => {
  for (let index = 0; index < count; index += 1) await run();
};

const create = () =>
  place.vfs.create(ROOT, directory(), name(), {
    mode: 'unchecked',
    changes: { mode: 0o644, uid: random(3) },
  });
const write = () => {
  const inode = entry();
  const data = Buffer.alloc(1 + random(pick([100, 9000, 70_000])), 1);
  return place.vfs.write(ROOT, inode, random(pick([1, 5000, 300_000])), data, random(3), random(2) === 0);
};
const remove = () => place.vfs.remove(ROOT, directory(), name());

const STEPS: Readonly<Record<string, () => unknown>> = {
  create: times(3, create),
  write: times(9, write),
  remove: times(3, () =>
    Promise.resolve()
      .then(remove)
      .catch(() => {}),
  ),
  mkdir: () => {
    const below = pick(DIRECTORIES.slice(1)).split('/');
    const last = below.pop() as string;
    return place.vfs.mkdir(ROOT, at(place.vfs, below.join('/')), bytes(last), { mode: 0o755 });
  },
  rmdir: () => place.vfs.rmdir(ROOT, directory(), pick([bytes('e'), bytes('f')])),
  symlink: () => place.vfs.symlink(ROOT, directory(), name(), {}, Buffer.alloc(1 + random(4000), 'x')),
  mknod: () => place.vfs.mknod(ROOT, directory(), name(), 7, { mode: 0o600 }, 0, 0),
  link: () => place.vfs.link(ROOT, entry(), directory(), name()),
  rename: () => place.vfs.rename(ROOT, directory(), name(), directory(), name()),
  move: () => place.vfs.rename(ROOT, at(place.vfs, 'd'), bytes('e'), at(place.vfs, 'f'), bytes('moved')),
  truncate: () => place.vfs.setattr(ROOT, entry(), { size: random(200_000) }),
  empty: () => place.vfs.setattr(ROOT, entry(), { size: 0 }),
  chown: () => place.vfs.setattr(ROOT, entry(), { uid: random(100_000), mode: random(0o7777) }),
  commit: () => place.vfs.commit(ROOT, entry(), true),
  list: () => [...Array(3)].map(() => place.vfs.readdir(ROOT, directory(), 0n).next()),
  restart: () => place.restart(),
};

let refused = 0;
const count = Number(process.argv[3]);
await place.settled();
for (let step = 0; step < count; step += 1) {
  const [kind, run] = pick(Object.entries(STEPS));
  try {
    await run();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.code === 'EDQUOT') refused += 1;
  }
  const used = place.vfs.usage()?.used;
  const measured = place.measured();
  if (used?.bytes !== measured.bytes || used.files !== measured.files) {
    console.log(`${step} ${kind}: ${JSON.stringify(used)} instead of ${JSON.stringify(measured)}`);
    break;
  }
  if (used.bytes > QUOTA + SPARE || used.files > MAX_FILES)
    console.log(`${step} ${kind}: ${JSON.stringify(used)}`);
}
const walked = await place.settled();
if (JSON.stringify(walked) !== JSON.stringify(place.measured()))
  console.log(`at last ${JSON.stringify(walked)}`);

// What is never refused is not tested.
if (refused < count / 100) console.log(`refused ${refused} times only`);
place.remove();
