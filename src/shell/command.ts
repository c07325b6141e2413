/** What a command is, and what it gets to know of the session that runs it. */
import type { Program } from '../system/process.ts';

/** Who runs a command, and where. */
export interface Session {
  /** From the forced command `user NAME [admin]`; absent for a key without one. */
  readonly user: string | undefined;
  readonly admin: boolean;
  /** The board account's home directory. */
  readonly home: string;
  /** The directory whose flock(2) is the board's lock: `home`, or a fallback when that is missing. */
  readonly lockDirectory: string;
  /** The absolute path of the configuration in POSIX shell syntax. */
  readonly configPath: string;
  /** The process that sshd gave the connection: our parent when we were started. */
  readonly parent: number;
  /** RLIMIT_NOFILE as the caller had it, where that is known. */
  readonly softFileLimit: bigint | undefined;
  /** The environment for what a command runs: from an allow-list, with a fixed PATH. */
  readonly env: Readonly<Record<string, string>>;
}

interface Description {
  /** Empty for what runs when nothing is said. */
  readonly name: string;
  /** What stands behind the name, as in `NAME [admin]`. */
  readonly parameters?: string;
  /** All that may stand there, where `parameters` tells the gist only: for `help NAME`, refusals and completion. */
  readonly forms?: readonly string[];
  /** One line for `help`. */
  readonly summary: string;
  /** Only administrators see and run it. */
  readonly admin?: true;
}

/** Runs at any time, in this process. */
export interface FreeCommand {
  /** Writes to standard output, or throws a CommandError. @returns the exit status, if it is not 0 */
  run(
    session: Session,
    args: readonly string[],
    table: CommandTable,
  ): Promise<number> | Promise<void> | number | void;
}

/** Needs the board's lock, or the connection of the one who has it; then another program replaces this process. */
export interface LockedCommand {
  /**
   * Checks the arguments before anybody waits for them.
   *
   * @returns what to do once the board is ours: the program to run
   */
  prepare(session: Session, args: readonly string[]): () => Program | Promise<Program>;
  /** A console-like session: ends when its connection ends. Others, once begun, run to their end. */
  readonly attached?: true;
  /**
   * The program itself has the board's lock, and none of our processes stays beside it: for one that ends soon when
   * it is killed, with all its children. Nobody notes down when it ended, and how.
   */
  readonly alone?: true;
  /** Standard output belongs to a protocol, so messages go to standard error. */
  readonly binary?: true;
}

export type CommandEntry = Description &
  (
    | { readonly locked?: false; readonly load: () => Promise<FreeCommand> }
    | { readonly locked: true; readonly load: () => Promise<LockedCommand> }
  );

export type CommandTable = readonly CommandEntry[];
