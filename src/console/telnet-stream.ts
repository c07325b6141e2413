/** The board's bytes on a connection that speaks Telnet. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { Command, Telnet, type TelnetOptions } from './telnet.ts';

export class TelnetStream extends Duplex {
  private readonly socket: Socket;
  private readonly telnet: Telnet;

  constructor(socket: Socket, options: TelnetOptions) {
    super({ allowHalfOpen: false });
    this.socket = socket;
    this.telnet = new Telnet(options);
    socket.on('data', (chunk: Buffer) => this.received(chunk));
    socket.once('end', () => this.push(null));
    socket.once('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy());
    socket.write(this.telnet.begin());
  }

  /** Sends what is no byte for the board. */
  send(bytes: Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  sendBreak(): void {
    this.send(Buffer.of(Command.IAC, Command.BRK));
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(data: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.socket.write(this.telnet.encode(data), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }

  private received(chunk: Buffer): void {
    const { bytes, reply } = this.telnet.receive(chunk);
    const isRead = bytes.length === 0 || this.push(bytes);
    // A server that asks and asks, and takes no answer, is not listened to.
    const isSent = reply.length === 0 || this.socket.write(reply);
    if (isRead && isSent) return;
    this.socket.pause();
    if (isRead) this.socket.once('drain', () => this.socket.resume());
  }
}
