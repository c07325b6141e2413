/** Scripts by which shells complete: for a board behind ssh, and for a program. */
import { bashForBoard, bashForProgram } from './bash.ts';
import type { Board } from './board.ts';
import { fishForBoard, fishForProgram } from './fish.ts';
import { type Completed, type Place, placesIn } from './places.ts';
import { zshForBoard, zshForProgram } from './zsh.ts';

interface Scripts {
  readonly board: (board: Board) => string;
  readonly program: (program: string, places: readonly Place[]) => string;
}

const SHELLS = {
  bash: { board: bashForBoard, program: bashForProgram },
  zsh: { board: zshForBoard, program: zshForProgram },
  fish: { board: fishForBoard, program: fishForProgram },
} as const satisfies Readonly<Record<string, Scripts>>;

export type Shell = keyof typeof SHELLS;

export function isShell(word: string): word is Shell {
  return Object.hasOwn(SHELLS, word);
}

export function boardCompletion(
  shell: Shell,
  board: Omit<Board, 'places'>,
  table: readonly Completed[],
): string {
  // What could be listed here is not what the board's server has.
  const places = placesIn(table).map((place) => ({ ...place, value: undefined }));
  // Not each shell takes all of a host's name in that of a function, as `board@(`.
  const name = board.name.replace(/\W/g, (sign) => `_${sign.charCodeAt(0)}_`);
  return SHELLS[shell].board({ ...board, name, places });
}

/** For the file that the shell reads when a program is first completed. */
export function programCompletion(shell: Shell, program: string, table: readonly Completed[]): string {
  return SHELLS[shell].program(program, placesIn(table));
}
