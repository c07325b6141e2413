/**
 * The server from the outside in. A call comes down this staircase and its reply goes back up:
 *
 *   sockets.ts                      the port, TCP and UDP
 *   connection.ts, datagrams.ts     bytes of one client; wire/record.ts cuts a stream into records
 *   rpc/dispatch.ts                 a record is a call to a procedure (rpc/message.ts, rpc/credentials.ts), or is
 *                                   refused, or was answered already (rpc/replies.ts)
 *   procedures/                     typed arguments, and what NFS and MOUNT do with them
 *   vfs/                            files, owners and permissions
 *
 * This file knows nothing of the last two: programs and contexts are arguments.
 */
import type net from 'node:net';
import type { Log } from '../system/log.ts';
import { plainAddress } from './address.ts';
import { BOUNDS, type Bounds } from './bounds.ts';
import { Connections } from './connections.ts';
import { Datagrams } from './datagrams.ts';
import type { Peer } from './rpc/caller.ts';
import type { Credentials } from './rpc/credentials.ts';
import { Dispatcher } from './rpc/dispatch.ts';
import type { RemoteProgram } from './rpc/program.ts';
import { Replies } from './rpc/replies.ts';
import { adoptSockets, type Descriptors, openSockets } from './sockets.ts';
import { Statistics } from './statistics.ts';

export interface ServerOptions<Context> {
  /** 0 for any. */
  readonly port: number;
  /** Numeric address to listen on. Default: all. */
  readonly host?: string;
  /** Sockets that are open already, instead of `port`. */
  readonly descriptors?: Descriptors;
  readonly programs: readonly RemoteProgram<Context>[];
  /** What procedures know of their caller. Asked once for all calls of a client with the same credentials. */
  readonly contextOf: (credentials: Credentials, peer: Peer) => Context;
  /** Asked for every connection and every datagram. */
  readonly admit: (address: string, port: number) => boolean;
  readonly log: Log;
  /** A client called a version that a program does not have. */
  readonly mismatch?: (address: string, program: number, version: number) => void;
  /** Where they differ from BOUNDS. */
  readonly bounds?: Partial<Bounds>;
}

export interface Server {
  readonly port: number;
  readonly statistics: Statistics;
  /** Accepts nothing more, lets the calls that run end and sends their replies, for at most `ms` milliseconds. */
  close(ms?: number): Promise<void>;
}

const CLOSE_MS = 3000;

/** @throws Error with the errno's name as code, when the port cannot be had */
export async function startServer<Context>(options: ServerOptions<Context>): Promise<Server> {
  const { programs, contextOf, admit, log, mismatch, port, host, descriptors } = options;
  const bounds = { ...BOUNDS, ...options.bounds };
  const statistics = new Statistics();
  const dispatcher = new Dispatcher({ programs, replies: new Replies<Context>(), statistics, log, mismatch });
  const connections = new Connections({ dispatcher, statistics, log, contextOf, bounds });
  const datagrams = new Datagrams({ dispatcher, statistics, log, contextOf, admit });

  const accept = (socket: net.Socket) => {
    const address = plainAddress(socket.remoteAddress ?? '');
    const remotePort = socket.remotePort ?? 0;
    if (address !== '' && admit(address, remotePort)) connections.accept(socket, address, remotePort);
    else socket.destroy();
  };
  const sockets = descriptors
    ? await adoptSockets(descriptors, accept)
    : await openSockets(port, host, accept);
  for (const server of sockets.tcp) {
    server.on('error', (error) => log('warning', `TCP: ${error.message}`));
  }
  for (const socket of sockets.udp) datagrams.serve(socket);

  return {
    port: sockets.port,
    statistics,
    async close(ms = CLOSE_MS) {
      for (const server of sockets.tcp) server.close();
      await Promise.all([connections.close(ms), datagrams.close(ms)]);
    },
  };
}
