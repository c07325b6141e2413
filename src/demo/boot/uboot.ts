/** Talks to U-Boot on a board's serial line. */
import { CommandError } from '../../shell/errors.ts';
import { promptPattern, type SerialLine } from './serial-line.ts';

/** For a machine under emulation, with other things to do. */
const PROMPT_SECONDS = 60;
const COMMAND_SECONDS = 180;

/** Characters in a line of Debian's U-Boot (CONFIG_SYS_CBSIZE). It does not say that it has cut one. */
const MAX_LINE = 511;

const AUTOBOOT = 'Hit any key to stop autoboot';
/** Lines after which what was asked for does not come. */
const TROUBLE =
  /(?:TFTP error|ERROR|Error|(?:ARP )?Retry count|Unknown command|Usage:|Bad Linux|Wrong Image)[^\r\n]*[\r\n]/;

export class Uboot {
  readonly #line: SerialLine;
  readonly #prompt: RegExp;

  constructor(line: SerialLine, prompt: string) {
    this.#line = line;
    this.#prompt = promptPattern(prompt);
  }

  /** From the start of the board to the prompt. */
  async stopAutoboot(): Promise<void> {
    const pattern = new RegExp(`${AUTOBOOT}|${this.#prompt.source}`);
    const wanted = { name: "U-Boot's prompt", pattern, seconds: PROMPT_SECONDS };
    while ((await this.#line.expect(wanted)).endsWith(AUTOBOOT)) this.#line.type('\n');
  }

  /** Types a line. @returns what U-Boot says until it prompts again */
  command(text: string): Promise<string> {
    return this.#enter(text, this.#prompt);
  }

  /** Types the line that starts a kernel. */
  async start(text: string): Promise<void> {
    await this.#enter(text, /Starting kernel/);
  }

  #enter(text: string, pattern: RegExp): Promise<string> {
    if (text.length > MAX_LINE) throw new CommandError(`too long for U-Boot: ${text}`);
    this.#line.type(`${text}\n`);
    const wanted = { pattern, trouble: TROUBLE, seconds: COMMAND_SECONDS };
    return this.#line.expect({ name: `U-Boot to do "${text}"`, ...wanted });
  }
}
