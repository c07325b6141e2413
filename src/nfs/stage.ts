/**
 * What the program hands to itself when it starts itself again. It does so to leave the caller's session (detach.ts),
 * and to be confined in all its threads (confinement.ts); the options are read only once.
 */
import type { Unattributed } from '../rootfs/unattributed.ts';
import type { LockTable } from './lease.ts';
import type { Options } from './options.ts';

export interface Prepare {
  readonly stage: 'prepare';
  readonly options: Options;
}

export interface Serve {
  readonly stage: 'serve';
  readonly options: Options;
  /** Landlock's version, 0 for none. */
  readonly landlock: number;
  readonly unattributed: Unattributed;
  /** /proc/self/statm, which a confined process cannot open. */
  readonly statm: number;
  /** The board's lock, with --board. */
  readonly lockTable?: LockTable;
}

export type Stage = Prepare | Serve;

const VARIABLE = 'NOVABOOT_NFSD_STAGE';

/** The stage that this process was started for; undefined for one that a user started. */
export function takeStage(env: NodeJS.ProcessEnv): Stage | undefined {
  const text = env[VARIABLE];
  delete env[VARIABLE];
  return text === undefined ? undefined : (JSON.parse(text) as Stage);
}

/** Program, arguments and environment that start this program for the stage, under the same words for ps(1). */
export function stageProgram(
  stage: Stage,
  nodeOptions: readonly string[] = [],
): { file: string; args: string[]; env: Record<string, string> } {
  const env = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return {
    file: process.execPath,
    args: [...nodeOptions, ...process.execArgv, ...process.argv.slice(1)],
    env: { ...Object.fromEntries(env), [VARIABLE]: JSON.stringify(stage) },
  };
}
