/** Runs the lines that a user would type into a shell, each in a session of its own. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { CommandError, ExitCode } from '../../shell/errors.ts';
import { printable } from '../../shell/text.ts';

/** How long a client has after SIGTERM. */
const END_MS = 2000;

export type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Says what happens, a line at a time. */
export type Say = (line: string) => void;

function signalGroup({ pid }: Child, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // ESRCH: all of them have ended.
  }
}

/** Its disposal ends all that it has started. */
export class UserShell {
  readonly #say: Say;
  readonly #children = new Set<Child>();
  #isOver = false;

  constructor(say: Say) {
    this.#say = say;
  }

  /** Starts a command. Ctrl-C at our terminal does not reach it: it is for us to say what ends when. */
  start(line: string): Child {
    if (this.#isOver) throw new Error('the shell has ended');
    this.#say(`$ ${line}`);
    const child = spawn('/bin/sh', ['-c', line], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    child.stdin.on('error', () => {});
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return child;
  }

  /**
   * @returns what the command prints
   * @throws CommandError with what it says if it fails
   */
  async run(line: string): Promise<string> {
    const child = this.start(line);
    child.stdin.end();
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        text[name] += chunk;
      });
    }
    const [status, signal] = await once(child, 'close');
    if (status === 0) return text.stdout;
    const words = text.stderr.split('\n').map(printable).filter(Boolean).join('; ');
    const end = signal ? `was ended by ${signal}` : `has failed (status ${status})`;
    throw new CommandError(`"${line}" ${end}${words && `: ${words}`}`, ExitCode.failed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await Promise.all(
      [...this.#children].map(async (child) => {
        signalGroup(child, 'SIGTERM');
        const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), END_MS);
        await once(child, 'close');
        clearTimeout(timer);
      }),
    );
  }
}
