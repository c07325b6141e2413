/** Talks to a board on its console: types, and waits for what it prints. */
import type { Readable, Writable } from 'node:stream';
import { CommandError, ExitCode } from '../../shell/errors.ts';
import { printable } from '../../shell/text.ts';

/** What was printed and not looked for yet; older text is forgotten. */
const MAX_UNREAD = 256 * 1024;
/** Colours and the like (ECMA-48 §5.4). */
const CONTROL_SEQUENCE = /\x1b\[[0-?]*[ -/]*[@-~]/g;
/** Kept for who wants to know what went wrong. */
const LAST_LINES = 15;

interface Expectation {
  readonly wanted: RegExp;
  readonly trouble: RegExp | undefined;
  resolve(text: string): void;
  reject(error: Error): void;
}

/** What to wait for. */
export interface Wanted {
  /** For messages: "the prompt of U-Boot". */
  readonly name: string;
  readonly pattern: RegExp;
  /** What the board prints if it is not going to come. */
  readonly trouble?: RegExp;
  readonly seconds: number;
}

/** A prompt behind which nothing is: not in an echo, and the board waits. */
export function promptPattern(prompt: string): RegExp {
  return new RegExp(`(?:^|[\\r\\n])${prompt.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`);
}

export class SerialLine {
  readonly #outputs: readonly Readable[];
  readonly #input: Writable;
  #unread = '';
  /** Of text that was read already, without the unread. */
  #read = '';
  #expected: Expectation | undefined;
  /** Outputs that have not ended. */
  #open = 0;

  /** @param errors what the program says whose output the console is */
  constructor(output: Readable, input: Writable, errors?: Readable) {
    this.#outputs = errors ? [output, errors] : [output];
    this.#input = input;
    for (const stream of this.#outputs) {
      this.#open++;
      stream.on('data', this.#take).once('close', () => {
        this.#open--;
        this.#look();
      });
    }
  }

  type(text: string): void {
    this.#input.write(text, 'latin1');
  }

  /**
   * Waits for text that was not read before. What comes with it and before it counts as read.
   *
   * @returns that, the wanted text included
   * @throws CommandError with the last lines of the console
   */
  async expect({ name, pattern, trouble, seconds }: Wanted): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<string>((resolve, reject) => {
        this.#expected = { wanted: pattern, trouble, resolve, reject };
        timer = setTimeout(() => reject(new Error(`it did not come in ${seconds} s`)), seconds * 1000);
        this.#look();
      });
    } catch (error) {
      const lines = this.lastLines().map((line) => `  | ${line}`);
      const said = lines.length > 0 ? ['the console said last:', ...lines] : ['the console said nothing'];
      const message = `waited for ${name}: ${(error as Error).message}; ${said.join('\n')}`;
      throw new CommandError(message, ExitCode.failed, { cause: error });
    } finally {
      this.#expected = undefined;
      clearTimeout(timer);
    }
  }

  /** The end of what the board has printed. */
  lastLines(): string[] {
    const lines = (this.#read + this.#unread).split(/[\r\n]+/).map((line) => printable(line).trimEnd());
    return lines.filter(Boolean).slice(-LAST_LINES);
  }

  /** From now on the output is somebody else's. */
  release(): void {
    for (const stream of this.#outputs) stream.off('data', this.#take);
  }

  readonly #take = (chunk: Buffer): void => {
    const text = this.#unread + chunk.toString('latin1');
    this.#unread = text.replace(CONTROL_SEQUENCE, '').slice(-MAX_UNREAD);
    this.#look();
  };

  #look(): void {
    if (!this.#expected) return;
    const { wanted, trouble, resolve, reject } = this.#expected;
    const found = wanted.exec(this.#unread);
    const bad = trouble?.exec(this.#unread);
    if (found && (!bad || found.index < bad.index)) {
      const end = found.index + found[0].length;
      const text = this.#unread.slice(0, end);
      this.#read = (this.#read + text).slice(-MAX_UNREAD);
      this.#unread = this.#unread.slice(end);
      this.#expected = undefined;
      resolve(text);
    } else if (bad) {
      reject(new Error(`the board says "${printable(bad[0].trim())}"`));
    } else if (this.#open === 0) {
      reject(new Error('the console has ended'));
    }
  }
}
