/** When the timer novaboot-power-off@BOARD.timer runs, as root. Nothing here waits: systemd may be starting or stopping. */
import { CommandError } from '../shell/errors.ts';
import { type BoardAccount, boardAccount } from './account.ts';
import { lastLine, outputOf, systemctl } from './programs.ts';
import { hasSession } from './sessions.ts';

function enqueue(command: 'start' | 'restart' | 'stop', unit: string): void {
  const { status, stderr } = systemctl('--no-block', command, unit);
  if (status !== 0) throw new CommandError(`Cannot ${command} ${unit}: ${lastLine(stderr)}`);
}

const timer = ({ name }: BoardAccount) => `novaboot-power-off@${name}.timer`;

/** From now on, also if it is running already. */
export function delayOff(board: BoardAccount): void {
  enqueue('restart', timer(board));
}

/** Has sessions that begin and end stop and start the timer, until the account's user manager ends. */
export function watchSessions({ uid }: BoardAccount): void {
  enqueue('start', `novaboot-sessions@${uid}.path`);
}

/** A session has begun or ended. @param uid of the account, which may have been removed after its last one */
export function followSessions(uid: string): void {
  if (outputOf('getent', ['passwd', '--', uid]) === undefined) return;
  const board = boardAccount(uid);
  enqueue(hasSession(board.name) ? 'stop' : 'start', timer(board));
}
