/** Where the files of boards are. */
import type { Account } from '../account.ts';
import { boardTrees } from '../identity-changes.ts';

/** The home directory and the tree of boot files of each board, by name. */
export function boardPlaces(boards: readonly Account[]): ReadonlyMap<string, readonly string[]> {
  let treeOf: (name: string) => readonly string[];
  try {
    const trees = boardTrees();
    treeOf = (name) => [trees(name)];
  } catch {
    // The configuration of the TFTP server is wrong: `check` tells.
    treeOf = () => [];
  }
  return new Map(boards.map(({ name, home }) => [name, [home, ...treeOf(name)]]));
}
