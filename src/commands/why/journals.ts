/** The journals of the servers, as events. */
import fs from 'node:fs';
import * as z from 'zod/mini';
import type { NfsEvent, TftpEvent } from './event.ts';

/** More than the writers let a file grow to. */
const MAX_BYTES = 2 * 1024 * 1024;

const common = {
  time: z.pipe(
    z.iso.datetime(),
    z.transform((time: string) => Date.parse(time)),
  ),
};

const tftp = z.object({
  ...common,
  event: z.literal('tftp'),
  client: z.string(),
  stranger: z.optional(z.literal(true)),
  file: z.string(),
  bytes: z.number(),
  seconds: z.number(),
  retransmissions: z.number(),
  outcome: z.enum(['complete', 'refused', 'failed']),
  result: z.string(),
});

const nfs = z.discriminatedUnion('event', [
  z.object({
    ...common,
    event: z.literal('mount'),
    client: z.string(),
    path: z.string(),
    status: z.string(),
    holder: z.optional(z.string()),
    init: z.optional(z.nullable(z.string())),
  }),
  z.object({ ...common, event: z.enum(['first-read', 'init-read']), client: z.string(), path: z.string() }),
  z.object({ ...common, event: z.literal('refused'), client: z.string(), reason: z.string() }),
  z.object({
    ...common,
    event: z.literal('version'),
    client: z.string(),
    program: z.enum(['nfs', 'mount']),
    asked: z.int(),
  }),
]);

/** @returns undefined if there is no such file @throws Error of fs, when it cannot be read */
function readText(file: string): string | undefined {
  let fd: number;
  try {
    fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const size = Math.min(fs.fstatSync(fd).size, MAX_BYTES);
    const bytes = Buffer.alloc(size);
    return bytes.toString('utf8', 0, fs.readSync(fd, bytes));
  } finally {
    fs.closeSync(fd);
  }
}

/** Passes over half a line, from a disk that was full, and over events of others. */
function parse<Schema extends z.ZodMiniType>(schema: Schema, line: string): z.output<Schema>[] {
  try {
    const parsed = schema.safeParse(JSON.parse(line));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}

/** Of FILE.1, which is older, and FILE. @returns undefined if there is none @throws Error of fs */
function readJournal<Schema extends z.ZodMiniType>(
  file: string,
  schema: Schema,
): z.output<Schema>[] | undefined {
  const [old, now] = [readText(`${file}.1`), readText(file)];
  if (old === undefined && now === undefined) return undefined;
  return `${old ?? ''}\n${now ?? ''}`.split('\n').flatMap((line) => parse(schema, line));
}

/** @returns undefined if there is no journal @throws Error of fs */
export function readTftp(file: string): TftpEvent[] | undefined {
  return readJournal(file, tftp);
}

/** @param user whose server it is @returns undefined if there is no journal @throws Error of fs */
export function readNfs(file: string, user: string): NfsEvent[] | undefined {
  return readJournal(file, nfs)?.map((event) => ({ ...event, user }));
}
