/** ~/.novaboot-nfs as it was checked before, for get-config: the checks take longer than all else that it does. */
import fs from 'node:fs';
import path from 'node:path';
import type { NfsConfig } from './nfs-config.ts';
import { nfsConfigFile } from './nfs-place.ts';
import { VERSION } from './version.ts';

interface Known {
  /** Differs when the file was written or replaced, or we may understand it otherwise. */
  readonly stamp: string;
  readonly config: NfsConfig;
}

/** A file that is younger may change once more without a trace: clocks of file systems have coarse ticks. */
const SETTLED_MS = 1000;

/** No user's files begin with a dot. */
function knownFile(home: string): string {
  return path.join(home, '.cache/unfsd/.config');
}

/** undefined for a file that is missing, or has just been changed. */
function stampOf(file: string): string | undefined {
  const stat = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined || Date.now() - Number(stat.ctimeMs) < SETTLED_MS) return undefined;
  return `${VERSION} ${stat.dev}:${stat.ino}:${stat.size}:${stat.ctimeNs}`;
}

function recall(home: string, stamp: string): NfsConfig | undefined {
  try {
    const known: Known = JSON.parse(fs.readFileSync(knownFile(home), 'utf8'));
    return known.stamp === stamp ? known.config : undefined;
  } catch {
    // Nobody has written it yet.
    return undefined;
  }
}

function remember(home: string, known: Known): void {
  const file = knownFile(home);
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.writeFileSync(`${file}.new`, `${JSON.stringify(known)}\n`, { mode: 0o600 });
    fs.renameSync(`${file}.new`, file);
  } catch {
    // A full disk, or another session: it is checked again next time.
  }
}

/** @throws CommandError (78) for a file that is wrong */
export async function knownNfsConfig(home: string): Promise<NfsConfig> {
  const stamp = stampOf(nfsConfigFile(home));
  const known = stamp === undefined ? undefined : recall(home, stamp);
  if (known !== undefined) return known;
  const { readNfsConfig } = await import('./nfs-config.ts');
  const config = readNfsConfig(home) ?? {};
  if (stamp !== undefined) remember(home, { stamp, config });
  return config;
}
