import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Outcome } from '../../../src/nfs/rpc/dispatch.ts';
import { rig, settle } from './fake-caller.ts';
import { PROGRAM, Procedure, VERSION } from './fake-program.ts';
import { authSys, call, opaqueBytes, words } from './rpc-calls.ts';

const valid = fc.record({
  procedure: fc.constantFrom(...Object.values(Procedure)),
  credentials: fc.constantFrom(words(0, 0), authSys({ uid: 1, gid: 2, gids: [3, 4] })),
  args: fc.oneof(
    fc.uint8Array({ maxLength: 100 }).map((bytes) => opaqueBytes(bytes)),
    fc.nat({ max: 1000 }).map((number) => words(number)),
  ),
});

const mutation = fc.record({
  at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  kind: fc.constantFrom('byte', 'word', 'cut', 'insert'),
  value: fc.nat({ max: 0xffff_ffff }),
});

function mutate(message: Buffer, { at, kind, value }: { at: number; kind: string; value: number }): Buffer {
  const bytes = Buffer.from(message);
  const position = Math.floor(at * bytes.length);
  if (kind === 'cut') return bytes.subarray(0, position);
  if (kind === 'insert')
    return Buffer.concat([bytes.subarray(0, position), words(value), bytes.subarray(position)]);
  if (kind === 'byte' || position + 4 > bytes.length) {
    if (position < bytes.length) bytes[position] = value & 0xff;
  } else bytes.writeUInt32BE(value, position & ~3);
  return bytes;
}

it('answers or drops whatever comes, and throws nothing', async () => {
  const { send, caller, fake } = rig();
  const mutated = fc
    .tuple(valid, fc.array(mutation, { maxLength: 3 }))
    .map(([parts, changes]) => changes.reduce(mutate, call(parts)));
  const garbage = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const addressed = garbage.map((bytes) => words(1, 0, 2, PROGRAM, VERSION, bytes));
  await fc.assert(
    fc.asyncProperty(fc.oneof({ weight: 4, arbitrary: mutated }, garbage, addressed), async (message) => {
      const before = caller.replies.length;
      const outcome = send(message);
      fake.release();
      await settle();
      const answers = caller.replies.length - before;
      if (outcome === Outcome.malformed) expect(answers).toBe(0);
      // A call that says what one said before is answered from the cache, and so is answered too.
      else expect(answers).toBe(1);
      expect(caller.going).toBe(0);
    }),
    { numRuns: 3000 },
  );
  // Those of the fake program, and none of the dispatcher's own.
  for (const line of fake.logged) expect(line).toMatch(/^error: (BUG|REJECTS|BAD_RESULT|BAD_ARGS): /);
  send(call({ xid: 4711, procedure: Procedure.nothing }));
  expect(caller.replies.at(-1)).toMatchObject({ xid: 4711, status: 'SUCCESS' });
}, 60_000);
