/** What the supervisor hands to a worker: the configuration with the trees as they are on disk. */
import fs from 'node:fs';
import { memoryFile, readMemoryFile } from '../system/memory-file.ts';
import type { ServedBoard } from './boards.ts';
import type { Config } from './config.ts';
import { findJournalPlace, findPlace, type Place } from './place.ts';

export interface Plan {
  readonly boards: readonly ServedBoard[];
  /** Absolute, without symbolic links. */
  readonly publicTree: string | undefined;
  /** All that is to be readable: the directory, and the trees. */
  readonly places: readonly Place[];
  /** Where the boards' journals are. */
  readonly journal: Place | undefined;
}

/** A plan, and what of the configuration cannot be served, a line each. */
export interface Planned {
  readonly plan: Plan;
  readonly warnings: readonly string[];
}

/** @param readers uids by the name of the board */
export function makePlan(config: Config, readers: ReadonlyMap<string, number> = new Map()): Planned {
  const { directory, public: publicName, boards, problems } = config;
  const warnings = [...problems];
  const places: Place[] = [];
  const attempt = (look: () => Place, whose: string) => {
    try {
      return look();
    } catch (error) {
      warnings.push(`${whose}${(error as Error).message}`);
      return undefined;
    }
  };
  const find = (name: string, whose = '') => {
    const place = attempt(() => findPlace(name), whose);
    if (place !== undefined) places.push(place);
    return place?.path;
  };
  find(directory);
  // Nobody has to have a public tree.
  const hasPublic = publicName !== undefined && fs.existsSync(publicName);
  const publicTree = hasPublic ? find(publicName) : undefined;
  const served = boards.map((board) => ({
    ...board,
    tree: find(board.tree, `board ${board.name}: `),
    reader: readers.get(board.name),
  }));
  const trees = [publicTree, ...served.map(({ tree }) => tree)].filter((tree) => tree !== undefined);
  const { journal: name } = config;
  const journal = name === undefined ? undefined : attempt(() => findJournalPlace(name, trees), 'journal: ');
  return { plan: { boards: served, publicTree, places, journal }, warnings };
}

/** The standard input of a worker: longer than what an environment takes, and there for each of its stages. */
const PLAN_FD = 0;

export function planFile(plan: Plan): number {
  return memoryFile('plan', JSON.stringify(plan));
}

export function readPlan(): Plan {
  return JSON.parse(readMemoryFile(PLAN_FD));
}
