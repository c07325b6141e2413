/**
 * What a user's root file systems take, and what is left of the quota: for the commands that add to them. Live root,
 * uploads and saved roots count together; replaced roots and one in the making are a second sum with the same limit, since
 * they go by themselves. Figures come from the file that the NFS server keeps (usage-file.ts), and from a walk where that
 * is not to be trusted.
 */
import fs from 'node:fs';
import path from 'node:path';
import { RootError } from './errors.ts';
import { identityAt } from './identity.ts';
import { measure } from './measure.ts';
import { type Figures, isLimited, minus, NOTHING, plus, UNLIMITED } from './quota.ts';
import { replacedRoots } from './replaced.ts';
import { REPLACED, type Roots } from './roots.ts';
import { savedNames } from './saved.ts';
import { lockForUpload, UsageFile, type UsageRecord } from './usage-file.ts';

/** Whose usage, and where it is kept. */
export interface Ledger {
  readonly roots: Roots;
  readonly limits: Figures;
  /** USER.usage; beside it USER.usage.upload, which who changes the tree unseen has a lock on. */
  readonly file: string;
  /** The NFS server's process, if it runs. */
  serverPid(): number | undefined;
}

export interface Usage {
  readonly live: Figures;
  readonly uploads: Figures;
  readonly replaced: ReadonlyMap<number, Figures>;
  readonly saved: ReadonlyMap<string, Figures>;
}

/** Trees by what they are. */
interface Trees {
  readonly live: string | undefined;
  readonly replaced: ReadonlyMap<number, string>;
  readonly saved: ReadonlyMap<string, string>;
}

function treesOf(roots: Roots): Trees {
  const saved = savedNames(roots).flatMap((name) => {
    const identity = identityAt(path.join(roots.saved, name));
    return identity === undefined ? [] : [[name, identity] as const];
  });
  return {
    live: identityAt(roots.live),
    replaced: new Map(replacedRoots(roots).map(({ number, identity }) => [number, identity])),
    saved: new Map(saved),
  };
}

/** Trees that have figures while they have no name yet, or no more. */
function nameless({ replaced, saved }: Roots): string[] {
  return [replaced, saved].flatMap((directory) => {
    const names = fs.existsSync(directory) ? fs.readdirSync(directory, { withFileTypes: true }) : [];
    const trees = names.filter((entry) => entry.isDirectory());
    return trees.flatMap(({ name }) => identityAt(path.join(directory, name)) ?? []);
  });
}

type Measured = Pick<UsageRecord, 'roots' | 'saved' | 'uploads'>;
const NOTHING_KNOWN = { roots: {}, saved: {}, uploads: undefined };

/** Measures what `known` has no figures of. */
function measured(
  { roots }: Ledger,
  trees: Trees,
  known: Pick<Measured, 'roots' | 'saved'> & { readonly uploads: Figures | undefined },
): Measured {
  const each = (
    of: ReadonlyMap<string | number, string>,
    directory: string,
    figures: Readonly<Record<string, Figures>>,
  ) =>
    Object.fromEntries(
      [...of].map(([name, id]) => [id, figures[id] ?? measure(path.join(directory, `${name}`))]),
    );
  const live = trees.live === undefined ? new Map() : new Map([['', trees.live]]);
  return {
    uploads: known.uploads ?? measure(roots.base, [path.basename(roots.live), REPLACED]),
    roots: { ...each(live, roots.live, known.roots), ...each(trees.replaced, roots.replaced, known.roots) },
    saved: each(trees.saved, roots.saved, known.saved),
  };
}

/** Drops the figures of trees that are gone. */
function dropStale(roots: Roots, trees: Trees, record: UsageRecord): void {
  const present = new Set([
    trees.live,
    ...trees.replaced.values(),
    ...trees.saved.values(),
    ...nameless(roots),
    // Another one, if they were exchanged just now.
    identityAt(roots.live),
  ]);
  for (const figures of [record.roots, record.saved]) {
    for (const identity of Object.keys(figures)) if (!present.has(identity)) delete figures[identity];
  }
}

/** The figures of all trees. What had to be measured is kept, unless a server runs: it measures for itself. */
function settled(ledger: Ledger, trees: Trees): Measured {
  const { roots, limits, file, serverPid } = ledger;
  if (!isLimited(limits)) return measured(ledger, trees, NOTHING_KNOWN);
  const usage = new UsageFile(file);
  try {
    const isServed = serverPid() !== undefined;
    const { dirty, ...known } = usage.update((record) => {
      // Its server was killed.
      if (record.served && !isServed) Object.assign(record, { served: false, dirty: record.dirty + 1 });
      dropStale(roots, trees, record);
    });
    if (dirty === 0) {
      const found = measured(ledger, trees, known);
      usage.update((record) => {
        // What others told meanwhile counts more.
        record.saved = { ...found.saved, ...record.saved };
        if (!record.served) record.roots = { ...found.roots, ...record.roots };
      });
      return found;
    }
    const wasQuiet = usage.isQuiet();
    const found = measured(ledger, trees, NOTHING_KNOWN);
    usage.update((record) => {
      if (record.served) return;
      Object.assign(record, found);
      if (record.dirty === dirty && wasQuiet) record.dirty = 0;
    });
    return found;
  } finally {
    usage.close();
  }
}

