/** Switches a board through systemd, as root: novaboot-power@BOARD.service is active while the board is on. */
import { CommandError, ExitCode } from '../shell/errors.ts';
import type { BoardAccount } from './account.ts';
import { lastLine, outputOf, systemctl, unitProperties } from './programs.ts';

type Action = 'on' | 'off';

/** What systemctl(1) has to do, and which command of the unit runs then. */
interface Job {
  readonly unit: string;
  readonly words: readonly string[];
  readonly command: 'ExecStart' | 'ExecReload' | 'ExecStop';
}

function job(name: string, action: Action): Job {
  const unit = `novaboot-power@${name}.service`;
  const isActive = !['inactive', 'failed'].includes(unitProperties(unit, ['ActiveState']).ActiveState);
  if (action === 'on') {
    // What is on is switched on again: somebody may have pulled the plug.
    return { unit, words: ['reload-or-restart'], command: isActive ? 'ExecReload' : 'ExecStart' };
  }
  // A stop would end the command that switches on halfway, so it is refused then.
  if (isActive) return { unit, words: ['--job-mode=fail', 'stop'], command: 'ExecStop' };
  return { unit: `novaboot-power-off-now@${name}.service`, words: ['start'], command: 'ExecStart' };
}

/** How a command of a unit ended: `{ path=… ; code=exited ; status=1 }`, `code=killed ; status=15/TERM`. */
function exitStatus(command: string): number {
  const [, code, status] = /code=(\w+) ; status=(\d+)/.exec(command) ?? [];
  const number = Number(status);
  return code === 'exited' ? number : number > 0 ? 128 + number : ExitCode.failed;
}

/** How often to look for what a unit has printed, and how long to wait meanwhile: the journal may be behind. */
const LOOKS = 10;
const BETWEEN_MS = 100;

/**
 * What the unit has printed last, for the user, who sees nothing else of it.
 *
 * @param since milliseconds
 */
function said(unit: string, since: number): string {
  const words = ['-q', '-o', 'cat', '-n', '1', `--since=@${since / 1000}`, `_SYSTEMD_UNIT=${unit}`];
  for (let look = 0; look < LOOKS; look++) {
    const line = lastLine(outputOf('journalctl', words) ?? '');
    if (line !== '') return line.replace(/^novaboot-shell: (?:(?:on|off): )?/, '');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BETWEEN_MS);
  }
  return '';
}

/** Why the job was refused, or what it ran failed: with the status of that. */
function failure({ unit, command }: Job, since: number, stderr: string): { why: string; status: number } {
  if (stderr.includes('is destructive')) {
    return { why: 'The board is being switched on; try again', status: ExitCode.busy };
  }
  const { LoadState, Result, ...commands } = unitProperties(unit, ['LoadState', 'Result', command]);
  if (LoadState !== 'loaded') {
    const why = `${unit} is ${LoadState}; the administrator must install the units`;
    return { why, status: ExitCode.configuration };
  }
  const status = exitStatus(commands[command]) || ExitCode.failed;
  if (Result === 'timeout') return { why: 'the command did not end', status };
  return { why: said(unit, since) || `failed with status ${status}`, status };
}

/** @throws CommandError with the exit status of the board's command if that fails */
export function switchBoard({ name }: BoardAccount, action: Action): void {
  const since = Date.now();
  const chosen = job(name, action);
  const { status: refused, stderr } = systemctl(...chosen.words, chosen.unit);
  // A stop succeeds whatever its command does.
  if (refused === 0 && unitProperties(chosen.unit, ['ActiveState']).ActiveState !== 'failed') return;
  const { why, status } = failure(chosen, since, stderr);
  throw new CommandError(`${action}: ${why}`, status as ExitCode);
}
