/** What the server has done since its start, for novaboot-admin: a file in a directory that ends with the service. */
import fs from 'node:fs';
import path from 'node:path';
import * as z from 'zod/mini';
import type { Log } from '../system/log.ts';
import { addCounts, type Counts, countsSchema } from './counts.ts';

const schema = z.object({
  version: z.literal(1),
  pid: z.int(),
  startedAt: z.iso.datetime(),
  boards: countsSchema,
});

export type TftpStatus = z.infer<typeof schema>;

const NAME = 'status';

export class StatusFile {
  private readonly file: string | undefined;
  private readonly log: Log;
  private readonly status: TftpStatus;
  private isBroken = false;

  /** @param directory of the service manager's for us, which others may read; undefined for none */
  constructor(directory: string | undefined, log: Log) {
    this.file = directory === undefined ? undefined : path.join(directory, NAME);
    this.log = log;
    this.status = { version: 1, pid: process.pid, startedAt: new Date().toISOString(), boards: {} };
    this.write();
  }

  add(counts: Counts): void {
    addCounts(this.status.boards, counts);
    this.write();
  }

  private write(): void {
    const { file, log } = this;
    if (file === undefined) return;
    try {
      fs.writeFileSync(`${file}.new`, `${JSON.stringify(this.status)}\n`, { mode: 0o644 });
      // Whatever the umask is.
      fs.chmodSync(`${file}.new`, 0o644);
      fs.renameSync(`${file}.new`, file);
      this.isBroken = false;
    } catch (error) {
      if (!this.isBroken) log('warning', `${file}: ${(error as Error).message}`);
      this.isBroken = true;
    }
  }
}

/** @param text of the file; undefined for what is none */
export function parseStatus(text: string): TftpStatus | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
