/**
 * The process that has the sockets and reads the configuration, and never a packet. Workers, confined to the trees of
 * their time, answer requests; when the configuration or the place of a tree changes, another worker takes over.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../system/log.ts';
import { notifier } from '../system/notify.ts';
import type { CommandLine } from './command-line.ts';
import { type Config, readConfig } from './config.ts';
import { configStamp, stampOf } from './config-files.ts';
import { listenAddresses, openSockets } from './listen.ts';
import { makePlan, type Plan } from './plan.ts';
import { ACCOUNTS, findReaders } from './readers.ts';
import { StatusFile } from './status-file.ts';
import { Workers } from './workers.ts';

/** How often the configuration and the trees are looked at. */
const LOOK_MS = 1000;
/** How long another change of the trees waits after one, doubled until there is calm: each takes a new worker. */
const CHANGE_MS = { first: LOOK_MS, longest: 10_000, calm: 30_000 };
/** How long transfers go on at the end. */
const DRAIN_MS = 2000;

class Supervisor {
  private readonly file: string;
  private readonly log: Log;
  private readonly workers: Workers;
  private config: Config;
  private plan: Plan | undefined;
  /** Of the configuration that was read, or that could not be. */
  private stamp: string;
  private lastStamp: string;
  private readers: ReadonlyMap<string, number> = new Map();
  private accountsStamp = '';
  private warnings: readonly string[] = [];
  /** Somebody wants the configuration to be read. */
  private isAsked = false;
  private isBusy = false;
  private changeMs = CHANGE_MS.first;
  private nextChangeAt = Number.NEGATIVE_INFINITY;

  /** @throws ConfigError */
  constructor(file: string, workers: Workers, log: Log) {
    this.file = file;
    this.log = log;
    this.workers = workers;
    this.stamp = this.lastStamp = configStamp(file);
    this.config = readConfig(file);
  }

  /** Starts a worker with the configuration and the trees as they are. @throws StartError */
  async serve(): Promise<void> {
    await this.lookUpReaders();
    await this.use(this.findTrees());
    const { length } = this.config.problems;
    if (length > 0)
      this.log(
        'error',
        `mistakes in the configuration: ${length}; what they concern is not served: see novaboot-tftpd --check`,
      );
  }

  /** Accounts may be asked for over a network that is down: no board waits long for that. */
  private async lookUpReaders(): Promise<void> {
    const { config } = this;
    this.accountsStamp = stampOf(ACCOUNTS);
    const found = findReaders(config).then((readers) => {
      if (config === this.config) this.readers = readers;
    });
    await Promise.race([found, sleep(LOOK_MS, undefined, { ref: false })]);
  }

  private findTrees(): Plan {
    const { plan, warnings } = makePlan(this.config, this.readers);
    for (const warning of warnings) if (!this.warnings.includes(warning)) this.log('warning', warning);
    this.warnings = warnings;
    return plan;
  }

  private async use(plan: Plan): Promise<void> {
    await this.workers.use(plan);
    this.plan = plan;
  }

  /** Reads the configuration again, soon. One that is wrong changes nothing. */
  reload(): void {
    this.isAsked = true;
    void this.look();
  }

  /** Does what was asked for, or what a change of files asks for. */
  async look(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      if (this.hasNewConfiguration()) await this.useConfiguration();
      else {
        if (stampOf(ACCOUNTS) !== this.accountsStamp) await this.lookUpReaders();
        await this.useTrees();
      }
    } catch (error) {
      this.log('error', `${(error as Error).message}; serving as before`);
    } finally {
      this.isBusy = false;
    }
  }

  private hasNewConfiguration(): boolean {
    const stamp = configStamp(this.file);
    // A file that changes while we look may be half written.
    const isSettled = stamp === this.lastStamp;
    this.lastStamp = stamp;
    if (!this.isAsked && (stamp === this.stamp || !isSettled)) return false;
    this.isAsked = false;
    this.stamp = stamp;
    return true;
  }

  private async useConfiguration(): Promise<void> {
    this.config = readConfig(this.file);
    await this.serve();
    this.log('info', `${this.file}: read again, ${this.config.boards.length} boards`);
  }

  private async useTrees(): Promise<void> {
    const plan = this.findTrees();
    if (JSON.stringify(plan) === JSON.stringify(this.plan)) return;
    const now = performance.now();
    if (now < this.nextChangeAt) return;
    const isCalm = now > this.nextChangeAt + CHANGE_MS.calm;
    this.changeMs = isCalm ? CHANGE_MS.first : Math.min(this.changeMs * 2, CHANGE_MS.longest);
    this.nextChangeAt = now + this.changeMs;
    await this.use(plan);
    this.log('info', 'trees or accounts have changed');
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
  const status = new StatusFile(process.env.RUNTIME_DIRECTORY?.split(':')[0], log);
  const workers = new Workers(sockets, log, (counts) => status.add(counts));
  const supervisor = new Supervisor(config, workers, log);
  process.on('SIGHUP', () => supervisor.reload());
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
