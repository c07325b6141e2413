/**
 * An NFS client for tests: it encodes arguments and decodes results with the server's own declarations, and everything
 * about RPC (RFC 5531) by itself.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import type { Result } from '../../src/nfs/procedures/procedure.ts';
import { programs } from '../../src/nfs/procedures/programs.ts';
import { statusName } from '../../src/nfs/procedures/status.ts';
import type { RemoteProcedure } from '../../src/nfs/rpc/program.ts';
import type { Credentials } from '../../src/nfs/vfs/attributes.ts';
import { Reader } from '../../src/nfs/wire/xdr-reader.ts';
import { Writer } from '../../src/nfs/wire/xdr-writer.ts';

const ANSWER_MS = 45_000;
const LAST_FRAGMENT = 0x8000_0000;
const RPC_VERSION = 2;
const CALL = 0;
const AUTH_SYS = 1;
const ACCEPT_STAT = [
  'SUCCESS',
  'PROG_UNAVAIL',
  'PROG_MISMATCH',
  'PROC_UNAVAIL',
  'GARBAGE_ARGS',
  'SYSTEM_ERR',
];
const REJECT_STAT = ['RPC_MISMATCH', 'AUTH_ERROR'];

export const ROOT: Credentials = { uid: 0, gid: 0, groups: [] };

// biome-ignore lint/suspicious/noExplicitAny: the context is the server's business
export type Callable<Args, Answer> = RemoteProcedure<Args, any, Answer>;

/** Carries out one call. */
export type Perform = <Args, Answer>(
  procedure: Callable<Args, Answer>,
  args: Args,
  credentials: Credentials,
) => Promise<Answer>;

/** What the procedures of one user answer. */
export class NfsClient {
  private readonly perform: Perform;
  private readonly credentials: Credentials;

  constructor(perform: Perform, credentials: Credentials = ROOT) {
    this.perform = perform;
    this.credentials = credentials;
  }

  /** The same connection, another user. */
  as(uid: number, gid = uid, groups: readonly number[] = []): NfsClient {
    return new NfsClient(this.perform, { uid, gid, groups });
  }

  call<Args, Answer>(procedure: Callable<Args, Answer>, args: Args): Promise<Answer> {
    return this.perform(procedure, args, this.credentials);
  }

  /** @throws Error with the status' name */
  async ok<Args, Ok, Fail>(procedure: Callable<Args, Result<Ok, Fail>>, args: Args): Promise<Ok> {
    const result = await this.call(procedure, args);
    if ('ok' in result) return result.ok;
    throw new Error(`${procedure.name}: ${statusName(result.status)}`);
  }

  /** The name of the status. */
  async status<Args, Ok, Fail>(procedure: Callable<Args, Result<Ok, Fail>>, args: Args): Promise<string> {
    return statusName((await this.call(procedure, args)).status);
  }

  /** The failure arm. */
  async fail<Args, Ok, Fail>(procedure: Callable<Args, Result<Ok, Fail>>, args: Args): Promise<Fail> {
    const result = await this.call(procedure, args);
    if ('fail' in result) return result.fail;
    throw new Error(`${procedure.name} did not fail`);
  }
}

/** Which program, version and number a procedure has. One that several have counts as the first's. */
function numbersOf(procedure: { readonly name: string }): readonly [number, number, number] {
  for (const { program, versions } of programs) {
    for (const { version, procedures } of versions) {
      const number = procedures.indexOf(procedure as never);
      if (number >= 0) return [program, version, number];
    }
  }
  throw new Error(`no program has ${procedure.name}`);
}

/** A call message (RFC 5531 §9) with AUTH_SYS credentials (appendix A). */
export function callMessage<Args, Answer>(
  xid: number,
  procedure: Callable<Args, Answer>,
  args: Args,
  { uid, gid, groups }: Credentials = ROOT,
): Buffer {
  const writer = new Writer();
  for (const word of [xid, CALL, RPC_VERSION, ...numbersOf(procedure)]) writer.uint32(word);
  const credentials = [0, 0, uid, gid, groups.length, ...groups];
  writer.uint32(AUTH_SYS);
  writer.uint32(credentials.length * 4);
  for (const word of [...credentials, 0, 0]) writer.uint32(word);
  procedure.args.write(writer, args);
  return Buffer.from(writer.bytes());
}

