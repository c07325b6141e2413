/** What the load generator knows of one server: its handles, and the connections they are used on. */
import { Connection, MOUNT_PROGRAM, NFS_PROGRAM, type Results, RpcError } from './connection.ts';
import { Handle } from './handle.ts';
import { expectOk, NfsStatusError, skipPostOpAttr } from './operations.ts';
import { addressOf } from './sockets.ts';
import { content, FILES, fileName } from './tree.ts';

/** A server under test, as the processes of the benchmark tell each other. */
export interface ServerAddress {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly mountPort: number;
  /** Path that MNT takes. */
  readonly exportPath: string;
  /** Names from the export's root down to the directory of our files. */
  readonly directory: readonly string[];
  readonly pid: number;
}

const MNTPROC3_MNT = 1;
const NFSPROC3_LOOKUP = 3;
const NFSPROC3_MKDIR = 9;
const NFSPROC3_READDIRPLUS = 17;
const PROC_UNAVAIL = 3;
const NFS3ERR_NOTSUPP = 10_004;

const data = content(1 << 20);
const dataAddress = addressOf(data);
const names = Array.from({ length: FILES }, (_, index) => Buffer.from(fileName(index)));
const newNames = Array.from({ length: FILES }, (_, index) => Buffer.from(`${fileName(index)}.renamed`));

/** Above those of the engine's calls on the same connection, mostly. */
let nextXid = 0x7000_0000;

/** One call on a connection that nothing else is under way on. */
export function callOnce<Value>(
  connection: Connection,
  program: number,
  procedure: number,
  write: (call: Connection['arguments']) => void,
  read: (results: Results) => Value,
): Value {
  connection.begin(nextXid++, program, procedure);
  write(connection.arguments);
  connection.end();
  connection.flush();
  const answers: Value[] = [];
  while (answers.length === 0) connection.read((_xid, results) => answers.push(read(results)));
  return answers[0] as Value;
}

export function mount({ address, mountPort, exportPath }: ServerAddress): Handle {
  const connection = new Connection(address, mountPort, 4096, 65_536);
  try {
    return callOnce(
      connection,
      MOUNT_PROGRAM,
      MNTPROC3_MNT,
      (call) => call.opaque(Buffer.from(exportPath)),
      (results) => {
        expectOk(results);
        const root = new Handle();
        root.read(results);
        return root;
      },
    );
  } finally {
    connection.close();
  }
}

export function lookupName(connection: Connection, directory: Handle, name: string): Handle {
  return callOnce(
    connection,
    NFS_PROGRAM,
    NFSPROC3_LOOKUP,
    (call) => {
      directory.write(call);
      call.opaque(Buffer.from(name));
    },
    (results) => {
      expectOk(results);
      const handle = new Handle();
      handle.read(results);
      return handle;
    },
  );
}

export class Session {
  readonly server: ServerAddress;
  readonly connections: Connection[] = [];
  readonly root: Handle;
  readonly top: Handle;
  /** The directory of 10,000 files. */
  readonly directory: Handle;
  readonly files: Handle[] = [];
  readonly large: Handle;
  readonly scratch: Handle;
  /** unfs3 has no READDIRPLUS. */
  readonly hasReaddirplus: boolean;
  /** Where new files are made: a directory for each run. */
  work: Handle;
  /** Directory entries seen in this run. */
  entries = 0;
  /** Bytes of file data read and written in this run, as the replies count them. */
  bytes = 0;
  readonly data = data;
  readonly dataAddress = dataAddress;
  #workDirectories = 0;
  readonly #workParent: Handle;

  constructor(server: ServerAddress) {
    this.server = server;
    this.root = mount(server);
    const connection = this.connection(0);
    this.top = server.directory.reduce((handle, name) => lookupName(connection, handle, name), this.root);
    this.directory = lookupName(connection, this.top, 'files');
    this.large = lookupName(connection, this.top, 'large');
    this.scratch = lookupName(connection, this.top, 'scratch');
    this.#workParent = lookupName(connection, this.top, 'work');
    this.work = this.#workParent;
    this.hasReaddirplus = this.#tryReaddirplus();
  }

  connection(index: number): Connection {
    this.connections[index] ??= new Connection(this.server.address, this.server.port);
    return this.connections[index];
  }

  name(item: number): Buffer {
    return names[item] ?? names[0] ?? data;
  }

  file(item: number): Handle {
    return this.files[item] ?? this.large;
  }

  newName(item: number): Buffer {
    return newNames[item] ?? names[0] ?? data;
  }

  /** A new empty directory for the files of one run. */
  newWorkDirectory(): void {
    const name = `${process.pid}-${this.#workDirectories++}`;
    this.work = callOnce(
      this.connection(0),
      NFS_PROGRAM,
      NFSPROC3_MKDIR,
      (call) => {
        this.#workParent.write(call);
        call.opaque(Buffer.from(name));
        for (const word of [1, 0o755, 0, 0, 0, 0, 0]) call.uint32(word);
      },
      (results) => {
        expectOk(results);
        if (results.uint32() !== 1) throw new Error('MKDIR without a handle');
        const handle = new Handle();
        handle.read(results);
        return handle;
      },
    );
  }

  #tryReaddirplus(): boolean {
    try {
      return callOnce(
        this.connection(0),
        NFS_PROGRAM,
        NFSPROC3_READDIRPLUS,
        (call) => {
          this.directory.write(call);
          for (const word of [0, 0, 0, 0, 4096, 4096]) call.uint32(word);
        },
        (results) => {
          expectOk(results);
          skipPostOpAttr(results);
          return true;
        },
      );
    } catch (error) {
      if (error instanceof RpcError && error.acceptStat === PROC_UNAVAIL) return false;
      if (error instanceof NfsStatusError && error.status === NFS3ERR_NOTSUPP) return false;
      throw error;
    }
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }
}
