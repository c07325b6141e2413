/** The procedures on a temporary directory, without a server: each call goes through XDR both ways. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { Gate } from '../../../src/nfs/gate.ts';
import { create } from '../../../src/nfs/procedures/create.ts';
import { lookup } from '../../../src/nfs/procedures/lookup.ts';
import { mnt3 } from '../../../src/nfs/procedures/mount.ts';
import { MountList } from '../../../src/nfs/procedures/mount-list.ts';
import type { Context } from '../../../src/nfs/procedures/procedure.ts';
import { PutOff } from '../../../src/nfs/put-off.ts';
import type { Changes } from '../../../src/nfs/vfs/attributes.ts';
import { Vfs } from '../../../src/nfs/vfs/vfs.ts';
import { Reader } from '../../../src/nfs/wire/xdr-reader.ts';
import { Writer } from '../../../src/nfs/wire/xdr-writer.ts';
import { NfsClient, type Perform } from '../../support/nfs-client.ts';
import { encode } from './xdr-bytes.ts';

/** One walk finds a file, or finds that there is none. */
const MAX_PUT_OFF = 10;

interface Options extends Partial<Pick<Context, 'client' | 'transport' | 'allowed' | 'uses'>> {
  /** Namespace changes are answered later, when they are on the disk. */
  readonly sync?: boolean;
}

export interface LocalExport {
  readonly nfs: NfsClient;
  /** Handle of the exported directory. */
  readonly root: Buffer;
  readonly path: string;
  readonly vfs: Vfs;
  readonly mounts: MountList;
  readonly gate: Gate;
}

function performOn(context: Omit<Context, 'credentials'>): Perform {
  return async (procedure, args, credentials) => {
    const message = encode(procedure.args, args);
    const run = () =>
      procedure.notNow?.({ ...context, credentials }) ??
      procedure.run(procedure.args.read(new Reader().reset(message)), { ...context, credentials });
    for (let time = 1; ; time += 1) {
      try {
        const result = run();
        // A procedure that waits must not need the message any more.
        if (result instanceof Promise) message.fill(0xee);
        const answer = result instanceof Promise ? await result : result;
        const writer = new Writer();
        procedure.result.write(writer, answer);
        const reader = new Reader().reset(Buffer.from(writer.bytes()));
        const read = procedure.result.read(reader);
        if (reader.remaining > 0) throw new Error(`${procedure.name}: ${reader.remaining} bytes too many`);
        return read;
      } catch (error) {
        if (!(error instanceof PutOff)) throw error;
        if (time === MAX_PUT_OFF) throw new Error(`${procedure.name} is put off for ever`, { cause: error });
        await error.until;
      }
    }
  };
}

/** Removed when the test is over. */
export async function localExport({ sync = false, ...given }: Options = {}): Promise<LocalExport> {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'nfs-procedures-')));
  const exportPath = path.join(base, 'root');
  fs.mkdirSync(exportPath);
  fs.chmodSync(exportPath, 0o755);
  const vfs = Vfs.open({ exportPath, base, ownership: 'xattr', unattributed: { uid: 0, gid: 0 }, sync });
  onTestFinished(() => {
    vfs.close();
    fs.rmSync(base, { recursive: true, force: true });
  });
  const mounts = new MountList();
  const gate = new Gate();
  const peer = { isAlone: false, turn: -1 };
  const defaults = { client: '127.0.0.1', transport: 'tcp', peer, allowed: ['127.0.0.1'] } as const;
  const nfs = new NfsClient(performOn({ ...defaults, ...given, vfs, mounts, gate }));
  const mounted = await nfs.call(mnt3, Buffer.from(exportPath));
  if (!('ok' in mounted)) throw new Error(`MNT: ${mounted.status}`);
  return { nfs, root: mounted.ok.fhandle, path: exportPath, vfs, mounts, gate };
}

/** sattr3 that changes nothing but what is given. */
export function sattr(changes: Changes = {}): Changes {
  const nothing = { mode: undefined, uid: undefined, gid: undefined, size: undefined };
  return { ...nothing, atime: undefined, mtime: undefined, ...changes };
}

/** diropargs3 */
export function at(dir: Buffer, name: string | Buffer): { dir: Buffer; name: Buffer } {
  return { dir, name: Buffer.from(name) };
}

/** Creates a file and returns its handle. */
export async function createFile(
  nfs: NfsClient,
  dir: Buffer,
  name: string,
  changes: Changes = { mode: 0o644 },
): Promise<Buffer> {
  const how = { kind: 1, value: sattr(changes) } as const;
  const { obj } = await nfs.ok(create, { where: at(dir, name), how });
  if (obj === undefined) throw new Error('CREATE gave no handle');
  return obj;
}

export async function handleOf(nfs: NfsClient, dir: Buffer, name: string): Promise<Buffer> {
  return (await nfs.ok(lookup, { what: at(dir, name) })).object;
}
