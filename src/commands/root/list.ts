/** What root file systems the caller has, and what they take. */
import fs from 'node:fs';
import path from 'node:path';
import { identityOf } from '../../rootfs/identity.ts';
import { readMounts } from '../../rootfs/mounts.ts';
import { type Figures, isLimited, jsonLimits, minus, NOTHING } from '../../rootfs/quota.ts';
import { replacedRoots } from '../../rootfs/replaced.ts';
import type { Roots } from '../../rootfs/roots.ts';
import { savedNames } from '../../rootfs/saved.ts';
import { countedOf, usageOf } from '../../rootfs/usage.ts';
import { ledgerOf } from '../../shell/ledger.ts';
import { writeJson, writeOut } from '../../shell/output.ts';
import type { OwnRoots } from '../../shell/own-roots.ts';
import { diskSize, quotaLine } from '../../shell/quota-text.ts';
import { printable, table } from '../../shell/text.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;

interface Root extends Figures {
  /** When its top directory was made. ISO 8601 */
  readonly madeAt: string;
  /** Addresses of those who use it. */
  readonly clients: readonly string[];
}

type Clients = ReadonlyMap<string, readonly string[]>;

/** Addresses by the identity of the root that they use. */
function clientsByRoot(mountsFile: string, roots: Roots): Clients {
  const clients = new Map<string, string[]>();
  for (const [address, mounts] of Object.entries(readMounts(mountsFile, roots)).sort()) {
    for (const { root } of mounts) clients.set(root, [...(clients.get(root) ?? []), address]);
  }
  return clients;
}

/** @returns empty where there is no such directory (any more) */
function look(directory: string, figures: Figures | undefined, clients: Clients): [Root] | [] {
  let fd: number;
  try {
    fd = fs.openSync(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    const madeAt = fs.fstatSync(fd).birthtime.toISOString();
    return [{ ...(figures ?? NOTHING), madeAt, clients: clients.get(identityOf(fd)) ?? [] }];
  } finally {
    fs.closeSync(fd);
  }
}

function row(name: string, { bytes, files, madeAt, clients }: Root): string[] {
  const time = new Date(madeAt).toLocaleString('sv-SE');
  return [name, diskSize(bytes), String(files), time, printable(clients.join(' '))];
}

export function run(own: OwnRoots, [json]: readonly string[]): void {
  const { roots, place } = own;
  const ledger = ledgerOf(own);
  const { limits } = ledger;
  const usage = usageOf(ledger);
  const clients = clientsByRoot(place.mountsFile, roots);
  const [live] = look(roots.live, usage.live, clients);
  const saved = savedNames(roots).flatMap((name) =>
    look(path.join(roots.saved, name), usage.saved.get(name), clients).map((root) => ({ name, ...root })),
  );
  const replaced = replacedRoots(roots).flatMap(({ number, path: directory }) =>
    look(directory, usage.replaced.get(number), clients).map((root) => ({ number, ...root })),
  );
  const used = countedOf(usage);
  if (json !== undefined) {
    const quota = isLimited(limits)
      ? { limit: jsonLimits(limits), used, free: jsonLimits(minus(limits, used)) }
      : null;
    writeJson({ live: live ?? null, saved, replaced, uploads: usage.uploads, quota });
    return;
  }
  const rows = [
    ...(live ? [row('(live)', live)] : []),
    ...saved.map((root) => row(root.name, root)),
    ...replaced.map((root) => row(`@${root.number}`, root)),
    ['(uploads)', diskSize(usage.uploads.bytes), String(usage.uploads.files)],
  ];
  writeOut(table([['ROOT', 'SIZE', 'FILES', 'MADE', 'CLIENTS'], ...rows]));
  if (isLimited(limits)) writeOut(`\n${quotaLine(used, limits)}`);
}
