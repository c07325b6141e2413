/** What boards cannot have together: a request leads to one of them, and none sees the tree of another. */
import { addressNumber } from '../system/client-list.ts';
import type { Place, Report, Section } from './config-sections.ts';

const CLAIMED = ['address', 'serial', 'mac'] as const;

/** The values of a board's settings, one or a list for each line. */
type Claimed = Readonly<Record<(typeof CLAIMED)[number], readonly (string | readonly string[])[]>>;

/** Who claims what, so far. */
export class Claims {
  private readonly boards = new Map<string, { readonly board: string; readonly place: Place }>();
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  add(section: Section, values: Claimed): void {
    const { board = '', settings } = section;
    this.claim(board, board, section, `[board ${board}]`, board);
    for (const key of CLAIMED) {
      const lines = settings.filter((setting) => setting.key === key);
      for (const [index, value] of values[key].entries()) {
        for (const each of [value].flat()) {
          // An address has many spellings, and none of them is a name.
          const what = key === 'address' ? `address ${addressNumber(each)}` : each;
          this.claim(board, what, lines[index] ?? section, key, each);
        }
      }
    }
  }

  private claim(board: string, what: string, place: Place, key: string, shown: string): void {
    const other = this.boards.get(what);
    if (other === undefined) {
      this.boards.set(what, { board, place });
      return;
    }
    const { file, line } = other.place;
    const where = file === place.file ? '' : ` (${file}:${line})`;
    this.report(place, key, `expected something else than ${shown}, which board ${other.board} has${where}`);
  }
}

interface BoardTree {
  readonly name: string;
  /** Absolute, without `..`. */
  readonly tree: string;
  readonly isPublic: boolean;
  readonly section: Place;
}

function holds(directory: string, tree: string): boolean {
  return `${tree}/`.startsWith(directory === '/' ? directory : `${directory}/`);
}

/** Two boards may have the same tree, but not by mistake one that holds the other's. */
export function checkTrees(
  boards: readonly BoardTree[],
  publicTree: string | undefined,
  report: Report,
): void {
  const hidden = boards.filter(({ isPublic }) => !isPublic);
  for (const { name, tree, section } of hidden) {
    if (publicTree !== undefined && holds(publicTree, tree)) {
      report(section, `[board ${name}]`, `expected a tree that is not in ${publicTree}, which is public`);
    }
  }
  for (const { name, tree, section } of boards) {
    const other = hidden.find((each) => each.tree !== tree && holds(tree, each.tree));
    if (other)
      report(section, `[board ${name}]`, `expected a tree that does not hold that of board ${other.name}`);
  }
}
