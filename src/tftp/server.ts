/**
 * The server: requests come to its sockets, and each gets a session with a socket of its own.
 *
 *   packet.ts, options.ts       what is in a request
 *   session.ts                  socket, file and
 *   transfer.ts                 the state machine of one transfer
 *   content.ts, netascii.ts     what is sent
 *   digests.ts                  its SHA-256
 *   sessions.ts, limits.ts      who asks for too much
 */
import fs from 'node:fs';
import { EPOLLIN, EPOLLOUT, Epoll } from '../system/epoll.ts';
import type { SocketAddress } from '../system/socket-address.ts';
import { localAddress, openUdp, Receiver, sendTo, tellDestination } from '../system/udp.ts';
import { Digests } from './digests.ts';
import { ErrorCode, TftpError } from './errors.ts';
import { RequestLimit } from './limits.ts';
import { errorPacket, isAnswerable, MAX_REQUEST_BYTES, parseRequest, type ReadRequest } from './packet.ts';
import { type Outcome, Session, type SessionEvents } from './session.ts';
import { Sessions } from './sessions.ts';

export interface Client {
  /** Numeric; an IPv4 one without ::ffff: in front. */
  readonly address: string;
  readonly port: number;
}

export function hostAndPort({ address, port }: Client): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

export interface OpenedFile {
  /** Of a regular file, open for reading. The server closes it. */
  readonly fd: number;
  /** Bytes. */
  readonly size: number;
  /** Whose tree it is in; empty for what is public. */
  readonly board: string;
  /** As the log is to name it. */
  readonly path: string;
}

/** One for each request that was answered, when the answer is over. */
export interface TransferReport {
  readonly client: Client;
  /** As the client asked for it: any bytes but NUL. */
  readonly name: Buffer;
  /** What `open` found; undefined for a request that was refused. */
  readonly file: OpenedFile | undefined;
  /** Acknowledged by the client; in netascii, as they were sent. */
  readonly bytes: number;
  readonly seconds: number;
  /** Of the file, in hexadecimal; undefined unless all was sent, and the file was not changed meanwhile. */
  readonly sha256: string | undefined;
  /** Packets that were sent more than once. */
  readonly retransmissions: number;
  /** complete: all is acknowledged. refused: before anything was sent. failed: anything else. */
  readonly outcome: 'complete' | 'refused' | 'failed';
  /** For people: "complete", or why not; may quote the client: any characters. */
  readonly result: string;
}

export interface ServerOptions {
  /** @throws TftpError for what the client may not have; anything else is a bug and is reported as such */
  readonly open: (client: Client, name: Buffer) => OpenedFile;
  readonly report: (report: TransferReport) => void;
  /** A request gets no answer, since its address, or all together, ask for too much. */
  readonly overLimit: (client: Client) => void;
}

export interface Server {
  /** Takes no new requests; resolves when the last transfer is over. */
  stop(): Promise<void>;
}

/** Longer packets are no requests, which shows when one byte more is received. */
const RECEIVE_BYTES = MAX_REQUEST_BYTES + 1;
const TICK_MS = 100;

/** @param sockets UDP descriptors, bound; the server does not close them */
export function serve(sockets: readonly number[], options: ServerOptions): Server {
  return new TftpServer(sockets, options);
}

class TftpServer implements Server, SessionEvents {
  private readonly options: ServerOptions;
  /** Where requests come to, by descriptor. */
  private readonly sockets: ReadonlyMap<number, SocketAddress>;
  private readonly epoll: Epoll;
  private readonly receiver = new Receiver(RECEIVE_BYTES);
  private readonly limit = new RequestLimit(performance.now());
  private readonly digests = new Digests();
  private readonly sessions = new Sessions();
  private readonly timer: NodeJS.Timeout;
  private whenOver: (() => void) | undefined;

  constructor(sockets: readonly number[], options: ServerOptions) {
    this.options = options;
    this.sockets = new Map(sockets.map((fd) => [fd, localAddress(fd)]));
    this.epoll = new Epoll((fd, events) => this.ready(fd, events));
    for (const fd of sockets) {
      tellDestination(fd);
      this.epoll.add(fd);
    }
    this.timer = setInterval(() => this.sessions.tick(performance.now()), TICK_MS);
  }

  stop(): Promise<void> {
    for (const fd of this.sockets.keys()) this.epoll.remove(fd);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.whenOver = resolve;
    if (this.sessions.size === 0) this.over();
    return promise;
  }

