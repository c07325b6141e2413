import { expect, it } from 'vitest';
import { mountsIn } from '../../src/system/mounts.ts';

const TABLE = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
36 22 0:31 / /home/a rw - tmpfs none rw
37 36 0:32 / /home/a/a\\040disk rw - tmpfs none rw
38 22 0:33 / /home/ab rw - tmpfs none rw
`;

it('finds what is mounted in a directory', () => {
  expect(mountsIn('/home/a', TABLE)).toEqual(['/home/a', '/home/a/a disk']);
  expect(mountsIn('/home/a/a disk', TABLE)).toEqual(['/home/a/a disk']);
  expect(mountsIn('/home/b', TABLE)).toEqual([]);
  expect(mountsIn('/proc')).toContain('/proc');
});
