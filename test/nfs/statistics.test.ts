import { expect, it, vi } from 'vitest';
import { Statistics } from '../../src/nfs/statistics.ts';

it('forgets clients that are gone when there are too many, and no others', () => {
  const statistics = new Statistics();
  statistics.client('first').connections = 1;
  statistics.client('second').calls = 5;
  for (let index = 0; index < 1000; index += 1) statistics.client(`client ${index}`);
  const addresses = statistics.clients().map(({ address }) => address);
  expect(addresses).toHaveLength(1000);
  expect(addresses).toContain('first');
  expect(addresses).not.toContain('second');
  expect(addresses).toContain('client 999');
});

it('adds up how long calls take: each begins when it came, or when the one before it ended', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const statistics = new Statistics();
  const [getattr, read] = [statistics.operation('GETATTR'), statistics.operation('READ')];
  statistics.operation('NULL');
  statistics.clock = performance.now();
  vi.advanceTimersByTime(2);
  statistics.ended(getattr);
  vi.advanceTimersByTime(5);
  statistics.ended(read);
  vi.advanceTimersByTime(1);
  statistics.ended(getattr);
  for (const calls of [getattr, getattr, read]) calls.count += 1;
  expect(statistics.operationSeconds()).toEqual({ GETATTR: 0.003, READ: 0.005 });
  vi.useRealTimers();
});

it('tells only of what happened', () => {
  const statistics = new Statistics();
  statistics.operation('NULL');
  statistics.operation('GETATTR').count += 2;
  statistics.operation('GETATTR').count += 1;
  statistics.failed('NFS3ERR_NOENT');
  statistics.failed('NFS3ERR_NOENT');
  expect(statistics.operations()).toEqual({ GETATTR: 3 });
  expect(statistics.errors()).toEqual({ NFS3ERR_NOENT: 2 });
});
