/** Runs a command under the board's lock, or beside its holder on the same connection. */
import fs from 'node:fs';
import path from 'node:path';
import { passOn } from '../system/descriptors.ts';
import { processStat } from '../system/proc.ts';
import { replaceProcess, setParentDeathSignal, setpgid } from '../system/process.ts';
import type { LockedCommand, Session } from './command.ts';
import { CommandError } from './errors.ts';
import { endRecord, openJournal, record } from './journal.ts';
import { takeLease } from './lease.ts';
import { endWithParent, isAbandoned, openLock, stillOccupied, tryLock, waitForLock } from './lock.ts';
import { writeError, writeOut } from './output.ts';
import { isOurConnection, occupants, queueText } from './queue.ts';
import type { Wait } from './request.ts';
import { LOCK_SCRIPT } from './scripts.ts';
import { becomeWaiter } from './waiter.ts';

/** The descriptors of LOCK_SCRIPT. */
const JOURNAL_FD = 7;
const LOCK_FD = 9;

export interface Hold {
  readonly session: Session;
  /** The command's name, empty for none, and its arguments. */
  readonly name: string;
  readonly args: readonly string[];
  readonly command: LockedCommand;
  readonly wait: Wait;
  /** How this process was started; absent in one that waits. */
  readonly invocation: { readonly argv: readonly string[]; readonly env: NodeJS.ProcessEnv } | undefined;
}

type Start = ReturnType<LockedCommand['prepare']>;

/** Waits where others wait, shown by the queue; @returns once the lock is ours. */
async function queueUp(hold: Hold, lock: number): Promise<void> {
  const { session, command, wait, invocation } = hold;
  if (invocation === undefined) {
    endWithParent(session.parent);
    return await waitForLock(lock, session.lockDirectory, wait);
  }
  const write = command.binary ? writeError : writeOut;
  write(queueText(occupants(lock)));
  if (wait === 0) throw stillOccupied(0);
  becomeWaiter(invocation.argv, invocation.env, session);
}

/** The target of kill(1) for LOCK_SCRIPT: our process group, which is made where no terminal forbids it. */
function ownGroup(): '0' | '' {
  const stat = processStat(process.pid);
  if (stat?.group === process.pid) return '0';
  if (stat === undefined || stat.terminal !== 0) return '';
  setpgid(0, 0);
  return '0';
}

/** The console is one at a time, also for the one who has it. */
function isConsole(name: string): boolean {
  return name === 'console' || name === '';
}

/** The file by which sessions of the shell-script original know the connection that has the console. */
function announce(hold: Hold): string {
  if (!isConsole(hold.name)) return '';
  const file = path.join(hold.session.lockDirectory, 'ppid');
  try {
    fs.writeFileSync(file, `${hold.session.parent}\n`);
  } catch {
    // Only such sessions miss it, and they wait then.
  }
  return file;
}

/** Takes all that `start` may put out of reach when it confines this process, then starts. */
async function runLocked(hold: Hold, lock: number, start: Start): Promise<never> {
  const { session, name, command } = hold;
  takeLease(session);
  const journal = openJournal(session.home);
  const group = ownGroup();
  const program = await start();
  record(journal, 'start', session, name || 'default');
  if (command.attached) endWithParent(session.parent);
  else setParentDeathSignal(0);
  if (command.alone) return replaceProcess(program, [lock], session.softFileLimit);
  passOn(lock, LOCK_FD);
  passOn(journal?.fd ?? fs.openSync('/dev/null', 'w'), JOURNAL_FD);
  const parameters = [group, announce(hold), endRecord(journal), program.file, ...program.args.slice(1)];
  const args = ['novaboot-shell', '-c', LOCK_SCRIPT, 'novaboot-shell', ...parameters];
  return replaceProcess(
    { file: '/bin/sh', args, env: program.env },
    [LOCK_FD, JOURNAL_FD],
    session.softFileLimit,
  );
}

async function runBesideHolder({ session, name }: Hold, start: Start): Promise<never> {
  const journal = openJournal(session.home);
  const program = await start();
  record(journal, 'done', session, name);
  return replaceProcess(program, [], session.softFileLimit);
}

/** Replaces this process by what the command runs. @throws CommandError when the board is not to be had */
export async function runHeld(hold: Hold): Promise<never> {
  const { session, command, name, invocation } = hold;
  const start = command.prepare(session, hold.args);
  const lock = openLock(session.lockDirectory);
  if (!isConsole(name) && isOurConnection(occupants(lock), session.parent)) {
    return await runBesideHolder(hold, start);
  }
  // Before the wait: an upgrade of the programs may take the file away meanwhile.
  const waits = invocation === undefined ? await import('./waits.ts') : undefined;
  if (!tryLock(lock, session.lockDirectory)) await queueUp(hold, lock);
  if (isAbandoned(session.parent)) throw new CommandError('The connection is gone; nothing was done');
  waits?.noteWait(session.home, performance.now() / 1000);
  return await runLocked(hold, lock, start);
}
