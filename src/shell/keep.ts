/** Until when the board stays on although nobody is there: a file that the delayed power-off looks at. */
import fs from 'node:fs';
import path from 'node:path';
import * as z from 'zod/mini';
import { readRegularFile } from '../system/regular-file.ts';

export const MAX_KEEP_SECONDS = 7 * 24 * 3600;

const keepSchema = z.object({
  version: z.literal(1),
  user: z.nullable(z.string()),
  until: z.iso.datetime(),
});

export interface Keep {
  /** Who asked for it; null for a key without a name. */
  readonly user: string | null;
  readonly until: Date;
}

const MAX_BYTES = 4096;

function keepFile(home: string): string {
  return path.join(home, '.local/state/novaboot/keep');
}

/** What is in force at `now`; undefined for none. What is no such file, or lasts longer than it may, does not count. */
export function readKeep(home: string, now = new Date()): Keep | undefined {
  try {
    const { user, until } = keepSchema.parse(
      JSON.parse(readRegularFile(keepFile(home), MAX_BYTES)?.toString() ?? ''),
    );
    const keep = { user, until: new Date(until) };
    const milliseconds = keep.until.getTime() - now.getTime();
    return milliseconds > 0 && milliseconds <= MAX_KEEP_SECONDS * 1000 ? keep : undefined;
  } catch {
    return undefined;
  }
}

export function writeKeep(home: string, { user, until }: Keep): void {
  const file = keepFile(home);
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const text = `${JSON.stringify({ version: 1, user, until })}\n`;
  fs.writeFileSync(`${file}.new`, text, { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
}

export function endKeep(home: string): void {
  fs.rmSync(keepFile(home), { force: true });
}
