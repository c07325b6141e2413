import { randomBytes } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { findFreePort } from '../../src/shell/free-port.ts';
import { CONTENT, Procedure } from './rpc/fake-program.ts';
import { call, opaqueBytes, record, words } from './rpc/rpc-calls.ts';
import { eventually, type FakeServer, startFakeServer, TcpClient } from './rpc/rpc-client.ts';

const { nothing, echo, read, write, later, putOff, count } = Procedure;
const MIB = 1024 * 1024;

let server: FakeServer | undefined;
const clients: TcpClient[] = [];

async function start(
  bounds: NonNullable<Parameters<typeof startFakeServer>[0]>['bounds'] = {},
): Promise<FakeServer> {
  server = await startFakeServer({ bounds });
  return server;
}

async function connect({ port }: FakeServer): Promise<TcpClient> {
  const client = await TcpClient.connect(port);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server?.close(100);
  server = undefined;
});

const NULL = record(call({ procedure: nothing }));
const numbered = (xid: number) => record(call({ xid, procedure: nothing }));
const reading = (xid: number, length: number) => record(call({ xid, procedure: read, args: words(length) }));
const writing = (xid: number, length: number) =>
  record(call({ xid, procedure: write, args: opaqueBytes(CONTENT.subarray(0, length)) }));

/** Waits until what was sent has arrived, as pieces of their own. */
const pause = (ms = 1) => new Promise((resolve) => setTimeout(resolve, ms));

it('answers calls that are cut anywhere', async () => {
  const client = await connect(await start());
  const calls = [1, 2, 3].map((xid) =>
    record(call({ xid, procedure: echo, args: opaqueBytes(Buffer.alloc(xid, xid)) }), [xid, 5]),
  );
  const stream = Buffer.concat(calls);
  for (let at = 1; at < stream.length; at += 1) {
    client.send(stream.subarray(0, at));
    await pause();
    client.send(stream.subarray(at));
    const replies = await client.take(3);
    expect(replies.map(({ xid, body }) => [xid, body])).toEqual(
      [1, 2, 3].map((xid) => [xid, opaqueBytes(Buffer.alloc(xid, xid))]),
    );
  }
});

it('answers a call that comes byte by byte', async () => {
  const client = await connect(await start());
  for (const byte of record(call({ xid: 8, procedure: echo, args: opaqueBytes(Buffer.from('slow')) }), [7])) {
    client.send(Buffer.of(byte));
    await pause(0);
  }
  expect(await client.take(1)).toMatchObject([{ xid: 8, body: opaqueBytes(Buffer.from('slow')) }]);
});

it('answers a thousand calls at once, in order', async () => {
  const client = await connect(await start());
  client.send(Buffer.concat(Array.from({ length: 1000 }, (_, xid) => numbered(xid))));
  const replies = await client.take(1000);
  expect(replies.map(({ xid }) => xid)).toEqual(Array.from({ length: 1000 }, (_, xid) => xid));
});

it('takes and gives 1 MiB, among small calls', async () => {
  const client = await connect(await start());
  const lengths = [MIB, 5, 16 * 1024 - 1, 16 * 1024, 70_001, MIB - 3, 0];
  for (const [index, length] of lengths.entries()) {
    client.send(numbered(100 + index));
    client.send(writing(200 + index, length));
    client.send(reading(300 + index, length));
  }
  const replies = await client.take(3 * lengths.length);
  for (const [index, length] of lengths.entries()) {
    const [small, written, got] = replies.slice(3 * index);
    expect(small?.xid).toBe(100 + index);
    expect(written).toMatchObject({ xid: 200 + index, body: words(length) });
    expect(got?.xid).toBe(300 + index);
    expect(got?.body.equals(opaqueBytes(CONTENT.subarray(0, length)))).toBe(true);
  }
});

it.each([
  ['a record that is too long', words(0x8000_0000 + 2 * MIB)],
  ['an endless record', words(0xffff_ffff)],
  ['empty fragments without end', Buffer.alloc(8000)],
  ['a record that is no call', record(words(1, 1, 0, 0, 0, 0, 0, 0, 0))],
  ['an empty record', record(Buffer.alloc(0))],
  ['half a header', record(call({ procedure: nothing }).subarray(0, 20))],
])('closes a connection that brings %s, after what came before', async (_, bytes) => {
  const started = await start();
  const [client, other] = [await connect(started), await connect(started)];
  client.send(Buffer.concat([numbered(6), bytes, numbered(7)]));
  await client.whenEnded;
  expect(client.replies.map(({ xid }) => xid)).toEqual([6]);
  expect(await other.call(NULL)).toMatchObject({ status: 'SUCCESS' });
  expect(started.fake.logged).toEqual([]);
});

