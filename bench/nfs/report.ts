/** Prints the figures: medians over the rounds, ratios to each peer, and which targets are met. */
import type { RunFigures } from './engine.ts';
import { LIBNFS_RUNS, type LibnfsFigures } from './libnfs.ts';
import type { HandleFigures, StartFigures } from './lives.ts';
import type { ServerFigures, WorkloadFigures } from './rounds.ts';
import type { RunningServer } from './server.ts';
import type { Target } from './workload.ts';

/** Targets that are not of one workload. Memory in MiB, times in milliseconds. */
export const LIMITS = { peakMemory: 100, idleMemory: 20, firstAnswer: 150, oldHandle: 500 };

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const rateOf = ({ units, seconds }: RunFigures) => units / seconds;
/** Milliseconds of CPU per 1,000 operations, which is microseconds per operation. */
const cpuOf = ({ serverCpu, units }: RunFigures) => (serverCpu / units) * 1e6;
const METRICS = { rate: rateOf, cpu: cpuOf };

/** The median of the ratios round by round. */
export function ratio(ours: ServerFigures, peer: ServerFigures, metric: Target['metric']): number {
  const value = METRICS[metric];
  return median(
    ours.rounds.map((run, round) => value(run) / value(peer.rounds[round] ?? ({} as RunFigures))),
  );
}

function number(value: number, digits = 0): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function isWithin(target: Target, value: number, bound: number): boolean {
  return target.metric === 'rate' ? value >= bound : value <= bound;
}

function judge(target: Target, value: number): string {
  const sign = target.metric === 'rate' ? '>=' : '<=';
  const verdict = isWithin(target, value, target.ratio) ? 'met' : 'NOT MET';
  if (target.goal === undefined) return `${sign} ${target.ratio} ${verdict}`;
  const goal = isWithin(target, value, target.goal) ? 'met' : 'not met';
  return `${sign} ${target.ratio} ${verdict}, goal ${target.goal} ${goal}`;
}

function mebibytes(kibibytes: number): string {
  return number(kibibytes / 1024, 1);
}

function figureLine(name: string, { rounds }: ServerFigures): string {
  const of = (value: (run: RunFigures) => number) => median(rounds.map(value));
  const bytes = of((run) => run.bytes);
  const rate = `${number(of(rateOf)).padStart(10)}/s`;
  const volume = bytes > 0 ? `${number(of((run) => run.bytes / run.seconds / 1e6))} MB/s` : '';
  const latency = `p50 ${number(
    of((run) => run.p50),
    3,
  )} p99 ${number(
    of((run) => run.p99),
    3,
  )} ms`;
  const cpu = `CPU ${number(of(cpuOf), 2).padStart(8)} ms/1000`;
  const memory = `peak ${mebibytes(of((run) => run.peakMemory))} MiB`;
  const percent = (value: (run: RunFigures) => number) =>
    number(of((run) => (value(run) / run.seconds) * 100));
  const load = `client ${percent((run) => run.loadCpu)} %, others ${percent((run) => run.otherCpu)} %`;
  return `  ${name.padEnd(9)}${rate}${volume.padStart(12)}   ${latency.padEnd(26)}   ${cpu}   ${memory.padEnd(15)}   ${load}`;
}

/** Always told: they show when a server's changes reach the disk. */
const SYNC_CALLS = ['fsync', 'fdatasync', 'syncfs', 'sync', 'sync_file_range'];

function systemCallLine(name: string, { counts, units }: NonNullable<ServerFigures['systemCalls']>): string {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const most = [...counts].toSorted(([, a], [, b]) => b - a);
  const told = most.filter(([call], index) => index < 6 || SYNC_CALLS.includes(call));
  const names = told.map(([call, count]) => `${call} ${(count / units).toFixed(2)}`).join(', ');
  return `  ${name.padEnd(9)}${(total / units).toFixed(2).padStart(10)} system calls per operation: ${names}`;
}

export class Report {
  readonly #servers: readonly RunningServer[];
  readonly #print: (line: string) => void;
  #failures = 0;

  constructor(servers: readonly RunningServer[], print: (line: string) => void) {
    this.#servers = servers;
    this.#print = print;
  }

  /** Workloads that a server did not get through. */
  get failures(): number {
    return this.#failures;
  }

