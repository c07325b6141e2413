/** What the supervisor hands to a worker: the configuration with the trees as they are on disk. */
import fs from 'node:fs';
import { memoryFile, readMemoryFile } from '../system/memory-file.ts';
import type { ServedBoard } from './boards.ts';
import type { Config } from './config.ts';
import { findPlace, type Place } from './place.ts';

export interface Plan {
  readonly boards: readonly ServedBoard[];
  /** Absolute, without symbolic links. */
  readonly publicTree: string | undefined;
  /** All that is to be readable: the directory, and the trees. */
  readonly places: readonly Place[];
}

/** A plan, and what of the configuration cannot be served, a line each. */
export interface Planned {
  readonly plan: Plan;
  readonly warnings: readonly string[];
}

export function makePlan({ directory, public: publicName, boards }: Config): Planned {
  const warnings: string[] = [];
  const places: Place[] = [];
  const find = (name: string, whose = '') => {
    try {
      const place = findPlace(name);
      places.push(place);
      return place.path;
    } catch (error) {
      warnings.push(`${whose}${(error as Error).message}`);
      return undefined;
    }
  };
  find(directory);
  // Nobody has to have a public tree.
  const hasPublic = publicName !== undefined && fs.existsSync(publicName);
  const publicTree = hasPublic ? find(publicName) : undefined;
  const served = boards.map((board) => ({
    ...board,
    tree: find(board.tree, `board ${board.name}: `),
  }));
  return { plan: { boards: served, publicTree, places }, warnings };
}

/** The standard input of a worker: longer than what an environment takes, and there for each of its stages. */
const PLAN_FD = 0;

export function planFile(plan: Plan): number {
  return memoryFile('plan', JSON.stringify(plan));
}

export function readPlan(): Plan {
  return JSON.parse(readMemoryFile(PLAN_FD));
}
