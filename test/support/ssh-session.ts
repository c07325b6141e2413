/** A client that runs while a test looks on. */
import { execa } from 'execa';

export interface SessionExit {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
}

/** Less than a test has, so that it is told what was waited for. */
const WAIT_MS = 45_000;

/** Waits until `check` gives something, looking often; for what no event announces. */
export async function eventually<T>(
  what: string,
  check: () => T | undefined | false | Promise<T | undefined | false>,
  milliseconds = WAIT_MS,
): Promise<T> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`Waited ${milliseconds} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export class Session {
  stdout = '';
  stderr = '';
  /** Settles when the client has ended and its output is complete. */
  readonly exited: Promise<SessionExit>;
  readonly #process;
  readonly #listeners = new Set<() => void>();
  #ended = false;

  /** @param argv the program and its arguments; it dies with this process */
  constructor(argv: readonly string[], env: Readonly<Record<string, string>>) {
    this.#process = execa('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], {
      env,
      extendEnv: false,
      reject: false,
      buffer: false,
      stdin: 'pipe',
    });
    this.#process.stdin.on('error', () => {});
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => this.#received('stdout', text));
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => this.#received('stderr', text));
    this.exited = this.#process.then(({ exitCode, signal }) => {
      this.#ended = true;
      this.#announce();
      return { exitCode, signal };
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get running(): boolean {
    return !this.#ended;
  }

  #received(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    this.#announce();
  }

  #announce(): void {
    for (const listener of this.#listeners) listener();
  }

  /** The first match in what the client has printed, or will print. */
  waitForOutput(
    pattern: RegExp,
    {
      stream = 'stdout',
      milliseconds = WAIT_MS,
    }: { stream?: 'stdout' | 'stderr'; milliseconds?: number } = {},
  ): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#listeners.delete(look);
      };
      const fail = (why: string) => {
        settle();
        const seen = `stdout ${JSON.stringify(this.stdout)}, stderr ${JSON.stringify(this.stderr)}`;
        reject(new Error(`${why} without ${pattern} on ${stream}: ${seen}`));
      };
      const look = () => {
        const match = pattern.exec(this[stream]);
        if (match) {
          settle();
          resolve(match);
        } else if (this.#ended) fail('The client ended');
      };
      const timer = setTimeout(() => fail(`${milliseconds} ms passed`), milliseconds);
      this.#listeners.add(look);
      look();
    });
  }

  write(data: string | Buffer): void {
    this.#process.stdin.write(data);
  }

  /** Ends the client's standard input. */
  end(): void {
    this.#process.stdin.end();
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }
}
