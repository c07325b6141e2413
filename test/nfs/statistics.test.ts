import { expect, it } from 'vitest';
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
