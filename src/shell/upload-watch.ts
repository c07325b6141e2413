/**
 * The watcher beside an upload by rsync, where there is a quota: a child of the process that becomes rsync. It ends
 * when rsync with all its children has, which it sees by a pipe that they have inherited.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figures, isLimited, minus, plus } from '../rootfs/quota.ts';
import { whenFull } from '../rootfs/quota-watch.ts';
import { countedOf, type Ledger, markDirty, quotaFull, settle, usageOf } from '../rootfs/usage.ts';
import { openPipe } from '../system/pipe.ts';
import type { Session } from './command.ts';
import { CommandError } from './errors.ts';
import { ledgerOf } from './ledger.ts';
import { writeError } from './output.ts';
import { type OwnRoots, ownRoots } from './own-roots.ts';
import { rootProgram } from './root-program.ts';

/** The word for bin/novaboot-root.ts. */
export const WATCH_UPLOAD = 'watch-upload';

/** It sleeps most of the time: a small heap, and no more threads than it needs. */
const NODE_OPTIONS = ['--max-semi-space-size=1', '--v8-pool-size=0', '--single-threaded'];
/** rsync removes the files that it has not finished; then it has to end. */
const END_MS = 2000;

/** What the live root and uploads may take. @throws RootError where they do already */
function allowedBeside(ledger: Ledger): Figures {
  const usage = usageOf(ledger);
  const room = minus(ledger.limits, countedOf(usage));
  if (room.bytes <= 0 || room.files <= 0) throw quotaFull();
  return plus(room, plus(usage.live, usage.uploads));
}

/**
 * Before this process becomes rsync.
 *
 * @returns descriptors that rsync has to have
 * @throws RootError when the quota is used up
 */
export function startUploadWatch(session: Session, own: OwnRoots): readonly number[] {
  const ledger = ledgerOf(own);
  const allowed = isLimited(ledger.limits) ? allowedBeside(ledger) : undefined;
  markDirty(ledger);
  if (allowed === undefined) return [];
  const { readEnd, writeEnd } = openPipe();
  const words = [WATCH_UPLOAD, String(process.pid), String(allowed.bytes), String(allowed.files)];
  const { file, args, env } = rootProgram(words, session, NODE_OPTIONS);
  const watcher = spawn(file, args.slice(1), {
    cwd: '/',
    // Ctrl-C in a terminal is for rsync.
    detached: true,
    env,
    stdio: [readEnd, 'ignore', 'inherit'],
  });
  fs.closeSync(readEnd);
  // Where rsync cannot start after all, neither waits for the other.
  watcher.unref();
  if (watcher.pid === undefined) throw new CommandError(`Cannot start ${file}, which watches your quota`);
  return [writeEnd];
}

/** Resolves when nobody has the other end of standard input any more. */
async function endOfInput(): Promise<void> {
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once('close', resolve));
}

function end(rsync: number, signal: NodeJS.Signals): void {
  // Once it has ended we have another parent, and the number may be somebody else's.
  if (process.ppid === rsync) process.kill(rsync, signal);
}

/** What the watcher does. @param words what startUploadWatch() says */
export async function watchUpload(
  session: Pick<Session, 'user' | 'home'>,
  [pid, bytes, files]: readonly string[],
): Promise<void> {
  const rsync = Number(pid);
  const ledger = ledgerOf(ownRoots(session, WATCH_UPLOAD));
  markDirty(ledger);
  const ended = new AbortController();
  const over = endOfInput().then(() => ended.abort());
  try {
    const counted = { bytes: Number(bytes), files: Number(files) };
    await whenFull(ledger.roots, { counted, replaced: ledger.limits }, ended.signal);
    writeError(`novaboot-shell: The upload ends here. ${quotaFull().message}\n`);
    end(rsync, 'SIGTERM');
    await sleep(END_MS, undefined, { signal: ended.signal });
    end(rsync, 'SIGKILL');
  } catch (error) {
    if (!ended.signal.aborted) throw error;
  }
  await over;
  settle(ledger);
}
