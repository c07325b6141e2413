/** The load generator: a process of its own, told by messages what to run against which server. */
import { holdConnections } from './connections.ts';
import { prepareRun, runWorkload } from './engine.ts';
import { firstUse, rememberHandles } from './old-handles.ts';
import { openSession } from './prepare.ts';
import type { ServerAddress, Session } from './session.ts';
import type { Workload } from './workload.ts';
import { WORKLOADS } from './workloads.ts';

interface Run {
  readonly server: string;
  readonly workload: string;
  readonly scale: number;
}

/** Each names a server that `open` told of, but for those that carry one. */
const tasks = {
  open(server: ServerAddress) {
    sessions.set(server.name, openSession(server));
  },
  prepare: ({ server, workload, scale }: Run) => prepareRun(sessionOf(server), workloadOf(workload), scale),
  run: ({ server, workload, scale }: Run) => runWorkload(sessionOf(server), workloadOf(workload), scale),
  holdConnections: ({ server, count }: { server: string; count: number }) =>
    holdConnections(sessionOf(server), count),
  rememberHandles,
  firstUse,
  close(server: string) {
    sessionOf(server).close();
    sessions.delete(server);
  },
};

export type Tasks = typeof tasks;

const sessions = new Map<string, Session>();

function sessionOf(server: string): Session {
  const session = sessions.get(server);
  if (session === undefined) throw new Error(`no session with ${server}`);
  return session;
}

function workloadOf(name: string): Workload {
  const workload = WORKLOADS.find((candidate) => candidate.name === name);
  if (workload === undefined) throw new Error(`no workload ${name}`);
  return workload;
}

process.on('message', ({ task, argument }: { task: keyof Tasks; argument: never }) => {
  try {
    process.send?.({ value: tasks[task](argument) });
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.stack : String(error) });
  }
});
