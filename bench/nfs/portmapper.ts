/**
 * A stand-in for rpcbind on a local socket. Ganesha refuses to run unless a portmapper takes its registrations;
 * this one says yes to everything and keeps nothing, so that the machine's own portmapper is left alone.
 */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

/** Record mark, then RFC 5531 §9: xid, REPLY, MSG_ACCEPTED, verifier AUTH_NONE of no bytes, SUCCESS, TRUE. */
const REPLY_WORDS = 7;
const LAST_FRAGMENT = 0x8000_0000;

function agree(xid: number): Buffer {
  const reply = Buffer.alloc(4 * (REPLY_WORDS + 1));
  reply.writeUInt32BE(LAST_FRAGMENT + 4 * REPLY_WORDS, 0);
  reply.writeUInt32BE(xid, 4);
  reply.writeUInt32BE(1, 8);
  reply.writeUInt32BE(1, 28);
  return reply;
}

function serve(socket: net.Socket): void {
  let pending = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 8) {
      const length = 4 + (pending.readUInt32BE(0) % LAST_FRAGMENT);
      if (pending.length < length) break;
      socket.write(agree(pending.readUInt32BE(4)));
      pending = pending.subarray(length);
    }
  });
}

/** Listens in a directory that the server sees as its /run. */
export async function startPortmapper(directory: string): Promise<net.Server> {
  fs.mkdirSync(directory, { recursive: true });
  const server = net.createServer(serve);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path.join(directory, 'rpcbind.sock'), resolve);
  });
  return server.unref();
}
