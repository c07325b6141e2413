/** What the workloads expect of a session: the handles of all files, every second file with an owner of its own. */
import { type Actor, runPhases } from './engine.ts';
import { Handle } from './handle.ts';
import { lookup, type Operation, setattr } from './operations.ts';
import type { ServerAddress } from './session.ts';
import { Session } from './session.ts';
import { FILES } from './tree.ts';

const keepHandle: Operation = {
  ...lookup,
  check(results, actor, session) {
    lookup.check(results, actor, session);
    const handle = new Handle();
    handle.set(actor.handle);
    session.files[actor.item] = handle;
    return false;
  },
};

const onEveryOther = (actor: Actor, { files }: Session) => {
  const handle = files[2 * actor.item];
  if (handle) actor.handle.set(handle);
};

export function openSession(server: ServerAddress): Session {
  const session = new Session(server);
  const phases = [
    { items: FILES, steps: [keepHandle] },
    { items: FILES / 2, steps: [setattr], start: onEveryOther },
  ];
  runPhases(session, { connections: 1, inFlight: 32 }, phases, 1, []);
  return session;
}
