import { expect, it } from 'vitest';
import { Replies } from '../../../src/nfs/rpc/replies.ts';
import { FakeCaller, rig, settle } from './fake-caller.ts';
import { type FakeContext, Procedure } from './fake-program.ts';
import { call, words } from './rpc-calls.ts';

const message = call({ xid: 9, procedure: Procedure.count, args: words(1) });

it.each([
  ['xid', call({ xid: 10, procedure: Procedure.count, args: words(1) }), {}],
  ['arguments', call({ xid: 9, procedure: Procedure.count, args: words(2) }), {}],
  ['port', message, { port: 701 }],
  ['address', message, { address: '10.0.0.2' }],
])('runs a call with another %s', (_, other, peer) => {
  const { send, fake } = rig();
  send(message);
  send(other, new FakeCaller(fake, peer));
  expect(fake.counted).toBe(2);
});

it('runs a call of another procedure', () => {
  const { send, fake, caller } = rig();
  send(message);
  send(call({ xid: 9, procedure: Procedure.countLater, args: words(1) }));
  expect(fake.waiting).toHaveLength(1);
  expect(caller.replies).toHaveLength(1);
});

it('runs other procedures each time', () => {
  const { send, statistics } = rig();
  for (let time = 0; time < 3; time += 1) send(call({ xid: 9, procedure: Procedure.nothing }));
  expect(statistics.operations()).toEqual({ NULL: 3 });
});

it('drops a call that runs already, and answers where it came last', async () => {
  const { send, fake, caller } = rig();
  const slow = call({ xid: 9, procedure: Procedure.countLater, args: words(1) });
  send(slow);
  send(slow);
  const reconnected = new FakeCaller(fake);
  send(slow, reconnected);
  caller.closed = true;
  fake.release();
  await settle();
  expect(fake.counted).toBe(1);
  expect(caller.replies).toEqual([]);
  expect(reconnected.replies).toMatchObject([{ xid: 9, status: 'SUCCESS' }]);
  expect([caller.going, reconnected.going]).toEqual([0, 0]);
});

it('has the reply also when the connection was gone before there was one', async () => {
  const { send, fake, caller } = rig();
  const slow = call({ xid: 9, procedure: Procedure.countLater, args: words(1) });
  send(slow);
  caller.closed = true;
  fake.release();
  await settle();
  const reconnected = new FakeCaller(fake);
  send(slow, reconnected);
  expect(reconnected.replies).toEqual([{ xid: 9, status: 'SUCCESS', body: words(1) }]);
  expect(fake.counted).toBe(1);
});

it('forgets the oldest replies first', () => {
  const { send, fake } = rig(new Replies<FakeContext>(3, 1000));
  const numbered = (xid: number) => call({ xid, procedure: Procedure.count, args: words(1) });
  for (const xid of [1, 2, 3, 4]) send(numbered(xid));
  for (const xid of [2, 3, 4]) send(numbered(xid));
  expect(fake.counted).toBe(4);
  send(numbered(1));
  expect(fake.counted).toBe(5);
  send(numbered(2));
  expect(fake.counted).toBe(6);
});

it('keeps only so many bytes', () => {
  // A reply is 28 bytes long.
  const { send, fake } = rig(new Replies<FakeContext>(100, 3 * 28));
  const numbered = (xid: number) => call({ xid, procedure: Procedure.count, args: words(1) });
  for (const xid of [1, 2, 3, 4]) send(numbered(xid));
  for (const xid of [2, 3, 4]) send(numbered(xid));
  expect(fake.counted).toBe(4);
  send(numbered(1));
  expect(fake.counted).toBe(5);
});

it('goes round many times', () => {
  const { send, fake } = rig(new Replies<FakeContext>(8, 100));
  for (let xid = 1; xid <= 1000; xid += 1) {
    send(call({ xid, procedure: Procedure.count, args: words(1) }));
    send(call({ xid, procedure: Procedure.count, args: words(1) }));
  }
  expect(fake.counted).toBe(1000);
});
