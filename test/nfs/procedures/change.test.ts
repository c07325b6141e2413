/** wcc_data while other changes of the same file are under way. */
import { expect, it } from 'vitest';
import { Change, whenMade } from '../../../src/nfs/procedures/change.ts';
import type { Context } from '../../../src/nfs/procedures/procedure.ts';
import type { Inode } from '../../../src/nfs/vfs/vfs.ts';

/** Files whose size counts their changes. */
function someFiles() {
  const sizes = new Map<number, number>();
  const vfs = {
    begin: () => {},
    attributes: (fileid: number) => ({ fileid, size: sizes.get(fileid) ?? 0, mtime: {}, ctime: {} }),
  };
  const context = { vfs } as unknown as Context;
  const change = (fileid: number) => {
    const made = new Change(context, fileid as unknown as Inode);
    sizes.set(fileid, (sizes.get(fileid) ?? 0) + 1);
    return made;
  };
  return { change, context };
}

function sizes(change: Change): (number | undefined)[] {
  const { before, after } = change.data();
  return [before?.size, after?.size];
}

it('tells before and after', () => {
  const { change } = someFiles();
  expect(sizes(change(1))).toEqual([0, 1]);
  expect(sizes(change(1))).toEqual([1, 2]);
});

it('tells both also of a change that takes time', async () => {
  const { change, context } = someFiles();
  const slow = change(1);
  const other = change(2);
  const answer = whenMade(context, [slow], Promise.resolve('made'), (made) => [made, ...sizes(slow)]);
  expect(sizes(other)).toEqual([0, 1]);
  expect(await answer).toEqual(['made', 0, 1]);
  expect(sizes(change(1))).toEqual([1, 2]);
});

it('does not tell the attributes before, if another change came between', async () => {
  const { change, context } = someFiles();
  const slow = change(1);
  const answer = whenMade(context, [slow], Promise.resolve(), () => sizes(slow));
  expect(sizes(change(1))).toEqual([1, 2]);
  expect(await answer).toEqual([undefined, 2]);
});

it('nor if two take time', async () => {
  const { change, context } = someFiles();
  const answers = [1, 2].map(() => {
    const slow = change(1);
    return whenMade(context, [slow], Promise.resolve(), () => sizes(slow));
  });
  expect(await Promise.all(answers)).toEqual([
    [undefined, 2],
    [undefined, 2],
  ]);
  expect(sizes(change(1))).toEqual([2, 3]);
});

it('ends with a failure too', async () => {
  const { change, context } = someFiles();
  const slow = change(1);
  await expect(whenMade(context, [slow], Promise.reject(new Error('no')), () => 0)).rejects.toThrow('no');
  const following = change(1);
  expect(await whenMade(context, [following], Promise.resolve(), () => sizes(following))).toEqual([1, 2]);
});
