/** Handles that were given out before a server was restarted: what their first use costs. */
import { Connection, NFS_PROGRAM } from './connection.ts';
import { Handle } from './handle.ts';
import { expectAttributes, getattr } from './operations.ts';
import { callOnce, lookupName, mount, type ServerAddress } from './session.ts';
import { deepPath } from './tree.ts';

/** Handles (hexadecimal) of the numbered files of the deep tree. */
export function rememberHandles({ server, files }: { server: ServerAddress; files: number[] }): string[] {
  const root = mount(server);
  const connection = new Connection(server.address, server.port, 4096, 65_536);
  try {
    const top = server.directory.reduce((handle, name) => lookupName(connection, handle, name), root);
    return files.map((file) =>
      deepPath(file)
        .reduce((handle, name) => lookupName(connection, handle, name), top)
        .toString(),
    );
  } finally {
    connection.close();
  }
}

/** Milliseconds that GETATTR takes on each of the handles, one after the other. */
export function firstUse({ server, handles }: { server: ServerAddress; handles: string[] }): number[] {
  const connection = new Connection(server.address, server.port, 4096, 65_536);
  try {
    return handles.map((hex) => {
      const handle = Handle.from(hex);
      const start = performance.now();
      callOnce(connection, NFS_PROGRAM, getattr.procedure, (call) => handle.write(call), expectAttributes);
      return performance.now() - start;
    });
  } finally {
    connection.close();
  }
}