it('survives random bytes', async () => {
  const started = await start();
  for (let round = 0; round < 50; round += 1) {
    const client = await connect(started);
    // Marks that are believable, so that some of it is looked at.
    for (let part = 0; part < 10; part += 1) {
      const length = (round * 37 + part * 101) % 3000;
      client.send(words((part % 3 ? 0x8000_0000 : 0) + length, randomBytes(length)));
    }
    await pause();
    client.close();
  }
  expect(await (await connect(started)).call(NULL)).toMatchObject({ status: 'SUCCESS' });
  await eventually(() => started.statistics.connections === 1);
  expect(started.fake.logged).toEqual([]);
});

it('still answers a client that has said its last', async () => {
  const started = await start();
  const client = await connect(started);
  client.send(
    Buffer.concat([numbered(1), record(call({ xid: 2, procedure: later, args: words(9) })), reading(3, MIB)]),
  );
  client.socket.end();
  await eventually(() => started.fake.waiting.length === 1);
  await pause(20);
  started.fake.release();
  await client.whenEnded;
  expect(client.replies.map(({ xid }) => xid)).toEqual([1, 3, 2]);
});

it('gives 500 clients their answers', async () => {
  const started = await start();
  const all = await Promise.all(Array.from({ length: 500 }, () => connect(started)));
  for (let round = 0; round < 3; round += 1) {
    for (const [index, client] of all.entries()) client.send(numbered(index));
    for (const [index, client] of all.entries()) expect((await client.take(1))[0]?.xid).toBe(index);
  }
  expect(started.statistics.connections).toBe(500);
});

it('closes whoever was silent for longest when there are too many', async () => {
  const started = await start({ connections: 3 });
  const [first, second, third] = [await connect(started), await connect(started), await connect(started)];
  for (const client of [first, third, second, first]) {
    await pause(5);
    await client?.call(NULL);
  }
  const fourth = await connect(started);
  expect(await fourth.call(NULL)).toMatchObject({ status: 'SUCCESS' });
  await third?.whenEnded;
  for (const client of [first, second]) expect(await client?.call(NULL)).toMatchObject({ status: 'SUCCESS' });
});

it('closes connections that are silent, and no others', async () => {
  const started = await start({ silent: 1000, sweep: 50 });
  const [silent, waiting, talking] = [await connect(started), await connect(started), await connect(started)];
  waiting.send(record(call({ xid: 5, procedure: later, args: words(1) })));
  let ended = false;
  void silent.whenEnded.then(() => {
    ended = true;
  });
  while (!ended) {
    await talking.call(NULL);
    await pause(10);
  }
  started.fake.release();
  expect(await waiting.take(1)).toMatchObject([{ xid: 5 }]);
});

it('lets nobody wait for a client that sends half a call', async () => {
  const started = await start();
  for (let index = 0; index < 20; index += 1) {
    const half = await connect(started);
    half.send(index % 2 ? NULL.subarray(0, 20) : writing(1, MIB).subarray(0, 500_000));
  }
  const client = await connect(started);
  for (let time = 0; time < 20; time += 1)
    expect(await client.call(NULL)).toMatchObject({ status: 'SUCCESS' });
  expect(await client.call(writing(2, MIB))).toMatchObject({ body: words(MIB) });
});

it('closes connections whose large record does not go on while another one waits for its buffer', async () => {
  const started = await start({ largeBuffers: 2, stuckAndWanted: 200, sweep: 20 });
  const [one, two] = [await connect(started), await connect(started)];
  for (const stuck of [one, two]) stuck.send(writing(1, MIB).subarray(0, 500_000));
  await pause(300);
  // Nobody waited so far.
  expect([one.ended, two.ended]).toEqual([false, false]);
  const third = await connect(started);
  third.send(Buffer.concat([writing(2, MIB), numbered(3)]));
  expect(await (await connect(started)).call(NULL)).toMatchObject({ status: 'SUCCESS' });
  expect(await third.take(2)).toMatchObject([{ xid: 2, body: words(MIB) }, { xid: 3 }]);
  await Promise.race([one.whenEnded, two.whenEnded]);
});

it('closes a connection whose record does not go on at all', async () => {
  const started = await start({ stuck: 100, sweep: 10 });
  const [small, large, idle] = [await connect(started), await connect(started), await connect(started)];
  small.send(NULL.subarray(0, 10));
  large.send(writing(1, MIB).subarray(0, 100_000));
  await Promise.all([small.whenEnded, large.whenEnded]);
  expect(await idle.call(NULL)).toMatchObject({ status: 'SUCCESS' });
});

it('shares few large buffers among many clients', async () => {
  const started = await start({ largeBuffers: 2 });
  const all = await Promise.all(Array.from({ length: 20 }, () => connect(started)));
  for (const client of all) client.send(Buffer.concat([writing(1, MIB), writing(2, 300_000), numbered(3)]));
  for (const client of all) {
    const replies = await client.take(3);
    expect(replies.map(({ body }) => body)).toEqual([words(MIB), words(300_000), Buffer.alloc(0)]);
  }
});

