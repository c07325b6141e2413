/**
 * The process that has the sockets and reads the configuration, and never a packet. Workers, confined to the trees of
 * their time, answer requests; when the configuration or the place of a tree changes, another worker takes over.
 */
import fs from 'node:fs';
import type { Log } from '../system/log.ts';
import { notifier } from '../system/notify.ts';
import type { CommandLine } from './command-line.ts';
import { type Config, readConfig } from './config.ts';
import { listenAddresses, openSockets } from './listen.ts';
import { makePlan, type Plan } from './plan.ts';
import { Workers } from './workers.ts';

/** How often the configuration and the trees are looked at. */
const LOOK_MS = 1000;
/** How long transfers go on at the end. */
const DRAIN_MS = 2000;

/** Differs when the file was written or replaced. */
function stampOf(file: string): string {
  try {
    const { dev, ino, size, mtimeNs } = fs.statSync(file, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

class Supervisor {
  private readonly file: string;
  private readonly log: Log;
  private readonly workers: Workers;
  private config: Config;
  private plan: Plan | undefined;
  /** Of the configuration that was read, or that could not be. */
  private stamp: string;
  private lastStamp: string;
  private warnings: readonly string[] = [];

  /** @throws ConfigError */
  constructor(file: string, workers: Workers, log: Log) {
    this.file = file;
    this.log = log;
    this.workers = workers;
    this.stamp = this.lastStamp = stampOf(file);
    this.config = readConfig(file);
  }

  /** Starts a worker with the configuration and the trees as they are. @throws StartError */
  serve(): Promise<void> {
    return this.use(this.findTrees());
  }

  private findTrees(): Plan {
    const { plan, warnings } = makePlan(this.config);
    for (const warning of warnings) if (!this.warnings.includes(warning)) this.log('warning', warning);
    this.warnings = warnings;
    return plan;
  }

  private use(plan: Plan): Promise<void> {
    this.plan = plan;
    return this.workers.use(plan);
  }

  /** Reads the configuration again; one that is wrong changes nothing. */
  async reload(): Promise<void> {
    this.stamp = this.lastStamp = stampOf(this.file);
    try {
      this.config = readConfig(this.file);
      await this.serve();
      this.log('info', `${this.file}: read again, ${this.config.boards.length} boards`);
    } catch (error) {
      this.log('error', `${(error as Error).message}; serving as before`);
    }
  }

  /** Reloads what has changed. */
  async look(): Promise<void> {
    const stamp = stampOf(this.file);
    // A file that changes while we look may be half written.
    const isSettled = stamp === this.lastStamp;
    this.lastStamp = stamp;
    if (stamp !== this.stamp && isSettled) return this.reload();
    const plan = this.findTrees();
    if (JSON.stringify(plan) === JSON.stringify(this.plan)) return;
    try {
      await this.use(plan);
      this.log('info', 'trees have changed');
    } catch (error) {
      this.log('error', `${(error as Error).message}; serving as before`);
    }
  }
}

/** Calls `act` for each signal that ends us. */
function onEnd(act: (signal: string) => void): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => act(signal));
}

/**
 * Serves until a signal; a second one ends transfers at once.
 *
 * @throws StartError
 */
export async function supervise({ config, listen }: CommandLine, log: Log): Promise<void> {
  const signalled = new Promise<string>(onEnd);
  const notify = notifier(process.env.NOTIFY_SOCKET);
  const sockets = openSockets(listen, process.env);
  const workers = new Workers(sockets, log);
  const supervisor = new Supervisor(config, workers, log);
  process.on('SIGHUP', () => void supervisor.reload());
  await supervisor.serve();
  const addresses = listenAddresses(sockets);
  log('info', `serving on ${addresses}`);
  notify(`READY=1\nSTATUS=Serving on ${addresses}`);

  const looks = setInterval(() => void supervisor.look(), LOOK_MS);
  const signal = await signalled;
  onEnd(() => workers.kill());
  clearInterval(looks);
  notify('STOPPING=1');
  log('info', `ending: ${signal}`);
  await workers.end(DRAIN_MS);
}
