/** What somebody at a terminal sees, and does. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { spawnInTerminal, type TerminalProcess } from '../../src/system/pty.ts';
import { eventually } from './demo-server.ts';

/** A step takes seconds; on a busy machine many. */
const STEP_MS = 120_000;

export class Terminal {
  readonly #terminal: TerminalProcess;
  readonly child: ChildProcess;
  /** Status and signal, once all that it printed is here. */
  readonly exited: Promise<unknown[]>;
  text = '';
  #read = 0;
  #isOver = false;

  constructor(command: readonly [string, ...string[]], cwd: string) {
    this.#terminal = spawnInTerminal(command, {
      cwd,
      size: { rows: 24, columns: 80 },
      environment: () => ({ PATH: process.env.PATH ?? '', HOME: cwd, TERM: 'vt100' }),
    });
    this.child = this.#terminal.child;
    process.setMaxListeners(0).once('exit', () => this.child.kill());
    const ended = once(this.child, 'exit');
    this.exited = this.#watch().then(() => ended);
  }

  async #watch(): Promise<void> {
    for await (const chunk of this.#terminal.output) this.text += chunk.toString('latin1');
    this.#isOver = true;
  }

  type(text: string): void {
    this.#terminal.input.write(Buffer.from(text));
  }

  /** Closes the window. */
  close(): void {
    this.#terminal.close();
  }

  /** Waits for something that has not been waited for; @returns what came before it */
  async seen(text: string): Promise<string> {
    const isThere = () => this.text.includes(text, this.#read);
    await eventually(() => isThere() || this.#isOver, STEP_MS).catch(() => {});
    if (!isThere()) throw new Error(`expected ${JSON.stringify(text)}, got ${this.text.slice(this.#read)}`);
    const at = this.text.indexOf(text, this.#read);
    const before = this.text.slice(this.#read, at);
    this.#read = at + text.length;
    return before;
  }
}
