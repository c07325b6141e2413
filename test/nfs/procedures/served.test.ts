/** The procedures behind a real server, from a client's socket. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { commit } from '../../../src/nfs/procedures/commit.ts';
import { getattr } from '../../../src/nfs/procedures/getattr.ts';
import { mnt3 } from '../../../src/nfs/procedures/mount.ts';
import { programs } from '../../../src/nfs/procedures/programs.ts';
import { read } from '../../../src/nfs/procedures/read.ts';
import { readdirplus } from '../../../src/nfs/procedures/readdirplus.ts';
import { remove } from '../../../src/nfs/procedures/remove.ts';
import { write } from '../../../src/nfs/procedures/write.ts';
import { startServer } from '../../../src/nfs/server.ts';
import {
  callMessage,
  connectTcp,
  connectUdp,
  type NfsConnection,
  record,
  resultOf,
} from '../../support/nfs-client.ts';
import { at, createFile, localExport } from './local-export.ts';

const CONNECT = { tcp: connectTcp, udp: connectUdp };

async function serve(transport: keyof typeof CONNECT) {
  const exported = await localExport();
  const { vfs, mounts, gate } = exported;
  const errors: string[] = [];
  const server = await startServer({
    port: 0,
    host: '127.0.0.1',
    programs,
    contextOf: (credentials, peer) => ({
      ...{ vfs, mounts, gate, credentials, peer },
      ...{ client: peer.address, transport: peer.transport, allowed: [] },
    }),
    admit: () => true,
    log: (_level, message) => errors.push(message),
  });
  const nfs: NfsConnection = await CONNECT[transport](server.port);
  onTestFinished(async () => {
    nfs.close();
    await server.close();
    expect(errors).toEqual([]);
  });
  return { ...exported, nfs };
}

it.each([
  ['tcp', 2 ** 20],
  ['udp', 2 ** 15],
] as const)('writes and reads over %s', async (transport, size) => {
  const { nfs, root, path: directory, mounts } = await serve(transport);
  expect(await nfs.call(mnt3, Buffer.from(directory))).toMatchObject({ status: 0, ok: { fhandle: root } });
  expect(mounts.all().at(-1)?.address).toBe('127.0.0.1');
  const file = await createFile(nfs, root, 'file');
  const data = Buffer.alloc(size, 'some content');
  await nfs.ok(write, { file, offset: 0, count: size, stable: 0, data });
  await nfs.ok(commit, { file, offset: 0, count: 0 });
  const answer = await nfs.ok(read, { file, offset: 0, count: 2 ** 21 });
  expect(data.equals(answer.data as Buffer)).toBe(true);
  expect(answer.eof).toBe(true);
  expect(fs.readFileSync(path.join(directory, 'file')).equals(data)).toBe(true);
});

it('answers many calls at once, each its own', async () => {
  const { nfs, root, path: directory } = await serve('tcp');
  for (let index = 0; index < 500; index += 1) fs.writeFileSync(path.join(directory, `file${index}`), '');
  const sizes = [100, 20_000, 300_000, 5];
  const files = await Promise.all(
    sizes.map(async (size, index) => {
      const file = await createFile(nfs, root, `data${index}`);
      const data = Buffer.alloc(size, index + 65);
      await nfs.ok(write, { file, offset: 0, count: size, stable: index % 2 ? 2 : 0, data });
      return { file, data };
    }),
  );
  const reads = Array.from({ length: 40 }, async (_, index) => {
    const { file, data } = files[index % files.length] as (typeof files)[number];
    const answer = await nfs.ok(read, { file, offset: 0, count: data.length });
    expect(data.equals(answer.data as Buffer)).toBe(true);
  });
  const cookieverf = Buffer.alloc(8);
  const listings = Array.from({ length: 10 }, async () => {
    const args = { dir: root, cookie: 0n, cookieverf, dircount: 65_536, maxcount: 65_536 };
    const { reply } = await nfs.ok(readdirplus, args);
    if (!('entries' in reply)) throw new Error('not decoded');
    for (const { name_attributes, fileid } of reply.entries) expect(name_attributes?.fileid).toBe(fileid);
    expect(reply.entries.length).toBeGreaterThan(300);
  });
  await Promise.all([...reads, ...listings]);
});

it('answers a call that comes twice with the same reply', async () => {
  const { nfs, root } = await serve('tcp');
  await createFile(nfs, root, 'file');
  const message = callMessage(1234, remove, { object: at(root, 'file') });
  const replies: Buffer[] = [];
  for (let time = 0; time < 2; time += 1) {
    const reply = nfs.reply(1234);
    nfs.send(record(message));
    replies.push(await reply);
  }
  expect(resultOf(remove, replies[0] as Buffer).status).toBe(0);
  expect(replies[1]).toEqual(replies[0]);
  expect(await nfs.status(remove, { object: at(root, 'file') })).toBe('NFS3ERR_NOENT');
});

it('finds garbage in arguments that end too early', async () => {
  const { nfs, root } = await serve('tcp');
  const message = callMessage(77, getattr, { object: root });
  const reply = nfs.reply(77);
  nfs.send(record(message.subarray(0, message.length - 4)));
  const answer = await reply;
  expect(() => resultOf(getattr, answer)).toThrow('GARBAGE_ARGS');
  expect((await nfs.ok(getattr, { object: root })).obj_attributes.type).toBe(2);
});
