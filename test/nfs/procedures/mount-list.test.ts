import { expect, it } from 'vitest';
import { MountList } from '../../../src/nfs/procedures/mount-list.ts';

function shown(mounts: MountList): string[] {
  return mounts.all().map(({ address, directory }) => `${address}:${directory}`);
}

it('has each mount once, the latest at the end', () => {
  const mounts = new MountList();
  mounts.add('10.0.0.1', '/a');
  mounts.add('10.0.0.2', '/a');
  mounts.add('10.0.0.1', '/a');
  expect(shown(mounts)).toEqual(['10.0.0.2:/a', '10.0.0.1:/a']);
  expect(mounts.all()[0]?.since.getTime()).toBeLessThanOrEqual(Date.now());
});

it('forgets one mount, and all of a client', () => {
  const mounts = new MountList();
  for (const address of ['10.0.0.1', '10.0.0.11']) {
    for (const directory of ['/a', '/b', '/c']) mounts.add(address, directory);
  }
  mounts.remove('10.0.0.1', '/b');
  mounts.remove('10.0.0.1', '/b');
  expect(shown(mounts)).toHaveLength(5);
  mounts.removeAll('10.0.0.1');
  expect(shown(mounts)).toEqual(['10.0.0.11:/a', '10.0.0.11:/b', '10.0.0.11:/c']);
});

it('does not grow without end', () => {
  const mounts = new MountList();
  for (let number = 0; number < 10_000; number++) mounts.add('10.0.0.1', `/${number}`);
  expect(mounts.all().length).toBeLessThanOrEqual(1000);
  expect(shown(mounts).at(-1)).toBe('10.0.0.1:/9999');
});
