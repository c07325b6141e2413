/** Many connections at once: what they cost the server in memory. */
import { Connection, NFS_PROGRAM } from './connection.ts';
import { Actor } from './engine.ts';
import { getattr, read } from './operations.ts';
import { peakMemory, resetPeakMemory } from './process-figures.ts';
import type { Session } from './session.ts';
import { FILE_SIZE } from './tree.ts';

/** Opens them, asks on all of them before reading any reply, and returns the server's VmHWM in KiB. */
export function holdConnections(session: Session, count: number): number {
  const { address, port, pid } = session.server;
  const actor = new Actor();
  actor.handle.set(session.file(0));
  const connections: Connection[] = [];
  resetPeakMemory(pid);
  try {
    for (let index = 0; index < count; index++) connections.push(new Connection(address, port, 4096, 32_768));
    for (const operation of [getattr, read(FILE_SIZE, 1)]) {
      for (const [index, connection] of connections.entries()) {
        connection.begin(index, NFS_PROGRAM, operation.procedure);
        operation.write(connection.arguments, actor, session);
        connection.end();
        connection.flush();
      }
      let replies = 0;
      for (const [index, connection] of connections.entries()) {
        while (replies <= index) {
          connection.read((_xid, results) => {
            operation.check(results, actor, session);
            replies++;
          });
        }
      }
    }
    return peakMemory(pid);
  } finally {
    for (const connection of connections) connection.close();
  }
}
