/** Runs a workload against one server: actors with one call under way each, over one or several connections. */
import { type Connection, NFS_PROGRAM, type OnReply } from './connection.ts';
import { Handle } from './handle.ts';
import type { Operation } from './operations.ts';
import { busySeconds, cpuNanoseconds, peakMemory, resetPeakMemory } from './process-figures.ts';
import type { Session } from './session.ts';
import { Poll } from './sockets.ts';
import type { Phase, Workload } from './workload.ts';

/** Works on one item at a time: a chain of calls. */
export class Actor {
  readonly handle = new Handle();
  /** READDIR's cookie and cookie verifier, two words each. */
  readonly cookie = new Uint32Array(4);
  item = 0;
  step = 0;
  sentAt = 0;
}

export interface RunFigures {
  readonly seconds: number;
  readonly calls: number;
  /** Calls or directory entries, whichever the workload counts. */
  readonly units: number;
  readonly bytes: number;
  /** Milliseconds from a call to its reply. */
  readonly p50: number;
  readonly p99: number;
  /** CPU time of the server and of the load generator, in seconds. */
  readonly serverCpu: number;
  readonly loadCpu: number;
  /** CPU time of everything else on the machine, in seconds: what disturbs the figures. */
  readonly otherCpu: number;
  /** VmHWM of the server in this run, in KiB. */
  readonly peakMemory: number;
}

/** What a server does after its last reply counts as well: it is waited for that long, in milliseconds. */
const SETTLE = 20;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

const MAX_ACTORS = 256;
let calls = 0;

/** Names the actor, and is not used again soon: servers remember what they answered to which xid. */
function nextXid(actor: number): number {
  calls = (calls + 1) % (2 ** 32 / MAX_ACTORS);
  return calls * MAX_ACTORS + actor;
}

class PhaseRun {
  readonly #session: Session;
  readonly #steps: readonly Operation[];
  readonly #start: Phase['start'];
  readonly #items: number;
  readonly #latencies: number[];
  readonly #actors: Actor[] = [];
  readonly #connections: Connection[];
  #nextItem = 0;
  #working = 0;
  #now = 0;

  constructor(
    session: Session,
    phase: Phase,
    items: number,
    workload: Pick<Workload, 'connections' | 'inFlight'>,
    latencies: number[],
  ) {
    this.#session = session;
    this.#steps = phase.steps;
    this.#start = phase.start;
    this.#items = items;
    this.#latencies = latencies;
    const actors = Math.min(phase.inFlight ?? workload.inFlight, items);
    for (let index = 0; index < actors; index++) this.#actors.push(new Actor());
    const connections = Math.min(workload.connections, actors);
    this.#connections = Array.from({ length: connections }, (_, index) => session.connection(index));
  }

  run(): void {
    this.#now = performance.now();
    for (const index of this.#actors.keys()) {
      this.#working++;
      this.#nextCall(index, this.#connections[index % this.#connections.length] as Connection, true);
    }
    for (const connection of this.#connections) connection.flush();
    if (this.#connections.length === 1) this.#runOne(this.#connections[0] as Connection);
    else this.#runSeveral();
  }

  #runOne(connection: Connection): void {
    const onReply = this.#replyHandler(connection);
    while (this.#working > 0) this.#turn(connection, onReply);
  }

  #runSeveral(): void {
    const poll = new Poll(this.#connections.map(({ fd }) => fd));
    const handlers = this.#connections.map((connection) => this.#replyHandler(connection));
    while (this.#working > 0) {
      poll.wait();
      for (let index = 0; index < handlers.length; index++) {
        if (poll.isReady(index))
          this.#turn(this.#connections[index] as Connection, handlers[index] as OnReply);
      }
    }
  }

  /** Everything that has come is read, then everything that follows from it is sent in one go. */
  #turn(connection: Connection, onReply: OnReply): void {
    connection.read(onReply);
    connection.flush();
  }

  #replyHandler(connection: Connection): OnReply {
    return (xid, results) => {
      const index = xid % MAX_ACTORS;
      const actor = this.#actors[index];
      if (actor === undefined) throw new Error(`a reply to no call: xid ${xid}`);
      this.#now = performance.now();
      this.#latencies.push(this.#now - actor.sentAt);
      const isAgain = (this.#steps[actor.step] as Operation).check(results, actor, this.#session);
      if (!isAgain) actor.step++;
      this.#nextCall(index, connection, actor.step === this.#steps.length);
    };
  }

  #nextCall(index: number, connection: Connection, isNewItem: boolean): void {
    const actor = this.#actors[index] as Actor;
    if (isNewItem) {
      if (this.#nextItem === this.#items) {
        this.#working--;
        return;
      }
      actor.item = this.#nextItem++;
      actor.step = 0;
      this.#start?.(actor, this.#session);
    }
    const step = this.#steps[actor.step] as Operation;
    connection.begin(nextXid(index), NFS_PROGRAM, step.procedure);
    step.write(connection.arguments, actor, this.#session);
    actor.sentAt = this.#now;
    if (step.tail === undefined) connection.end();
    else connection.endWith(this.#session.dataAddress, step.tail);
  }
}

export function runPhases(
  session: Session,
  workload: Pick<Workload, 'connections' | 'inFlight'>,
  phases: readonly Phase[],
  scale: number,
  latencies: number[],
): void {
  for (const phase of phases) {
    new PhaseRun(session, phase, Math.max(1, Math.round(phase.items * scale)), workload, latencies).run();
  }
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** `scale`: the share of the items that is done, 1 for all. */
export function prepareRun(session: Session, workload: Workload, scale: number): void {
  if (workload.needsWorkDirectory) session.newWorkDirectory();
  runPhases(session, workload, workload.prepare ?? [], scale, []);
}

/** Throws at the first reply that is not as it should be. */
export function runWorkload(session: Session, workload: Workload, scale: number): RunFigures {
  const { pid } = session.server;
  const phases = (!session.hasReaddirplus && workload.fallback) || workload.phases;
  resetPeakMemory(pid);
  session.entries = 0;
  session.bytes = 0;
  const latencies: number[] = [];
  const serverBefore = cpuNanoseconds(pid);
  const loadBefore = process.cpuUsage();
  const busyBefore = busySeconds();
  const start = performance.now();
  runPhases(session, workload, phases, scale, latencies);
  const seconds = (performance.now() - start) / 1000;
  const load = process.cpuUsage(loadBefore);
  const loadCpu = (load.user + load.system) / 1e6;
  Atomics.wait(sleeper, 0, 0, SETTLE);
  const serverCpu = (cpuNanoseconds(pid) - serverBefore) / 1e9;
  const sorted = Float64Array.from(latencies).sort();
  return {
    seconds,
    calls: latencies.length,
    units: workload.unit === 'entries' ? session.entries : latencies.length,
    bytes: session.bytes,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    serverCpu,
    loadCpu,
    otherCpu: Math.max(0, busySeconds() - busyBefore - serverCpu - loadCpu),
    peakMemory: peakMemory(pid),
  };
}
