/** Calls while the gate is shut: not now, whatever they are. */
import { expect, it, onTestFinished } from 'vitest';
import { Gate } from '../../../src/nfs/gate.ts';
import { access } from '../../../src/nfs/procedures/access.ts';
import { commit } from '../../../src/nfs/procedures/commit.ts';
import { create } from '../../../src/nfs/procedures/create.ts';
import { fsinfo } from '../../../src/nfs/procedures/fsinfo.ts';
import { fsstat } from '../../../src/nfs/procedures/fsstat.ts';
import { getattr } from '../../../src/nfs/procedures/getattr.ts';
import { link } from '../../../src/nfs/procedures/link.ts';
import { lookup } from '../../../src/nfs/procedures/lookup.ts';
import { mkdir } from '../../../src/nfs/procedures/mkdir.ts';
import { mknod } from '../../../src/nfs/procedures/mknod.ts';
import { nfsProgram } from '../../../src/nfs/procedures/nfs.ts';
import { nullProcedure } from '../../../src/nfs/procedures/null.ts';
import { pathconf } from '../../../src/nfs/procedures/pathconf.ts';
import { programs } from '../../../src/nfs/procedures/programs.ts';
import { read } from '../../../src/nfs/procedures/read.ts';
import { readdir } from '../../../src/nfs/procedures/readdir.ts';
import { readdirplus } from '../../../src/nfs/procedures/readdirplus.ts';
import { readlink } from '../../../src/nfs/procedures/readlink.ts';
import { remove } from '../../../src/nfs/procedures/remove.ts';
import { rename } from '../../../src/nfs/procedures/rename.ts';
import { rmdir } from '../../../src/nfs/procedures/rmdir.ts';
import { setattr } from '../../../src/nfs/procedures/setattr.ts';
import { symlink } from '../../../src/nfs/procedures/symlink.ts';
import { write } from '../../../src/nfs/procedures/write.ts';
import { startServer } from '../../../src/nfs/server.ts';
import { type Callable, callMessage, connectTcp, record, resultOf } from '../../support/nfs-client.ts';
import { at, createFile, localExport, sattr } from './local-export.ts';

/** By the procedure: arguments for a call on a file in the exported directory. */
function calls(root: Buffer, file: Buffer) {
  const where = at(root, 'new');
  const cookieverf = Buffer.alloc(8);
  const symlinkdata = { symlink_attributes: sattr(), symlink_data: Buffer.from('target') };
  const changing = [
    [setattr, { object: file, new_attributes: sattr({ mode: 0o600 }), guard: undefined }],
    [write, { file, offset: 0, count: 1, stable: 0, data: Buffer.from('x') }],
    [create, { where, how: { kind: 1, value: sattr({ mode: 0o644 }) } }],
    [mkdir, { where: at(root, 'dir'), attributes: sattr() }],
    [symlink, { where: at(root, 'link'), symlink: symlinkdata }],
    [
      mknod,
      { where: at(root, 'fifo'), what: { type: 7, data: { type: 7, changes: sattr(), major: 0, minor: 0 } } },
    ],
    [link, { file, link: at(root, 'second') }],
    [rename, { from: at(root, 'second'), to: at(root, 'third') }],
    [remove, { object: at(root, 'third') }],
    [rmdir, { object: at(root, 'dir') }],
  ] as const;
  const reading = [
    [getattr, { object: root }],
    [lookup, { what: at(root, 'file') }],
    [access, { object: root, access: 1 }],
    [read, { file, offset: 0, count: 10 }],
    [readdir, { dir: root, cookie: 0n, cookieverf, count: 4096 }],
    [readdirplus, { dir: root, cookie: 0n, cookieverf, dircount: 4096, maxcount: 4096 }],
    [fsstat, { fsroot: root }],
    [fsinfo, { fsroot: root }],
    [pathconf, { object: root }],
    [commit, { file, offset: 0, count: 0 }],
  ] as const;
  // It fails on a file that is no link.
  const failing = [[readlink, { symlink: file }]] as const;
  type Call = [Callable<unknown, { status: number }>, unknown];
  return { changing, reading, failing } as unknown as Record<'changing' | 'reading' | 'failing', Call[]>;
}

