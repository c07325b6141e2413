/** Asks a running NFS server how it is. */
import fs from 'node:fs';
import * as z from 'zod/mini';
import { CommandError } from './errors.ts';
import type { NfsPlace } from './nfs-place.ts';

const ANSWER_MS = 5_000;
const LOOK_MS = 5;

const count = z.number();
const counts = z.record(z.string(), count);
const time = z.nullable(z.string());
const figures = z.object({ bytes: count, files: count });
const limits = z.object({ bytes: z.nullable(count), files: z.nullable(count) });

/** What novaboot-nfsd writes on SIGUSR1; further members are passed on by --json. */
const schema = z.looseObject({
  version: z.literal(1),
  pid: count,
  port: count,
  export: z.string(),
  startedAt: z.string(),
  uptimeSeconds: count,
  ownership: z.enum(['xattr', 'plain']),
  unattributed: z.enum(['root', 'account']),
  landlock: count,
  putOff: z.nullish(z.looseObject({ holder: z.string(), since: z.string(), calls: count })),
  paused: z.optional(z.boolean()),
  replaced: z.optional(z.array(z.looseObject({ number: count, clients: z.array(z.string()) }))),
  usage: z.nullish(z.looseObject({ used: figures, limits })),
  connections: count,
  clients: z.array(
    z.looseObject({
      ...{ address: z.string(), connections: count, calls: count, lastCallAt: time },
      /** By UDP; absent from servers of earlier versions. */
      lastDatagramAt: z.optional(time),
    }),
  ),
  mounts: z.array(z.looseObject({ address: z.string(), directory: z.string(), since: time })),
  operations: counts,
  /** Absent from servers of earlier versions, which run on through an upgrade. */
  operationSeconds: z.optional(counts),
  errors: counts,
  rpcErrors: count,
  bytesRead: count,
  bytesWritten: count,
  duplicateReplies: count,
  memory: z.looseObject({ rss: count }),
});

export type NfsStatus = z.infer<typeof schema>;

/** @throws CommandError, or SyntaxError for what is no JSON */
export function parseNfsStatus(file: string, text: string): NfsStatus {
  const result = schema.safeParse(JSON.parse(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new CommandError(`${file}: ${issue?.path.join('.')}: ${issue?.message}`);
}

/** Tells two versions of a file apart, which are replaced by rename; undefined while there is none. */
export function versionOf(file: string): string | undefined {
  const stat = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat && `${stat.ino} ${stat.mtimeNs}`;
}

/** What the server has written since the version `before`. */
async function readNew(file: string, before: string | undefined): Promise<string | undefined> {
  for (const end = Date.now() + ANSWER_MS; Date.now() < end; ) {
    const version = versionOf(file);
    if (version !== undefined && version !== before) return fs.readFileSync(file, 'utf8');
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return undefined;
}

/**
 * What the server says of itself now.
 *
 * @param pid the process that has the server's lock
 * @throws CommandError if it does not answer in time
 */
export async function askServer({ statusFile }: NfsPlace, pid: number): Promise<NfsStatus> {
  const before = versionOf(statusFile);
  let text: string | undefined;
  try {
    process.kill(pid, 'SIGUSR1');
    text = await readNew(statusFile, before);
  } catch (error) {
    throw new CommandError('The NFS server has just ended', undefined, { cause: error });
  }
  if (text === undefined) throw new CommandError(`The NFS server (process ${pid}) does not answer`);
  return parseNfsStatus(statusFile, text);
}
