import { expect, it } from 'vitest';
import { askProgram } from '../../src/doctor/ask-program.ts';

it('says what a program says, and how it ends', async () => {
  const answer = await askProgram('sh', ['-c', 'echo a; echo b >&2; exit 3'], AbortSignal.timeout(10_000));
  expect(answer).toEqual({ status: 3, stdout: 'a\n', stderr: 'b\n' });
  expect(await askProgram('/nonexistent', [], AbortSignal.timeout(10_000))).toBeUndefined();
});

it('ends it when time is up, and starts none after that', async () => {
  const answer = await askProgram('sleep', ['1000'], AbortSignal.timeout(50));
  expect(answer).toEqual({ status: null, ended: 'late', stdout: '', stderr: '' });
  expect(await askProgram('sleep', ['1000'], AbortSignal.abort())).toBeUndefined();
});

it('ends it when it says too much', async () => {
  const answer = await askProgram('yes', [], AbortSignal.timeout(10_000));
  expect(answer).toMatchObject({ status: null, ended: 'flood' });
});

it('does not wait for what it leaves behind, whoever has its output open', async () => {
  const script = 'setsid sleep 1000 & echo $!; exit 3';
  const answer = await askProgram('sh', ['-c', script], AbortSignal.timeout(60_000));
  process.kill(Number(answer?.stdout));
  expect(answer).toEqual({ status: 3, stdout: expect.stringMatching(/^\d+\n$/), stderr: '' });
});
