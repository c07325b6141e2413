import { expect, it, vi } from 'vitest';
import { Outcome } from '../../../src/nfs/rpc/dispatch.ts';
import { FakeCaller, rig, settle } from './fake-caller.ts';
import { PROGRAM, Procedure, VERSIONS } from './fake-program.ts';
import { authSys, call, opaqueBytes, words } from './rpc-calls.ts';

const { nothing, echo, later, bug, rejects, badArgs, badResult, putOff, whoAmI, fails } = Procedure;

it('answers a call with its result', () => {
  const { send, caller } = rig();
  expect(send(call({ xid: 77, procedure: echo, args: opaqueBytes(Buffer.from('hello')) }))).toBe(
    Outcome.taken,
  );
  expect(caller.replies).toEqual([{ xid: 77, status: 'SUCCESS', body: opaqueBytes(Buffer.from('hello')) }]);
});

it.each([
  ['RPC_MISMATCH 2 2', call({ procedure: nothing, rpcVersion: 3 })],
  ['PROG_UNAVAIL', call({ procedure: nothing, program: PROGRAM + 1 })],
  [`PROG_MISMATCH ${VERSIONS.low} ${VERSIONS.high}`, call({ procedure: nothing, version: 1 })],
  [`PROG_MISMATCH ${VERSIONS.low} ${VERSIONS.high}`, call({ procedure: nothing, version: 3 })],
  ['PROC_UNAVAIL', call({ procedure: 12 })],
  ['PROC_UNAVAIL', call({ procedure: 15 })],
  ['PROC_UNAVAIL', call({ procedure: 0xffff_ffff })],
  ['GARBAGE_ARGS', call({ procedure: echo })],
  ['GARBAGE_ARGS', call({ procedure: echo, args: words(8, 1) })],
  ['GARBAGE_ARGS', call({ procedure: echo, args: words(0xffff_ffff) })],
  ['SYSTEM_ERR', call({ procedure: bug })],
  ['SYSTEM_ERR', call({ procedure: badResult })],
  ['SYSTEM_ERR', call({ procedure: badArgs })],
  ['SUCCESS', call({ procedure: nothing, version: VERSIONS.low })],
])('answers %s', (status, message) => {
  const { send, caller, statistics } = rig();
  expect(send(message)).toBe(Outcome.taken);
  expect(caller.replies).toMatchObject([{ xid: 1, status }]);
  expect(caller.replies[0]?.body).toHaveLength(0);
  expect(statistics.rpcErrors).toBe(status === 'SUCCESS' ? 0 : 1);
});

const longest = authSys({
  uid: 1,
  gid: 2,
  gids: Array.from({ length: 16 }, (_, index) => index),
  machine: 'm'.repeat(255),
});

it.each([
  ['AUTH_NONE with a body', words(0, 4, 1), undefined, 'AUTH_ERROR AUTH_BADCRED'],
  ['too long credentials', words(1, 404, Buffer.alloc(404)), undefined, 'AUTH_ERROR AUTH_BADCRED'],
  ['AUTH_SYS that ends early', words(1, 8, 1, 0), undefined, 'AUTH_ERROR AUTH_BADCRED'],
  [
    '17 groups',
    authSys({ uid: 1, gid: 1, gids: new Array(17).fill(1) }),
    undefined,
    'AUTH_ERROR AUTH_BADCRED',
  ],
  [
    'a long machine name',
    authSys({ uid: 1, gid: 1, gids: [], machine: 'm'.repeat(256) }),
    undefined,
    'AUTH_ERROR AUTH_BADCRED',
  ],
  ['AUTH_SHORT', words(2, 4, 1), undefined, 'AUTH_ERROR AUTH_REJECTEDCRED'],
  ['AUTH_DH', words(3, 4, 1), undefined, 'AUTH_ERROR AUTH_BADCRED'],
  ['RPCSEC_GSS', words(6, 4, 1), undefined, 'AUTH_ERROR AUTH_BADCRED'],
  ['a verifier with a flavor', authSys({ uid: 1, gid: 1, gids: [] }), words(1, 0), 'AUTH_ERROR AUTH_BADVERF'],
  [
    'a verifier with a body',
    authSys({ uid: 1, gid: 1, gids: [] }),
    words(0, 4, 1),
    'AUTH_ERROR AUTH_BADVERF',
  ],
  ['the longest there is', longest, undefined, 'SUCCESS'],
])('checks credentials and verifier: %s', (_, credentials, verifier, status) => {
  const { send, caller } = rig();
  const message = call({ procedure: nothing, credentials, ...(verifier && { verifier }) });
  expect(send(message)).toBe(Outcome.taken);
  expect(caller.replies).toMatchObject([{ status }]);
  // And the next call is looked at by itself.
  send(call({ procedure: nothing }));
  expect(caller.replies[1]?.status).toBe('SUCCESS');
});

