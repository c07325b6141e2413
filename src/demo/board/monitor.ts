/** QEMU's monitor (QMP): JSON objects, one in a line. Commands are answered in their order. */
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';

interface Message {
  readonly QMP?: unknown;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** It answers at once, whatever the guest does. */
const ANSWER_MS = 30_000;

export class Monitor {
  readonly #stream: Duplex;
  readonly #waiting: PromiseWithResolvers<void>[] = [];
  /** Resolves when QEMU takes commands; rejects if it ends before. */
  readonly ready: Promise<void>;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('error', () => {});
    stream.once('close', () => {
      for (const { reject } of this.#waiting) reject(new Error('QEMU has ended'));
    });
    const greeting = this.#wait();
    // The stream's errors are the interface's too; its end is what matters.
    const lines = createInterface(stream).on('error', () => {});
    lines.on('line', (line) => {
      try {
        this.#take(JSON.parse(line));
      } catch (error) {
        stream.destroy(error as Error);
      }
    });
    this.ready = greeting.then(() => this.run('qmp_capabilities'));
  }

  /** @throws Error with QEMU's words, or when it ends or hangs */
  run(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<void> {
    this.#stream.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    return this.#wait();
  }

  #wait(): Promise<void> {
    const answer = Promise.withResolvers<void>();
    if (this.#stream.closed) answer.reject(new Error('QEMU has ended'));
    else this.#waiting.push(answer);
    const timer = setTimeout(() => answer.reject(new Error('QEMU does not answer')), ANSWER_MS);
    return answer.promise.finally(() => clearTimeout(timer));
  }

  #take({ QMP, return: result, error }: Message): void {
    // Events (RESET, POWERDOWN and others) are no answers.
    if (QMP === undefined && result === undefined && error === undefined) return;
    const answer = this.#waiting.shift();
    if (error) answer?.reject(new Error(error.desc));
    else answer?.resolve();
  }
}
