/** All that is wrong in the configuration of one board. Looks only: nothing is switched, reached or changed. */
import { CommandError } from '../../shell/errors.ts';
import { nfsConfigFile } from '../../shell/nfs-place.ts';
import { readBoardFile } from './board-file.ts';
import type { Evaluated } from './evaluate.ts';
import { keyProblems } from './keys.ts';
import type { BoardPlace, Problem } from './problem.ts';
import { readSettings } from './settings.ts';

/** ~/.novaboot-nfs; its absence is no problem. */
async function nfsProblems(place: BoardPlace): Promise<Problem[]> {
  const file = nfsConfigFile(place.home);
  const bytes = readBoardFile(place, file);
  if (bytes === undefined) return [];
  if (!Buffer.isBuffer(bytes)) return [bytes];
  const { parseNfsConfig } = await import('../../shell/nfs-config.ts');
  try {
    const { allowed_clients } = parseNfsConfig(file, bytes.toString());
    return allowed_clients === undefined ? [{ file, message: 'allowed_clients: is not set' }] : [];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const [, line, message = error.message] = /^[^\n]*?:(\d+): (.*)$/s.exec(error.message) ?? [];
    return [{ file, message, ...(line !== undefined && { line: Number(line) }) }];
  }
}

export interface CheckedBoard {
  /** What ~/.novaboot-shell sets, by name; functions count as their names. */
  readonly settings: Evaluated['values'];
  readonly searched: Evaluated['searched'];
  readonly problems: readonly Problem[];
}

/** Takes some seconds at most, whatever is in the files. */
export async function checkBoardFiles(place: BoardPlace): Promise<CheckedBoard> {
  const { values, searched, problems } = await readSettings(place);
  const further = [...(await nfsProblems(place)), ...(await keyProblems(place))];
  return { settings: values, searched, problems: [...problems, ...further] };
}
