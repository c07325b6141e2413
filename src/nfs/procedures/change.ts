/** RFC 1813 §2.6: wcc_data. With it a client knows whether a file changed by its own call alone. */
import type { Attributes } from '../vfs/attributes.ts';
import type { Inode } from '../vfs/vfs.ts';
import type { Value } from '../wire/xdr.ts';
import { postOpAttr, type wcc_data } from './attributes.ts';
import type { Context } from './procedure.ts';

/** Changes that take more than one turn of the event loop, by the fileid of what they change. */
const underWay = new Map<number, Set<Change>>();

/** A change of a file or directory that is about to be made. */
export class Change {
  readonly inode: Inode;
  private readonly context: Context;
  private readonly before: Attributes;
  /** RFC 1813 §2.6: what lies between before and after must be this change and nothing else. */
  private alone = true;

  /** Takes the attributes before it. */
  constructor(context: Context, inode: Inode) {
    this.context = context;
    this.inode = inode;
    // Nothing that another program did may look as if it were part of the change.
    context.vfs.begin();
    this.before = context.vfs.attributes(inode);
    for (const other of underWay.get(this.before.fileid) ?? []) other.alone = false;
  }

  /** The attributes after it are taken now. */
  data(): Value<typeof wcc_data> {
    return {
      before: this.alone ? this.before : undefined,
      after: postOpAttr(this.context.vfs, this.inode),
    };
  }

  begin(): void {
    const others = underWay.get(this.before.fileid);
    if (others === undefined) {
      underWay.set(this.before.fileid, new Set([this]));
      return;
    }
    this.alone = false;
    others.add(this);
  }

  end(): void {
    const others = underWay.get(this.before.fileid);
    others?.delete(this);
    if (others?.size === 0) underWay.delete(this.before.fileid);
  }
}

/** wcc_data of a change that perhaps did not come so far as to be one. */
export function wccData(change: Change | undefined): Value<typeof wcc_data> {
  return change === undefined ? { before: undefined, after: undefined } : change.data();
}

/** Answers when the changes are made: at once, or when the promise is settled. */
export function whenMade<T, R>(
  { vfs }: Context,
  changes: readonly Change[],
  made: T | Promise<T>,
  answer: (made: T) => R,
): R | Promise<R> {
  if (!(made instanceof Promise)) return answer(made);
  for (const change of changes) change.begin();
  const ended = made.finally(() => {
    for (const change of changes) change.end();
    vfs.begin();
  });
  return ended.then(answer);
}
