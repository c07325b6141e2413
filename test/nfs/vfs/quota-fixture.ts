/** A user's base with a root, served with a quota. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Vfs } from '../../../src/nfs/vfs/vfs.ts';
import { measure } from '../../../src/rootfs/measure.ts';
import { type Figures, limitsOf, plus } from '../../../src/rootfs/quota.ts';
import { UsageFile, type UsageRecord } from '../../../src/rootfs/usage-file.ts';

export interface QuotaPlace {
  readonly base: string;
  readonly root: string;
  readonly usageFile: string;
  readonly vfs: Vfs;
  /** A clean end and a new start. */
  restart(): void;
  /** The same without an end: as after kill -9. */
  crash(): void;
  /** What counts, by a walk. */
  measured(): Figures;
  /** When no walk of the server's is due any more. */
  settled(): Promise<Figures>;
  record(): UsageRecord;
  remove(): void;
}

const WAIT_MS = 10_000;

/** @param quota bytes, 0 for none @param maxFiles 0 for any number */
export function makeQuotaPlace(quota: number, maxFiles = 0, parent = os.tmpdir()): QuotaPlace {
  const top = fs.mkdtempSync(path.join(parent, 'quota-'));
  const base = path.join(top, 'base');
  const root = path.join(base, 'root');
  fs.mkdirSync(root, { recursive: true });
  const usageFile = path.join(top, 'alice.usage');
  const open = () =>
    Vfs.open({
      ...{ exportPath: root, base, ownership: 'xattr', sync: false, unattributed: { uid: 0, gid: 0 } },
      quota: { limits: limitsOf(quota, maxFiles), usage: new UsageFile(usageFile) },
    });
  const abandoned: Vfs[] = [];
  let vfs = open();
  const record = () => JSON.parse(fs.readFileSync(usageFile, 'latin1')) as UsageRecord;
  return {
    base,
    root,
    usageFile,
    record,
    get vfs() {
      vfs.begin();
      return vfs;
    },
    restart() {
      vfs.close();
      vfs = open();
    },
    crash() {
      abandoned.push(vfs);
      vfs = open();
    },
    measured: () => plus(measure(root), measure(base, ['root', '.replaced'])),
    async settled() {
      for (const end = Date.now() + WAIT_MS; Date.now() < end; ) {
        const used = vfs.usage()?.used;
        if (used !== undefined && record().dirty === 0) return used;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      throw new Error('the walk does not come to its end');
    },
    remove() {
      for (const each of [vfs, ...abandoned]) each.close();
      execFileSync('rm', ['-rf', top]);
    },
  };
}
