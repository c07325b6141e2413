/** Switches a board off that nobody uses: what the timer starts, as the board account. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { configuredProgram } from '../shell/configured-command.ts';
import { isPowerOffDelayed } from '../shell/delayed-power-off.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { openJournal } from '../shell/journal.ts';
import { readKeep } from '../shell/keep.ts';
import { openLock, tryLock } from '../shell/lock.ts';
import { writeOut } from '../shell/output.ts';
import { readPowerState } from '../shell/power-state.ts';
import { openSession } from '../shell/session.ts';
import { setSoftFileLimit } from '../system/process.ts';
import { hasSession } from './sessions.ts';

/** What keeps the board as it is, and whether that is to be looked at again later. */
interface Obstacle {
  readonly why: string;
  readonly again?: true;
}

/** A session begins with the timer's stop, and its end starts it, so that needs no second look. */
function obstacle(home: string, lockDirectory: string, account: string): Obstacle | undefined {
  if (!isPowerOffDelayed(home)) return { why: 'the delayed power-off is not enabled' };
  if (hasSession(account)) return { why: 'in a session' };
  // From here on until this process ends the board is ours: sessions that begin wait, and nobody can say keep.
  if (!tryLock(openLock(lockDirectory), lockDirectory)) return { why: 'in use', again: true };
  const keep = readKeep(home);
  if (keep !== undefined) return { why: `kept until ${keep.until.toISOString()}`, again: true };
  const { state, since } = readPowerState(home);
  if (state === 'off') return { why: 'off already' };
  if (since === null) return { why: 'never switched yet' };
  return undefined;
}

/** Starts the timer again. */
function later(): void {
  const program = path.join(path.dirname(process.argv[1] ?? ''), 'novaboot-power');
  spawnSync('sudo', ['-n', program, 'delayed-off'], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** @throws CommandError where it could not be switched off; the timer starts again then */
export function switchIdleBoardOff(env: NodeJS.ProcessEnv): void {
  if (process.getuid?.() === 0) throw new CommandError('idle-off is for board accounts', ExitCode.usage);
  const session = openSession({ user: undefined, admin: false }, env, process.ppid);
  const { home, lockDirectory, softFileLimit } = session;
  const found = obstacle(home, lockDirectory, env.USER ?? '');
  if (found !== undefined) {
    writeOut(`The board stays as it is: ${found.why}\n`);
    if (found.again) later();
    return;
  }
  // Makes the file, to which the script appends.
  openJournal(home);
  const program = configuredProgram('off', session);
  if (softFileLimit !== undefined) setSoftFileLimit(softFileLimit);
  const { status } = spawnSync(program.file, program.args.slice(1), {
    cwd: home,
    env: program.env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status === 0) return void writeOut('The board is off: nobody uses it\n');
  later();
  throw new CommandError('The board could not be switched off; the next attempt is made after the same time');
}
