/** Sends a program's output through an SSH channel, no faster than the client takes it. */
import type { ServerChannel } from 'ssh2';

/** What ssh2 keeps of a write that waits for the client's window (lib/Channel.js). */
interface WaitingWrite {
  _chunk?: Buffer | undefined;
  _chunkcb?: (() => void) | undefined;
  _chunkErr?: Buffer | undefined;
  _chunkcbErr?: (() => void) | undefined;
}

export class ChannelOutput {
  readonly #channel: ServerChannel & WaitingWrite;
  #last: Promise<void> = Promise.resolve();
  #close: () => void = () => {};
  readonly #closed = new Promise<void>((resolve) => {
    this.#close = resolve;
  });
  #isClosed = false;

  constructor(channel: ServerChannel) {
    this.#channel = channel;
  }

  /** Sends all of a source to the channel's standard output or error; stops early once the channel is closed. */
  async send(source: AsyncIterable<Buffer>, to: 'stdout' | 'stderr'): Promise<void> {
    for await (const chunk of source) {
      await this.#write(chunk, to);
      if (this.#isClosed) return;
    }
  }

  /** Nothing can be sent any more: who waits for the client need not go on. */
  close(): void {
    this.#isClosed = true;
    this.#close();
  }

  /**
   * One write at a time: ssh2 1.17 has a single place for a write that waits for the window. With output and errors
   * both waiting, one is forgotten; and an old one that is not cleared is sent again in place of the other.
   */
  #write(chunk: Buffer, to: 'stdout' | 'stderr'): Promise<void> {
    const channel = this.#channel;
    const stream = to === 'stdout' ? channel : channel.stderr;
    const write = (): Promise<void> =>
      new Promise((resolve) => {
        if (this.#isClosed) return resolve();
        stream.write(chunk, () => {
          channel._chunk = channel._chunkcb = channel._chunkErr = channel._chunkcbErr = undefined;
          resolve();
        });
      });
    this.#last = this.#last.then(() => Promise.race([write(), this.#closed]));
    return this.#last;
  }
}
