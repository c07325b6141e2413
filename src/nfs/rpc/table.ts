/** The programs of a server by their numbers, each procedure with its counter. */
import type { Counter, Statistics } from '../statistics.ts';
import type { RemoteProcedure, RemoteProgram } from './program.ts';

// biome-ignore lint/suspicious/noExplicitAny: each procedure has arguments and results of its own
export type AnyProcedure<Context> = RemoteProcedure<any, Context, any>;

export interface Slot<Context> {
  readonly procedure: AnyProcedure<Context>;
  readonly calls: Counter;
}

type Slots<Context> = readonly (Slot<Context> | undefined)[];

export interface ProgramTable<Context> {
  readonly program: number;
  /** The lowest and the highest version. */
  readonly low: number;
  readonly high: number;
  readonly versions: readonly { readonly version: number; readonly slots: Slots<Context> }[];
}

export function programTable<Context>(
  { program, versions }: RemoteProgram<Context>,
  statistics: Statistics,
): ProgramTable<Context> {
  const numbers = versions.map(({ version }) => version);
  return {
    program,
    low: Math.min(...numbers),
    high: Math.max(...numbers),
    versions: versions.map(({ version, procedures }) => ({
      version,
      slots: procedures.map(
        (procedure) => procedure && { procedure, calls: statistics.operation(procedure.name) },
      ),
    })),
  };
}

// Loops, for every call goes through them.

export function findProgram<Context>(
  tables: readonly ProgramTable<Context>[],
  program: number,
): ProgramTable<Context> | undefined {
  for (const table of tables) if (table.program === program) return table;
  return undefined;
}

export function findVersion<Context>(
  { versions }: ProgramTable<Context>,
  number: number,
): Slots<Context> | undefined {
  for (const { version, slots } of versions) if (version === number) return slots;
  return undefined;
}
