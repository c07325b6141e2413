/** How many requests there were, and what became of them: for each board, and for what is no board's. */
import * as z from 'zod/mini';
import type { Boards } from './boards.ts';
import { parsePath } from './request-path.ts';
import type { TransferReport } from './server.ts';

const count = z.number().check(z.minimum(0));

const boardCounts = z.object({
  complete: count,
  /** Before anything was sent. */
  refused: count,
  failed: count,
  /** That clients acknowledged. */
  bytes: count,
  /** Of all transfers together. */
  seconds: count,
  retransmissions: count,
});

/** By the name of the board; empty for files that are public, and for who is no board. */
export const countsSchema = z.record(z.string().check(z.regex(/^[A-Za-z0-9_.-]{0,64}$/)), boardCounts);

export type BoardCounts = z.infer<typeof boardCounts>;
export type Counts = z.infer<typeof countsSchema>;

export function addCounts(sum: Counts, more: Counts): void {
  for (const [board, counts] of Object.entries(more)) {
    const known = sum[board];
    if (known === undefined) sum[board] = { ...counts };
    else for (const [name, value] of Object.entries(counts)) known[name as keyof BoardCounts] += value;
  }
}

/** Whose request it was. */
function boardOf({ file, client, name }: TransferReport, boards: Boards): string {
  if (file !== undefined) return file.board;
  try {
    const asked = boards.asked(client.address, parsePath(name));
    return asked === undefined || asked.isStranger ? '' : asked.board.name;
  } catch {
    // Its name is no path.
    return '';
  }
}

export function countsOf(report: TransferReport, boards: Boards): Counts {
  const { outcome, bytes, seconds, retransmissions } = report;
  const counts = { complete: 0, refused: 0, failed: 0, bytes, seconds, retransmissions };
  counts[outcome] = 1;
  return { [boardOf(report, boards)]: counts };
}
