/**
 * A board: a machine (machine.ts) behind a unix socket, where the commands in a .novaboot-shell find it
 * (board-client.ts). Its consoles stay attached while it is reset or switched off and on.
 *
 * A client sends one line, `console`, `on`, `off` or `reset`. After `console` the socket is the serial line; the
 * others are answered by the line `ok`, or by one that says what went wrong.
 */
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { CommandError } from '../../shell/errors.ts';
import type { MachineKind } from './machine.ts';

export interface Board {
  /** Switches the board off and removes its socket. */
  close(): Promise<void>;
}

const MAX_REQUEST = 64;
/** What is kept for a console that doesn't read. A serial line does not wait for who does not listen. */
const MAX_UNREAD = 1024 * 1024;

function firstLine(socket: Socket, handle: (line: string, rest: Buffer) => void): void {
  let request = Buffer.alloc(0);
  socket.on('data', function read(chunk) {
    request = Buffer.concat([request, chunk as Buffer]);
    const end = request.indexOf(0x0a);
    if (end < 0 && request.length <= MAX_REQUEST) return;
    socket.off('data', read);
    handle(request.toString('latin1', 0, Math.max(end, 0)), request.subarray(end + 1));
  });
}

/** What a client is told. Anything but a CommandError is a fault of ours. */
function inOneLine(error: unknown): string {
  if (error instanceof CommandError) return error.message;
  console.error(error);
  return 'internal error';
}

/** Switched off at first. */
export async function startBoard(socketPath: string, kind: MachineKind): Promise<Board> {
  const sockets = new Set<Socket>();
  const consoles = new Set<Socket>();
  const machine = kind.make((bytes) => {
    for (const socket of consoles) if (socket.writableLength < MAX_UNREAD) socket.write(bytes);
  });
  machine.input.setMaxListeners(0);
  /** One request after the other, whoever sends them. */
  let last: Promise<void> = Promise.resolve();

  function attach(socket: Socket, typed: Buffer): void {
    consoles.add(socket);
    if (typed.length > 0) socket.unshift(typed);
    socket.pipe(machine.input, { end: false });
  }

  function answer(socket: Socket, command: 'on' | 'off' | 'reset'): void {
    // A power cut waits for nothing, such as the reset of a machine that hangs.
    if (command === 'off') void machine.off();
    last = last
      .then(() => machine[command]())
      .then(
        () => void socket.end('ok\n'),
        (error) => void socket.end(`${inOneLine(error)}\n`),
      );
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      consoles.delete(socket);
    });
    firstLine(socket, (line, rest) => {
      if (line === 'console') attach(socket, rest);
      else if (line === 'on' || line === 'off' || line === 'reset') answer(socket, line);
      else socket.destroy();
    });
  });
  rmSync(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  return {
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await machine.off();
      await last;
      await machine.off();
      await closed;
    },
  };
}
