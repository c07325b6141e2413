/** What `nfs status` shows, written on request. */
import fs from 'node:fs';
import { jsonLimits } from '../rootfs/quota.ts';
import type { Holder } from './lease.ts';
import { replaceFile } from './port-file.ts';
import type { Mount } from './procedures/mount-list.ts';
import type { ReplacedRoots } from './roots/replaced.ts';
import type { Serve } from './stage.ts';
import type { Statistics } from './statistics.ts';
import type { Vfs } from './vfs/vfs.ts';

export interface StatusSource {
  readonly stage: Serve;
  readonly port: number;
  readonly startedAt: Date;
  readonly statistics: Statistics;
  readonly mounts: readonly Mount[];
  readonly holder: Holder | undefined;
  /** Calls that were put off since that one has the board. */
  readonly putOff: number;
  readonly paused: boolean;
  readonly replaced: ReturnType<ReplacedRoots['list']>;
  readonly usage: ReturnType<Vfs['usage']>;
}

const PAGE_BYTES = 4096;

/** Resident memory in bytes: proc_pid_statm(5), its second field, in pages. */
function residentMemory(statm: number): number {
  const text = Buffer.alloc(128);
  const length = fs.readSync(statm, text, 0, text.length, 0);
  return Number(text.toString('latin1', 0, length).split(' ')[1]) * PAGE_BYTES;
}

/** Of what performance.now() gave. */
const isoTime = (time: number): string => new Date(performance.timeOrigin + time).toISOString();

export function status(source: StatusSource) {
  const { stage, port, startedAt, statistics, mounts, holder, putOff, paused, replaced, usage } = source;
  const { connections, rpcErrors, bytesRead, bytesWritten, duplicateReplies } = statistics;
  return {
    version: 1,
    pid: process.pid,
    port,
    export: stage.options.exportPath,
    startedAt: startedAt.toISOString(),
    uptimeSeconds: Math.floor(process.uptime()),
    ownership: stage.options.ownership,
    unattributed: stage.unattributed,
    landlock: stage.landlock,
    putOff: holder ? { holder: holder.user, since: holder.since.toISOString(), calls: putOff } : null,
    paused,
    replaced,
    usage: usage ? { ...usage, limits: jsonLimits(usage.limits) } : null,
    connections,
    clients: statistics.clients().map(({ lastCallAt, lastDatagramAt, ...client }) => ({
      ...client,
      lastCallAt: client.calls > 0 ? isoTime(lastCallAt) : null,
      lastDatagramAt: lastDatagramAt > 0 ? isoTime(lastDatagramAt) : null,
    })),
    mounts: mounts.map(({ since, ...mount }) => ({ ...mount, since: since.toISOString() })),
    operations: statistics.operations(),
    operationSeconds: statistics.operationSeconds(),
    errors: statistics.errors(),
    rpcErrors,
    bytesRead,
    bytesWritten,
    duplicateReplies,
    memory: { rss: residentMemory(stage.statm) },
  };
}

/** Names of clients and directories are in it, so only the account may read it. */
export function writeStatusFile(file: string, source: StatusSource): void {
  replaceFile(file, `${JSON.stringify(status(source), null, 2)}\n`, 0o600);
}