const JUKEBOX = 10008;

it('answers all calls but NULL with JUKEBOX while it is shut, and runs none', async () => {
  const { nfs, root, gate, vfs } = await localExport();
  const file = await createFile(nfs, root, 'file');
  const before = vfs.attributes(vfs.root);
  const { changing, reading, failing } = calls(root, file);
  const all = [...changing, ...reading, ...failing];
  expect(new Set([nullProcedure, ...all.map(([procedure]) => procedure)])).toEqual(
    new Set(nfsProgram.versions[0]?.procedures),
  );
  gate.shut();
  for (const [procedure, args] of all) {
    expect((await nfs.call(procedure, args)).status, procedure.name).toBe(JUKEBOX);
  }
  expect(gate.putOff).toBe(all.length);
  await nfs.call(nullProcedure, undefined);
  gate.open();
  expect(vfs.attributes(vfs.root)).toEqual(before);
  for (const [procedure, args] of [...changing, ...reading]) {
    expect((await nfs.call(procedure, args)).status, procedure.name).toBe(0);
  }
});

it('puts only changes off while they are held', async () => {
  const { nfs, root, gate } = await localExport();
  const file = await createFile(nfs, root, 'file');
  const { changing, reading } = calls(root, file);
  expect(gate.holdChanges()).toBeUndefined();
  for (const [procedure, args] of changing) {
    expect((await nfs.call(procedure, args)).status, procedure.name).toBe(JUKEBOX);
  }
  for (const [procedure, args] of reading) {
    expect((await nfs.call(procedure, args)).status, procedure.name).toBe(0);
  }
  gate.allowChanges();
  for (const [procedure, args] of changing) {
    expect((await nfs.call(procedure, args)).status, procedure.name).toBe(0);
  }
});

it('holds changes once those that run have ended, well or not', async () => {
  const gate = new Gate();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  void gate.track(first.promise);
  void gate.track(second.promise);
  let held = false;
  const holding = gate.holdChanges()?.then(() => {
    held = true;
  });
  expect(gate.refuses(true)).toBe(true);
  first.resolve();
  await new Promise(setImmediate);
  expect(held).toBe(false);
  second.reject(new Error('EIO'));
  await holding;
  expect(gate.holdChanges()).toBeUndefined();
});

it('a change that began before ends, and the change after it waits', async () => {
  const { nfs, root, gate } = await localExport({ sync: true });
  const made = createFile(nfs, root, 'file');
  const held = gate.holdChanges();
  expect(held).toBeInstanceOf(Promise);
  expect(await nfs.status(remove, { object: at(root, 'file') })).toBe('NFS3ERR_JUKEBOX');
  await Promise.all([made, held]);
  gate.allowChanges();
  expect(await nfs.status(remove, { object: at(root, 'file') })).toBe('NFS3_OK');
});

it('keeps no such reply, and repeats those that it gave before', async () => {
  const exported = await localExport();
  const { vfs, mounts, gate, root, nfs } = exported;
  const server = await startServer({
    ...{ port: 0, host: '127.0.0.1', programs, admit: () => true, log: () => {} },
    contextOf: (credentials, peer) => ({
      ...{ vfs, mounts, gate, credentials, peer, allowed: [] },
      ...{ client: peer.address, transport: peer.transport },
    }),
  });
  const client = await connectTcp(server.port);
  onTestFinished(async () => {
    client.close();
    await server.close();
  });
  for (const name of ['first', 'second']) await createFile(nfs, root, name);
  const again = async (xid: number, name: string) => {
    const reply = client.reply(xid);
    client.send(record(callMessage(xid, remove, { object: at(root, name) })));
    return resultOf(remove, await reply).status;
  };
  expect(await again(1, 'first')).toBe(0);
  gate.shut();
  expect(await again(1, 'first')).toBe(0);
  expect(await again(2, 'second')).toBe(JUKEBOX);
  gate.open();
  expect(await again(2, 'second')).toBe(0);
  expect(await again(2, 'second')).toBe(0);
  expect(await again(3, 'second')).toBe(2);
});
