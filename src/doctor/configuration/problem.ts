/** What is wrong in a file of a board's configuration, and where such files are. */
import { printable } from '../../shell/text.ts';

export interface Problem {
  readonly file: string;
  readonly line?: number | undefined;
  /** `KEY: what is expected`, or what the file lacks as a whole. May quote the file: any characters. */
  readonly message: string;
  /** Works, but is hardly what was meant. */
  readonly warning?: true;
}

/** `FILE:LINE: MESSAGE` */
export function problemLine({ file, line, message, warning }: Problem): string {
  const place = line === undefined ? file : `${file}:${line}`;
  return printable(`${place}: ${warning ? 'warning: ' : ''}${message}`);
}

/** Where a board's configuration is, and who looks at it. */
export interface BoardPlace {
  readonly home: string;
  /** ~/.novaboot-shell */
  readonly configPath: string;
  /** What a shell has that evaluates it. */
  readonly env: Readonly<Record<string, string>>;
  /** For one who is not the board's account: how to become it. */
  readonly account?: {
    /** Looks with the account's rights; nothing in `look` may be put off. */
    enter<T>(look: () => T): T;
    /** What stands before the command line of a program that is to run as the account. */
    readonly before: readonly string[];
  };
}

/** Looks at files as the account. */
export function asItself<T>({ account }: BoardPlace, look: () => T): T {
  return account === undefined ? look() : account.enter(look);
}
