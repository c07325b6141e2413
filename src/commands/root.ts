/** The caller's root file systems: what there is, copies by name, and the way back to them. */
import { usage } from '../shell/arguments.ts';
import type { CommandTable, Session } from '../shell/command.ts';
import { systemRefusal } from '../shell/errors.ts';
import { endWithParent } from '../shell/lock.ts';
import { makeDirectories } from '../shell/nfs-place.ts';
import { type OwnRoots, ownRoots } from '../shell/own-roots.ts';

interface Action {
  /** The words behind the name, a blank between them. */
  readonly words: RegExp;
  /** It takes long, and locks others out: it ends with the connection, and the next run removes what it has left. */
  readonly attached?: true;
  readonly load: () => Promise<{
    run(own: OwnRoots, words: readonly string[]): Promise<void> | void;
  }>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  list: {
    words: /^(--json)?$/,
    load: async () => await import('./root/list.ts'),
  },
  save: {
    words: /^\S+( @\d+)?$/,
    attached: true,
    load: async () => await import('./root/save.ts'),
  },
  restore: {
    words: /^\S+$/,
    attached: true,
    load: async () => await import('./root/restore.ts'),
  },
  remove: {
    words: /^\S+$/,
    load: async () => await import('./root/remove.ts'),
  },
  diff: {
    words: /^\S+( \S+)?$/,
    load: async () => await import('./root/diff.ts'),
  },
  reset: {
    words: /^$/,
    load: async () => await import('./root/reset.ts'),
  },
  download: {
    words: /^\S*$/,
    load: async () => await import('./root/download.ts'),
  },
};

export async function run(
  session: Session,
  [name = '', ...words]: readonly string[],
  table: CommandTable,
): Promise<void> {
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (!action?.words.test(words.join(' '))) throw usage('root', table);
  const own = ownRoots(session, 'root');
  const { run } = await action.load();
  makeDirectories(own.place);
  if (action.attached) endWithParent(session.parent);
  try {
    await run(own, words);
  } catch (error) {
    throw systemRefusal(`root ${name}`, error);
  }
}