  ended(session: Session, { isComplete, text, sha256 }: Outcome): void {
    this.epoll.remove(session.fd);
    this.sessions.delete(session);
    this.options.report({
      client: clientOf(session.peer),
      name: session.request.name,
      file: session.file,
      bytes: session.bytes,
      seconds: (performance.now() - session.startedAt) / 1000,
      sha256,
      retransmissions: session.transfer.retransmissions,
      outcome: isComplete ? 'complete' : 'failed',
      result: text,
    });
    if (this.whenOver !== undefined && this.sessions.size === 0) this.over();
  }

  blocked(session: Session): void {
    this.epoll.modify(session.fd, EPOLLIN | EPOLLOUT);
  }

  loading(): void {
    this.epoll.leave();
  }

  mayAnswerStranger(stranger: SocketAddress): boolean {
    return this.limit.allows(stranger.text, performance.now());
  }

  private over(): void {
    clearInterval(this.timer);
    this.epoll.close();
    setImmediate(() => this.whenOver?.());
  }

  private ready(fd: number, events: number): void {
    const session = this.sessions.get(fd);
    try {
      if (session === undefined) this.receiveRequest(fd);
      else this.proceed(session, events);
    } catch (error) {
      if (session === undefined) throw error;
      // A bug. The others go on.
      session.end({ isComplete: false, text: `internal error: ${(error as Error).stack}` });
    }
  }

  private proceed(session: Session, events: number): void {
    if ((events & EPOLLOUT) !== 0) {
      this.epoll.modify(session.fd, EPOLLIN);
      session.flush();
    }
    if ((events & ~EPOLLOUT) === 0) return;
    const length = this.receiver.receive(session.fd);
    if (length >= 0) session.receive(this.receiver, length, performance.now());
  }

  private receiveRequest(fd: number): void {
    const local = this.sockets.get(fd);
    // A transfer may have ended since the kernel told of its socket.
    if (local === undefined) return;
    const length = this.receiver.receive(fd);
    // Another process may have taken the request.
    if (length >= 0) this.requested(local, length, performance.now());
  }

  /** A packet came to where requests come. */
  private requested(local: SocketAddress, length: number, now: number): void {
    const peer = this.receiver.peer.copy();
    // RFC 1123 §4.2.3.4: no answer to a broadcast.
    const own = this.receiver.destination();
    if (own === undefined || peer.port === 0) return;
    if (peer.port === local.port && peer.address.equals(own.address)) return;
    const packet = Buffer.from(this.receiver.buffer.subarray(0, length));
    if (!isAnswerable(packet)) return;
    if (!this.limit.allows(peer.text, now)) {
      this.options.overLimit(clientOf(peer));
      return;
    }
    try {
      const request = parseRequest(packet);
      if (this.sessions.mayBegin(peer, request, now)) this.begin(own, peer, request, now);
    } catch (error) {
      this.refuse(own, peer, packet, error as Error);
    }
  }

  private begin(own: SocketAddress, peer: SocketAddress, request: ReadRequest, now: number): void {
    const file = this.options.open(clientOf(peer), request.name);
    const opened = [file.fd];
    let session: Session;
    try {
      const fd = openUdp(own);
      opened.push(fd);
      session = new Session(fd, peer, request, file, this.digests, this, now);
      this.epoll.add(fd);
    } catch (error) {
      for (const fd of opened) fs.closeSync(fd);
      throw error;
    }
    this.sessions.add(session);
    session.flush();
  }

  /** From a port of its own, as all answers to requests. */
  private refuse(own: SocketAddress, peer: SocketAddress, packet: Buffer, reason: Error): void {
    const isKnown = reason instanceof TftpError;
    const error = isKnown ? reason : new TftpError(ErrorCode.undefined, 'Internal error');
    try {
      const fd = openUdp(own);
      sendTo(fd, errorPacket(error), peer);
      fs.closeSync(fd);
    } catch {
      // EMFILE, or the address is ours no more: the client asks again.
    }
    this.options.report({
      client: clientOf(peer),
      name: nameIn(packet),
      file: undefined,
      bytes: 0,
      seconds: 0,
      sha256: undefined,
      retransmissions: 0,
      outcome: 'refused',
      result: isKnown ? error.message : `internal error: ${reason.stack}`,
    });
  }
}

function clientOf(peer: SocketAddress): Client {
  return { address: peer.text, port: peer.port };
}

/** What may be a name, for the log. */
function nameIn(packet: Buffer): Buffer {
  const end = packet.indexOf(0, 2);
  return packet.subarray(2, end < 0 ? packet.length : end);
}