/** One record in one fragment (RFC 5531 §11). */
export function record(message: Buffer): Buffer {
  const mark = Buffer.alloc(4);
  mark.writeUInt32BE(LAST_FRAGMENT + message.length);
  return Buffer.concat([mark, message]);
}

/** @throws Error with the name of the accept_stat or reject_stat, unless the call was carried out */
export function resultOf<Args, Answer>(procedure: Callable<Args, Answer>, reply: Buffer): Answer {
  const reader = new Reader().reset(reply, 8);
  if (reader.uint32() === 1) throw new Error(REJECT_STAT[reader.uint32()] ?? 'an unknown reject_stat');
  reader.uint32();
  reader.opaque(reader.uint32());
  const accepted = reader.uint32();
  if (accepted !== 0) throw new Error(ACCEPT_STAT[accepted] ?? 'an unknown accept_stat');
  const answer = procedure.result.read(reader);
  if (reader.remaining > 0) throw new Error(`${procedure.name}: ${reader.remaining} bytes too many`);
  return answer;
}

/** The replies that are still to come, by xid. */
class Outstanding {
  private readonly calls = new Map<number, { resolve(reply: Buffer): void; reject(error: Error): void }>();
  private xid = Math.floor(Math.random() * 0x8000_0000);

  nextXid(): number {
    this.xid += 1;
    return this.xid;
  }

  async reply(xid: number): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.calls.set(xid, { resolve, reject });
    const timer = setTimeout(() => reject(new Error(`no answer after ${ANSWER_MS} ms`)), ANSWER_MS);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.calls.delete(xid);
    }
  }

  arrived(message: Buffer): void {
    this.calls.get(message.readUInt32BE(0))?.resolve(message);
  }

  end(error: Error): void {
    for (const call of this.calls.values()) call.reject(error);
  }
}

/** A client on a socket of its own. Calls may overlap; replies come in any order. */
export interface NfsConnection extends NfsClient {
  /** Bytes as they are, for messages that are not what they should be. */
  send(bytes: Buffer): void;
  /** The reply to a message that send() sent. */
  reply(xid: number): Promise<Buffer>;
  close(): void;
}

function connection(send: (bytes: Buffer) => void, frame: (message: Buffer) => Buffer, close: () => void) {
  const outstanding = new Outstanding();
  const perform: Perform = async (procedure, args, credentials) => {
    const xid = outstanding.nextXid();
    const reply = outstanding.reply(xid);
    send(frame(callMessage(xid, procedure, args, credentials)));
    return resultOf(procedure, await reply);
  };
  const client: NfsConnection = Object.assign(new NfsClient(perform), {
    send,
    reply: (xid: number) => outstanding.reply(xid),
    close,
  });
  return { client, outstanding };
}

export async function connectTcp(port: number, host = '127.0.0.1'): Promise<NfsConnection> {
  const socket = net.connect({ port, host, noDelay: true });
  await once(socket, 'connect');
  const { client, outstanding } = connection(
    (bytes) => socket.write(bytes),
    record,
    () => socket.destroy(),
  );
  let arrived = Buffer.alloc(0);
  let message: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => {
    arrived = Buffer.concat([arrived, chunk]);
    while (arrived.length >= 4) {
      const mark = arrived.readUInt32BE(0);
      const end = 4 + (mark & 0x7fff_ffff);
      if (arrived.length < end) return;
      message.push(arrived.subarray(4, end));
      arrived = arrived.subarray(end);
      if (mark < LAST_FRAGMENT) continue;
      outstanding.arrived(Buffer.concat(message));
      message = [];
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => outstanding.end(new Error('the server closed the connection')));
  return client;
}

export async function connectUdp(port: number, host = '127.0.0.1'): Promise<NfsConnection> {
  const socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
  socket.connect(port, host);
  await once(socket, 'connect');
  const { client, outstanding } = connection(
    (bytes) => socket.send(bytes),
    (message) => message,
    () => socket.close(),
  );
  socket.on('message', (message) => outstanding.arrived(message));
  socket.on('error', (error) => outstanding.end(error));
  return client;
}