  header(lines: readonly string[]): void {
    for (const line of lines) this.#print(line);
    for (const { program, address } of this.#servers) {
      this.#print(`${program.name.padEnd(9)} port ${address.port}, sync: ${program.sync}`);
    }
  }

  workload({ workload, servers }: WorkloadFigures): void {
    this.#print(`\n${workload.title}  [${workload.name}]`);
    for (const [name, figures] of servers) {
      if (figures.error !== undefined) {
        this.#failures++;
        this.#print(`  ${name.padEnd(9)}FAILED: ${figures.error}`);
      } else if (figures.rounds.length > 0) this.#print(figureLine(name, figures));
    }
    for (const [name, { systemCalls }] of servers) {
      if (systemCalls !== undefined) this.#print(systemCallLine(name, systemCalls));
    }
    this.#ratios({ workload, servers });
  }

  #ratios({ workload, servers }: WorkloadFigures): void {
    const ours = this.#servers.find(({ program }) => program.kind === 'ours');
    const figures = servers.get(ours?.address.name ?? '');
    if (figures === undefined || figures.rounds.length === 0) return;
    for (const { program, address } of this.#servers) {
      const peer = servers.get(address.name);
      if (program.kind === 'ours' || peer === undefined || peer.rounds.length === 0) continue;
      const parts = (['rate', 'cpu'] as const).map((metric) => {
        const value = ratio(figures, peer, metric);
        const targets = workload.targets.filter(
          (target) => target.metric === metric && (target.peer === 'every' || target.peer === program.kind),
        );
        const judged = targets.map((target) => `(${judge(target, value)})`).join(' ');
        return `${metric === 'rate' ? 'rate' : 'CPU'} ${value.toFixed(2)} x ${judged}`.trim();
      });
      this.#print(`  ours / ${program.name}: ${parts.join('   ')}`);
    }
  }

  #limit(label: string, name: string, value: number, limit: number, unit: string): void {
    const verdict = name === 'ours' ? `  (<= ${limit} ${value <= limit ? 'met' : 'NOT MET'})` : '';
    this.#print(`  ${name.padEnd(9)}${label} ${number(value, 1)} ${unit}${verdict}`);
  }

  peaks(title: string, peaks: ReadonlyMap<string, number>): void {
    this.#print(`\n${title}`);
    for (const [name, peak] of peaks) this.#limit('VmHWM', name, peak / 1024, LIMITS.peakMemory, 'MiB');
  }

  libnfs(figures: Map<string, Map<string, LibnfsFigures[]>>): void {
    for (const { name, title, unit, amount } of LIBNFS_RUNS) {
      this.#print(`\nlibnfs: ${title}`);
      for (const [server, rounds] of figures.get(name) ?? []) {
        const rate = median(rounds.map((run) => run.rate));
        const cpu = median(rounds.map((run) => (run.serverCpu / amount) * 1e6));
        const per = unit === 'MB' ? 'µs/MB' : 'ms/1000 entries';
        this.#print(
          `  ${server.padEnd(9)}${number(rate).padStart(10)} ${unit}/s   CPU ${number(cpu, 1)} ${per}`,
        );
      }
    }
  }

  starts(figures: ReadonlyMap<string, StartFigures>): void {
    this.#print('\nStart to first answer (median), and memory when idle');
    for (const [name, { firstAnswer, ownMemory }] of figures) {
      this.#limit('first answer', name, median(firstAnswer), LIMITS.firstAnswer, 'ms');
      this.#limit('own memory', name, ownMemory / 1000, LIMITS.idleMemory, 'MB');
    }
  }

  handles(files: number, directories: number, figures: ReadonlyMap<string, HandleFigures>): void {
    this.#print(
      `\nOld handles after a restart, ${number(files)} files in ${number(directories)} directories`,
    );
    for (const [name, { first, later }] of figures) {
      this.#limit('first use, slowest', name, Math.max(...first), LIMITS.oldHandle, 'ms');
      const later99 = later.toSorted((a, b) => a - b)[Math.floor(later.length * 0.99)] ?? Number.NaN;
      this.#print(
        `  ${name.padEnd(9)}later ones p50 ${median(later).toFixed(3)} p99 ${later99.toFixed(3)} slowest ${Math.max(...later).toFixed(3)} ms`,
      );
    }
  }
}
