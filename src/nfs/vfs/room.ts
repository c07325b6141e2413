/** How much of a write needs no more new blocks on disk than there may be. */
import { check } from '../../system/file-error.ts';
import { seekData, seekHole } from '../../system/files.ts';

const ENXIO = -6;

/** Where data begin from a block on; -1 for nowhere. */
function dataFrom(fd: number, offset: number): number {
  const result = seekData(fd, offset);
  return result === ENXIO ? -1 : check(result);
}

/**
 * Overwriting data takes nothing, filling a hole and growing does.
 *
 * @param block bytes of a block
 * @param room bytes of new blocks
 * @returns bytes of the write, from its begin on
 */
export function fitting(fd: number, block: number, offset: number, length: number, room: number): number {
  const down = (at: number) => Math.floor(at / block) * block;
  const up = (at: number) => Math.ceil(at / block) * block;
  const end = up(offset + length);
  let left = Math.max(0, down(room));
  for (let at = down(offset); at < end; ) {
    const data = dataFrom(fd, at);
    if (data >= 0 && down(data) === at) {
      at = up(check(seekHole(fd, data)));
      continue;
    }
    const hole = (data < 0 ? end : Math.min(down(data), end)) - at;
    if (hole > left) return Math.max(0, at + left - offset);
    left -= hole;
    at += hole;
  }
  return length;
}