it.each([
  ['nothing', Buffer.alloc(0)],
  ['a piece of a header', call({ procedure: nothing }).subarray(0, 28)],
  ['a reply', words(1, 1, 0, 0, 0, 0, 0, 0, 0, 0)],
  ['credentials that are longer than the message', words(1, 0, 2, PROGRAM, 4, 0, 1, 400, 1)],
  ['no verifier', call({ procedure: nothing, verifier: Buffer.alloc(0) })],
])('answers nothing to %s', (_, message) => {
  const { send, caller } = rig();
  expect(send(message)).toBe(Outcome.malformed);
  expect(caller.replies).toEqual([]);
});

it('tells procedures who calls, and asks for a context only when that changes', () => {
  const { send, caller, fake } = rig();
  const alice = authSys({ uid: 1000, gid: 100, gids: [4, 27] });
  const root = authSys({ uid: 0, gid: 0, gids: [] });
  for (const credentials of [alice, alice, root, root, alice]) send(call({ procedure: whoAmI, credentials }));
  send(call({ procedure: whoAmI }));
  const said = caller.replies.map(({ body }) => JSON.parse(body.subarray(4).toString().replace(/\0+$/, '')));
  const asAlice = { uid: 1000, gid: 100, groups: [4, 27] };
  const asRoot = { uid: 0, gid: 0, groups: [] };
  expect(said).toEqual([asAlice, asAlice, asRoot, asRoot, asAlice, { uid: 65534, gid: 65534, groups: [] }]);
  expect(fake.contexts).toBe(4);
});

