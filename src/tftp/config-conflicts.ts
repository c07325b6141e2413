/**
 * What boards cannot have together: a request leads to one of them, and none sees the tree of another. What is in
 * conflict is served to nobody, since nobody can tell whose mistake it is.
 */
import { addressNumber } from '../system/client-list.ts';
import type { Place, Report, Section } from './config-sections.ts';

const CLAIMED = ['address', 'serial', 'mac'] as const;

/** The values of a board's settings, one or a list for each line. */
type Claimed = Readonly<Record<(typeof CLAIMED)[number], readonly (string | readonly string[])[]>>;

/** What a board is known by, and no other one may be. */
interface Claim {
  readonly what: string;
  readonly place: Place;
  readonly key: string;
  readonly shown: string;
}

export interface Claimant {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly prefixes: readonly string[];
  /** Absolute, without `..`. */
  readonly tree: string;
  readonly isPublic: boolean;
  readonly section: Place;
  readonly claims: readonly Claim[];
  /** It is not served: something is wrong beside it. */
  readonly isWrong: boolean;
}

/** An address has many spellings, and none of them is a name. */
function addressClaim(address: string): string {
  return `address ${addressNumber(address)}`;
}

/** The board's name, and its settings. */
export function claimsOf(section: Section, values: Claimed): Claim[] {
  const { board = '', settings } = section;
  const ofSettings = CLAIMED.flatMap((key) => {
    const lines = settings.filter((setting) => setting.key === key);
    return values[key].flatMap((value, index) =>
      [value].flat().map((shown): Claim => {
        const what = key === 'address' ? addressClaim(shown) : shown;
        return { what, place: lines[index] ?? section, key, shown };
      }),
    );
  });
  return [{ what: board, place: section, key: `[board ${board}]`, shown: board }, ...ofSettings];
}

/** @returns what is claimed twice */
function findContested(boards: readonly Claimant[], report: Report): ReadonlySet<string> {
  const owners = new Map<string, Claim & Pick<Claimant, 'name' | 'section'>>();
  const contested = new Set<string>();
  for (const { name, claims, section } of boards) {
    for (const claim of claims) {
      const { what, place, key, shown } = claim;
      const owner = owners.get(what);
      if (owner === undefined) {
        owners.set(what, { ...claim, name, section });
        continue;
      }
      // What a board says twice is its own all the same.
      if (owner.section !== section) contested.add(what);
      const { file, line } = owner.place;
      const where = file === place.file ? '' : ` (${file}:${line})`;
      report(place, key, `expected something else than ${shown}, which board ${owner.name} has${where}`);
    }
  }
  return contested;
}

function holds(directory: string, tree: string): boolean {
  return `${tree}/`.startsWith(directory === '/' ? directory : `${directory}/`);
}

/** @returns whether the public tree holds one of a board that is not */
function exposes(publicTree: string, hidden: readonly Claimant[], report: Report): boolean {
  const exposed = hidden.filter(({ tree }) => holds(publicTree, tree));
  for (const { name, section } of exposed)
    report(section, `[board ${name}]`, `expected a tree that is not in ${publicTree}, which is public`);
  return exposed.length > 0;
}

/** Two boards may have the same tree, but not by mistake one that holds the other's. @returns boards that do */
function findHolders(
  boards: readonly Claimant[],
  hidden: readonly Claimant[],
  report: Report,
): ReadonlySet<Claimant> {
  const holders = new Set<Claimant>();
  for (const board of boards) {
    const other = hidden.find(({ tree }) => tree !== board.tree && holds(board.tree, tree));
    if (other === undefined) continue;
    holders.add(board);
    const problem = `expected a tree that does not hold that of board ${other.name}`;
    report(board.section, `[board ${board.name}]`, problem);
  }
  return holders;
}

/** What can be served of these boards and the public tree, without what is in conflict. */
export function settle(
  boards: readonly Claimant[],
  publicTree: string | undefined,
  report: Report,
): { readonly boards: Claimant[]; readonly publicTree: string | undefined } {
  const right = boards.filter(({ isWrong }) => !isWrong);
  const contested = findContested(right, report);
  const hidden = boards.filter(({ isPublic }) => !isPublic);
  const isExposing = publicTree !== undefined && exposes(publicTree, hidden, report);
  const holders = findHolders(right, hidden, report);
  const left = right.filter((board) => !holders.has(board) && !contested.has(board.name));
  return {
    boards: left.map((board) => ({
      ...board,
      addresses: board.addresses.filter((address) => !contested.has(addressClaim(address))),
      prefixes: board.prefixes.filter((prefix) => !contested.has(prefix)),
    })),
    publicTree: isExposing ? undefined : publicTree,
  };
}
