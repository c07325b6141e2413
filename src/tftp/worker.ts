/** The process that answers requests. */
import fs from 'node:fs';
import type { Log } from '../system/log.ts';
import { BoardJournals } from './board-journals.ts';
import { Boards } from './boards.ts';
import { addCounts, type Counts, countsOf } from './counts.ts';
import { openRequested } from './files.ts';
import { Journal } from './journal.ts';
import { readPlan } from './plan.ts';
import { serve } from './server.ts';
import { Said, type Stage, socketsOf } from './stage.ts';

/** One request must not end the others' transfers. */
function surviveBugs(log: Log): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log('error', `internal error: ${error instanceof Error ? error.stack : String(error)}`);
    });
  }
}

function say(line: string): void {
  fs.writeSync(1, `${line}\n`);
}

const TELL_MS = 1000;

/** Tells the supervisor what was counted, not more often than once a second. */
class Counting {
  private counts: Counts = {};
  private timer: NodeJS.Timeout | undefined;

  add(counts: Counts): void {
    addCounts(this.counts, counts);
    this.timer ??= setTimeout(() => this.tell(), TELL_MS);
  }

  tell(): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    say(JSON.stringify(this.counts));
    this.counts = {};
  }
}

/** Serves until SIGTERM, and then the transfers that run to their end. */
export async function work(stage: Stage, log: Log): Promise<void> {
  // What a terminal sends to all of us is the supervisor's to decide on.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  const ending = new Promise((resolve) => process.on('SIGTERM', resolve));
  const { boards: planned, publicTree, journal: place } = readPlan();
  const boards = new Boards(planned, publicTree);
  const journal = new Journal(log);
  const boardJournals = place && new BoardJournals({ directory: place.path, boards, log });
  const counting = new Counting();
  const server = serve(socketsOf(stage), {
    open: (client, name) => openRequested(boards, client, name),
    report: (report) => {
      journal.report(report);
      boardJournals?.report(report);
      counting.add(countsOf(report, boards));
    },
    overLimit: journal.overLimit,
  });
  surviveBugs(log);
  say(Said.ready);
  await ending;
  const lastTransfer = server.stop();
  say(Said.stopped);
  await lastTransfer;
  counting.tell();
}