/** @throws FileError, SystemError */
export function usageOf(ledger: Ledger): Usage {
  const trees = treesOf(ledger.roots);
  const { live, replaced, saved } = trees;
  const record = settled(ledger, trees);
  const each = <Name>(names: ReadonlyMap<Name, string>, figures: Readonly<Record<string, Figures>>) =>
    new Map([...names].map(([name, identity]) => [name, figures[identity] ?? NOTHING]));
  return {
    live: record.roots[live ?? ''] ?? NOTHING,
    uploads: record.uploads,
    replaced: each(replaced, record.roots),
    saved: each(saved, record.saved),
  };
}

function sum(figures: Iterable<Figures>): Figures {
  return [...figures].reduce(plus, NOTHING);
}

/** What the quota is compared with: live root, uploads and saved roots. */
export function countedOf({ live, uploads, saved }: Usage): Figures {
  return sum([live, uploads, ...saved.values()]);
}

function isFull({ bytes, files }: Figures): boolean {
  return bytes <= 0 || files <= 0;
}

/**
 * What a tree may take that is going to replace the live root.
 *
 * @throws RootError where it may take nothing
 */
export function roomForNewRoot(ledger: Ledger): Figures {
  if (!isLimited(ledger.limits)) return UNLIMITED;
  const { uploads, saved, replaced } = usageOf(ledger);
  const beside = minus(ledger.limits, sum([uploads, ...saved.values()]));
  const behind = minus(ledger.limits, sum(replaced.values()));
  if (isFull(behind)) {
    const numbers = [...replaced.keys()].map((number) => `@${number}`).join(', ');
    throw new RootError(
      `The replaced roots ${numbers} fill the quota; they go when no board runs on them, or with "root remove @NUMBER"`,
    );
  }
  if (isFull(beside)) throw quotaFull();
  return { bytes: Math.min(beside.bytes, behind.bytes), files: Math.min(beside.files, behind.files) };
}

export function quotaFull(): RootError {
  return new RootError('Your quota is used up: "root list" shows by what');
}

/** Changes the record; for who has no quota, there is to be none that would be wrong later. */
function record({ limits, file }: Ledger, change: (record: UsageRecord) => void): void {
  if (!isLimited(limits)) {
    fs.rmSync(file, { force: true });
    return;
  }
  const usage = new UsageFile(file);
  try {
    usage.update(change);
  } finally {
    usage.close();
  }
}

/**
 * A tree is there that was not: one that is about to replace the live root, or a saved one.
 *
 * @param figures measured if they are missing
 */
export function treeAdded(ledger: Ledger, directory: string, figures?: Figures): void {
  const identity = identityAt(directory);
  if (identity === undefined) return;
  const known = isLimited(ledger.limits) ? (figures ?? measure(directory)) : NOTHING;
  const kind = path.dirname(directory) === ledger.roots.saved ? 'saved' : 'roots';
  record(ledger, (record) => {
    record[kind][identity] = known;
  });
}

/** A saved or replaced root is about to go. */
export function treeRemoved(ledger: Ledger, identity: string): void {
  record(ledger, (record) => {
    delete record.roots[identity];
    delete record.saved[identity];
  });
}

/** The base is about to be changed unseen, by this process or one that it looks after. */
export function markDirty(ledger: Ledger): void {
  if (isLimited(ledger.limits)) {
    // Held as long as this process lives: until then no walk's figures are the last word.
    held.set(ledger.file, lockForUpload(ledger.file));
  }
  record(ledger, (record) => {
    record.dirty += 1;
  });
}

/** Descriptors with the locks of markDirty(). */
const held = new Map<string, number>();

/** The change is over: walks, or lets the NFS server do it. */
export function settle(ledger: Ledger): void {
  const fd = held.get(ledger.file);
  if (fd !== undefined) fs.closeSync(fd);
  held.delete(ledger.file);
  record(ledger, (record) => {
    record.dirty += 1;
  });
  if (!isLimited(ledger.limits)) return;
  const pid = ledger.serverPid();
  if (pid === undefined) {
    settled(ledger, treesOf(ledger.roots));
    return;
  }
  try {
    process.kill(pid, 'SIGUSR1');
  } catch {
    // It has ended just now: the next one walks.
  }
}
