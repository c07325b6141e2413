import { expect, it } from 'vitest';
import { askProgram } from '../../src/doctor/ask-program.ts';

it('says what a program says, and how it ends', async () => {
  const answer = await askProgram('sh', ['-c', 'echo a; echo b >&2; exit 3'], AbortSignal.timeout(10_000));
  expect(answer).toEqual({ status: 3, stdout: 'a\n', stderr: 'b\n' });
  expect(await askProgram('/nonexistent', [], AbortSignal.timeout(10_000))).toBeUndefined();
});

it('ends it when time is up, and starts none after that', async () => {
  const answer = await askProgram('sleep', ['1000'], AbortSignal.timeout(50));
  expect(answer?.status).toBeNull();
  expect(await askProgram('sleep', ['1000'], AbortSignal.abort())).toBeUndefined();
});