it('holds little for a client that never reads, and serves others meanwhile', async () => {
  const started = await start();
  const [deaf, other] = [await connect(started), await connect(started)];
  deaf.socket.pause();
  const before = process.memoryUsage().arrayBuffers;
  for (let xid = 0; xid < 200; xid += 1) deaf.send(reading(xid, MIB - xid));
  for (let time = 0; time < 50; time += 1) {
    expect(await other.call(NULL)).toMatchObject({ status: 'SUCCESS' });
    await pause();
  }
  expect(started.statistics.bytesWritten).toBeLessThan(40 * MIB);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 * MIB);
  // And when it reads at last, nothing is missing.
  deaf.socket.resume();
  const replies = await deaf.take(200);
  for (const [xid, reply] of replies.entries()) {
    expect(reply.xid).toBe(xid);
    expect(reply.body.equals(opaqueBytes(CONTENT.subarray(0, MIB - xid)))).toBe(true);
  }
});

it('holds little for many clients that never read, and throws the worst out', async () => {
  const started = await start({ unsentOfAll: 2 * MIB, mostUnsentOfAll: 3 * MIB });
  const before = process.memoryUsage().arrayBuffers;
  const deaf = await Promise.all(Array.from({ length: 20 }, () => connect(started)));
  for (const client of deaf) {
    client.socket.pause();
    for (let xid = 0; xid < 30; xid += 1) client.send(reading(xid, MIB));
  }
  await eventually(() => started.statistics.connections < 20);
  expect(await (await connect(started)).call(NULL)).toMatchObject({ status: 'SUCCESS' });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 * MIB);
});

it('sends what it has answered before it ends', async () => {
  const started = await start();
  const client = await connect(started);
  client.socket.pause();
  for (let xid = 0; xid < 20; xid += 1) client.send(reading(xid, MIB));
  let last = -1;
  while (last !== started.statistics.bytesWritten) {
    last = started.statistics.bytesWritten;
    await pause(200);
  }
  const closed = started.close(5000);
  client.socket.resume();
  await Promise.all([closed, client.whenEnded]);
  const complete = client.replies.filter(({ body }) => body.equals(opaqueBytes(CONTENT)));
  expect(complete).toHaveLength(last / (MIB + 32));
});

it('puts off more calls than it has room for, while it serves others, and loses none', async () => {
  const started = await start();
  const { fake } = started;
  const [one, two, other] = [await connect(started), await connect(started), await connect(started)];
  fake.absent = true;
  const answer = (xid: number) => opaqueBytes(Buffer.alloc(xid % 50, 1));
  const message = (xid: number) => record(call({ xid, procedure: putOff, args: answer(xid) }));
  const xids = Array.from({ length: 700 }, (_, xid) => xid);
  // Room is for 256: the second client's 57th finds none.
  one.send(Buffer.concat(xids.slice(0, 200).map(message)));
  await eventually(() => fake.putOffs === 200);
  two.send(Buffer.concat(xids.map(message)));
  await eventually(() => fake.putOffs >= 256);
  expect(await other.call(NULL)).toMatchObject({ status: 'SUCCESS' });
  fake.arrive();
  expect(await one.take(200)).toHaveLength(200);
  const replies = await two.take(700);
  expect(replies.map(({ xid }) => xid).sort((a, b) => a - b)).toEqual(xids);
  for (const { xid, body } of replies) expect(body).toEqual(answer(xid));
});

it('reads no further when too many calls of a client run', async () => {
  const started = await start({ runningCalls: 10 });
  const { fake } = started;
  const client = await connect(started);
  client.send(
    Buffer.concat(
      Array.from({ length: 35 }, (_, xid) => record(call({ xid, procedure: later, args: words(xid) }))),
    ),
  );
  let most = 0;
  while (client.replies.length < 35) {
    most = Math.max(most, fake.waiting.length);
    fake.release();
    await pause();
  }
  expect(most).toBe(10);
  expect(client.replies.map(({ xid, body }) => [xid, body])).toEqual(
    Array.from({ length: 35 }, (_, xid) => [xid, words(xid)]),
  );
});

it('answers a repeated call from the cache, also on a new connection from the same port', async () => {
  const started = await start();
  // Below the ephemeral ones: nobody else gets it meanwhile.
  const localPort = await findFreePort(`${process.pid}`, new Set());
  const client = await TcpClient.connect(started.port, '127.0.0.1', localPort);
  clients.push(client);
  const message = record(call({ xid: 77, procedure: count, args: words(1) }));
  expect(await client.call(message)).toMatchObject({ xid: 77, body: words(1) });
  expect(await client.call(message)).toMatchObject({ xid: 77, body: words(1) });
  client.socket.resetAndDestroy();
  await client.whenEnded;
  const again = await TcpClient.connect(started.port, '127.0.0.1', localPort);
  clients.push(again);
  expect(await again.call(message)).toMatchObject({ xid: 77, body: words(1) });
  expect(started.fake.counted).toBe(1);
  expect(started.statistics.duplicateReplies).toBe(2);
});
