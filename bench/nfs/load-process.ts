/** The load generator as the benchmark sees it: one task at a time. */
import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import type { Tasks } from './load.ts';

type Answer = { readonly value: unknown } | { readonly error: string };

export class LoadProcess {
  readonly #child: ChildProcess;
  #settle: (answer: Answer) => void = () => {};

  constructor() {
    this.#child = fork(path.join(import.meta.dirname, 'load.ts'), { serialization: 'advanced' });
    this.#child.on('message', (answer) => this.#settle(answer as Answer));
    this.#child.on('exit', (code, signal) =>
      this.#settle({ error: `the load generator ended: ${signal ?? code}` }),
    );
  }

  async do<Task extends keyof Tasks>(
    task: Task,
    argument: Parameters<Tasks[Task]>[0],
  ): Promise<ReturnType<Tasks[Task]>> {
    const answer = await new Promise<Answer>((resolve) => {
      this.#settle = resolve;
      this.#child.send({ task, argument }, (error) => {
        if (error) resolve({ error: 'the load generator has ended' });
      });
    });
    if ('error' in answer) throw new Error(answer.error);
    return answer.value as ReturnType<Tasks[Task]>;
  }

  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