it('does not take credentials for others that begin alike', () => {
  const { send, caller } = rig();
  const body = (groups: readonly number[]) => words(1, 0, 5, 5, groups.length, ...groups);
  send(call({ procedure: whoAmI, credentials: words(1, opaqueBytes(body([]))) }));
  send(call({ procedure: whoAmI, credentials: words(1, opaqueBytes(body([7]))) }));
  expect(caller.replies.map(({ body: said }) => said.toString('latin1').replace(/^[^{]*|\0/g, ''))).toEqual([
    '{"uid":5,"gid":5,"groups":[]}',
    '{"uid":5,"gid":5,"groups":[7]}',
  ]);
});

it('logs a bug once, with where it is, and goes on', async () => {
  const { send, caller, fake } = rig();
  for (let time = 0; time < 3; time += 1) {
    send(call({ procedure: bug }));
    send(call({ procedure: rejects }));
  }
  await settle();
  send(call({ procedure: nothing }));
  expect(caller.replies.map(({ status }) => status)).toEqual([...new Array(6).fill('SYSTEM_ERR'), 'SUCCESS']);
  expect(fake.logged).toHaveLength(2);
  expect(fake.logged[0]).toMatch(/^error: BUG: TypeError: a bug \| at .*fake-program\.ts/);
  expect(fake.logged[1]).toMatch(/^error: REJECTS: Error: another bug/);
  expect(caller.going).toBe(0);
});

it('answers calls that take long when they are done, in any order', async () => {
  const { send, caller, fake } = rig();
  send(call({ xid: 1, procedure: later, args: words(11) }));
  send(call({ xid: 2, procedure: later, args: words(22) }));
  send(call({ xid: 3, procedure: nothing }));
  expect(caller.replies.map(({ xid }) => xid)).toEqual([3]);
  expect(caller.going).toBe(2);
  fake.waiting.reverse();
  fake.release();
  await settle();
  expect(caller.replies.map(({ xid }) => xid)).toEqual([3, 2, 1]);
  expect(caller.replies.map(({ body }) => body.toString('hex'))).toEqual(['', '00000016', '0000000b']);
  expect(caller.going).toBe(0);
});

it('gives no late answer to a client that is gone', async () => {
  const { send, caller, fake } = rig();
  send(call({ procedure: later, args: words(1) }));
  send(call({ procedure: rejects }));
  caller.closed = true;
  fake.release();
  await settle();
  expect(caller.replies).toEqual([]);
  expect(caller.going).toBe(0);
  expect(fake.logged).toHaveLength(1);
});

it('runs a call that was put off again, from a copy of its bytes', async () => {
  const { send, caller, fake, statistics } = rig();
  fake.absent = true;
  expect(send(call({ xid: 5, procedure: putOff, args: opaqueBytes(Buffer.from('wait')) }))).toBe(
    Outcome.taken,
  );
  await settle();
  expect(caller.replies).toEqual([]);
  fake.arrive();
  await settle();
  expect(caller.replies).toEqual([{ xid: 5, status: 'SUCCESS', body: opaqueBytes(Buffer.from('wait')) }]);
  expect(fake.putOffs).toBe(1);
  expect(caller.calls).toBe(1);
  expect(caller.going).toBe(0);
  expect(statistics.operations()).toEqual({ PUT_OFF: 1 });
});

it('puts off only so many calls, and says when there is room again', async () => {
  const { send, caller, fake, dispatcher } = rig();
  fake.absent = true;
  const message = call({ procedure: putOff, args: opaqueBytes(Buffer.from('wait')) });
  let taken = 0;
  while (send(message) === Outcome.taken) taken += 1;
  expect(taken).toBe(256);
  expect(send(message)).toBe(Outcome.busy);
  expect(send(call({ procedure: nothing }))).toBe(Outcome.taken);
  let woken = 0;
  dispatcher.waiting.whenRoom(() => {
    woken += 1;
  });
  fake.arrive();
  await settle();
  expect(woken).toBe(1);
  expect(caller.replies).toHaveLength(257);
});

it('puts off only so many bytes', () => {
  const { send, fake } = rig();
  fake.absent = true;
  const message = call({ procedure: putOff, args: opaqueBytes(Buffer.alloc(1024 * 1024 - 100)) });
  let taken = 0;
  while (send(message) === Outcome.taken) taken += 1;
  expect(taken).toBe(4);
});

it('counts calls, and failures by their status', () => {
  const { send, statistics, caller } = rig();
  send(call({ procedure: nothing }));
  send(call({ procedure: nothing }));
  send(call({ procedure: fails }));
  send(call({ procedure: 12 }));
  expect(statistics.operations()).toEqual({ NULL: 2, FAILS: 1 });
  expect(statistics.errors()).toEqual({ ERROR_5: 1 });
  expect(statistics.rpcErrors).toBe(1);
  expect(caller.calls).toBe(4);
});

it('adds up how long calls take, also those that end later and those that were put off', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const { send, statistics, fake } = rig();
    const at = (milliseconds: number) => {
      vi.advanceTimersByTime(milliseconds);
      statistics.clock = performance.now();
    };
    at(0);
    send(call({ xid: 1, procedure: later, args: words(1) }));
    vi.advanceTimersByTime(4);
    fake.release();
    await settle();
    expect(statistics.operationSeconds()).toEqual({ LATER: 0.004 });
    fake.absent = true;
    at(10);
    send(call({ xid: 2, procedure: putOff, args: opaqueBytes(Buffer.from('wait')) }));
    vi.advanceTimersByTime(1000);
    fake.arrive();
    await settle();
    expect(statistics.operationSeconds()).toEqual({ LATER: 0.004, PUT_OFF: 0 });
  } finally {
    vi.useRealTimers();
  }
});

it('knows the same call on another connection of the client', async () => {
  const { send, caller, fake, statistics } = rig();
  const message = call({ xid: 9, procedure: Procedure.count, args: words(1) });
  send(message);
  const again = new FakeCaller(fake);
  send(message, again);
  await settle();
  expect(again.replies).toEqual(caller.replies);
  expect(fake.counted).toBe(1);
  expect(statistics.duplicateReplies).toBe(1);
  expect(statistics.operations()).toEqual({ COUNT: 1 });
});
