/** NFS servers side by side: speed, CPU and memory. Read this first. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { keepAwake } from './awake.ts';
import { type HandleFigures, measureOldHandles, measureStart, type StartFigures } from './lives.ts';
import { LoadProcess } from './load-process.ts';
import { type ForeignServer, HELP, type Options, parseOptions, UsageError } from './options.ts';
import { ganesha, ours, PROFILES, unfsd } from './programs.ts';
import { Report } from './report.ts';
import { runLibnfsRounds, runRounds, type WorkloadFigures } from './rounds.ts';
import { type Program, type RunningServer, startServer } from './server.ts';
import { FILES_PER_DIRECTORY, LARGE_SIZE, makeDeepTree, makeTree } from './tree.ts';
import { WORKLOADS } from './workloads.ts';

const CONNECTIONS = 500;

async function programsOf(options: Options, directory: string): Promise<Program[]> {
  const programs: Program[] = [];
  if (options.withOurs) {
    programs.push(
      ours(options.entry, options.nodeOptions, options.nfsdOptions, options.profile !== undefined),
    );
  }
  if (options.withGanesha) programs.push(await ganesha(path.join(directory, 'run')));
  if (options.unfsd !== undefined) programs.push(unfsd(path.resolve(options.unfsd)));
  return programs;
}

async function startWithTree(program: Program, directory: string): Promise<RunningServer> {
  const site = path.join(directory, program.name);
  const root = path.join(site, 'root');
  makeTree(path.join(root, 'bench'));
  return startServer(program, root, site, ['bench']);
}

/** Our files go into a directory of its export that is removed again. */
function join({ name, exportPath, ...rest }: ForeignServer): RunningServer {
  const directory = `novaboot-bench-${process.pid}`;
  const top = path.join(exportPath, directory);
  makeTree(top);
  const sync = 'not known';
  const program: Program = { name, kind: 'other', sync, sharesPort: false, command: () => [] };
  const address = { name, exportPath, directory: [directory], ...rest };
  return { program, address, stop: async () => fs.rmSync(top, { recursive: true }) };
}

/** What --json writes. */
interface Figures {
  readonly workloads: WorkloadFigures[];
  peaks?: Map<string, number>;
  connections?: Map<string, number>;
  libnfs?: unknown;
  starts?: Map<string, StartFigures>;
  handles?: Map<string, HandleFigures>;
}

function header(options: Options): string[] {
  const [cpu] = os.cpus();
  return [
    `${os.cpus().length} x ${cpu?.model.trim()}, Linux ${os.release()}, Node ${process.versions.node}`,
    `medians of ${options.rounds} interleaved rounds after one that does not count, ${options.scale} of the items; TCP on loopback`,
    `idle processors ${options.mayHalt ? 'halt' : 'are kept awake'}`,
    "the load generator calls as root (AUTH_SYS); CPU is the server's, all threads, in ms per 1,000 operations",
  ];
}

/** The largest VmHWM of each server in any run. */
function peaksOf(workloads: readonly WorkloadFigures[]): Map<string, number> {
  const peaks = new Map<string, number>();
  for (const { servers } of workloads) {
    for (const [name, { rounds }] of servers) {
      peaks.set(name, Math.max(peaks.get(name) ?? 0, ...rounds.map((run) => run.peakMemory)));
    }
  }
  return peaks;
}

async function benchmarkRunning(
  options: Options,
  directory: string,
  load: LoadProcess,
  servers: readonly RunningServer[],
  report: Report,
): Promise<Figures> {
  const figures: Figures = { workloads: [] };
  const has = (part: 'workloads' | 'calls' | 'connections' | 'libnfs') => options.parts.has(part);
  if (has('workloads') || has('calls') || has('connections')) {
    for (const { address } of servers) await load.do('open', address);
  }
  if (has('workloads') || has('calls')) {
    for (const workload of WORKLOADS.filter(({ name }) => options.workloads.includes(name))) {
      const one = await runRounds(load, servers, workload, {
        rounds: options.rounds,
        scale: options.scale,
        timed: has('workloads'),
        ...(has('calls') && { callsDirectory: directory }),
      });
      figures.workloads.push(one);
      report.workload(one);
    }
  }
  if (has('workloads')) {
    figures.peaks = peaksOf(figures.workloads);
    report.peaks('Peak memory under these', figures.peaks);
  }
  if (has('connections')) {
    figures.connections = new Map();
    for (const { address } of servers) {
      const peak = await load.do('holdConnections', { server: address.name, count: CONNECTIONS });
      figures.connections.set(address.name, peak);
    }
    report.peaks(`Peak memory with ${CONNECTIONS} connections`, figures.connections);
  }
  if (has('libnfs')) {
    const file = path.join(directory, 'large');
    fs.writeFileSync(file, Buffer.alloc(LARGE_SIZE, 'novaboot '));
    const libnfs = await runLibnfsRounds(servers, options.rounds, file);
    figures.libnfs = libnfs;
    report.libnfs(libnfs);
  }
  return figures;
}

async function benchmarkLives(
  options: Options,
  directory: string,
  load: LoadProcess,
  programs: readonly Program[],
  report: Report,
  figures: Figures,
): Promise<void> {
  if (options.parts.has('start')) {
    figures.starts = new Map();
    for (const program of programs) {
      const site = path.join(directory, program.name);
      figures.starts.set(program.name, await measureStart(program, path.join(site, 'root'), site));
    }
    report.starts(figures.starts);
  }
  if (options.parts.has('handles')) {
    figures.handles = new Map();
    const root = path.join(directory, 'deep');
    makeDeepTree(path.join(root, 'bench'), options.files);
    for (const program of programs) {
      const site = path.join(directory, program.name);
      figures.handles.set(
        program.name,
        await measureOldHandles(load, program, root, 'bench', options.files, site),
      );
    }
    report.handles(options.files, options.files / FILES_PER_DIRECTORY, figures.handles);
  }
}

function writeJson(file: string, figures: Figures): void {
  const replace = (_key: string, value: unknown) =>
    value instanceof Map ? Object.fromEntries(value) : value;
  fs.writeFileSync(file, `${JSON.stringify(figures, replace, 2)}\n`);
}

function keepProfiles(from: string, to: string): void {
  fs.cpSync(from, to, { recursive: true });
  console.log(`profiles: ${to}`);
}

/** Whether every server got through every workload. */
async function benchmark(options: Options): Promise<boolean> {
  const directory = fs.mkdtempSync(path.join(options.directory ?? os.tmpdir(), 'novaboot-bench-'));
  const servers: RunningServer[] = [];
  const load = new LoadProcess();
  const stopServers = () => Promise.all(servers.splice(0).map((server) => server.stop()));
  const letHalt = options.mayHalt ? () => {} : keepAwake();
  const cleanUp = async () => {
    letHalt();
    load.close();
    await stopServers();
    fs.rmSync(directory, { recursive: true, force: true });
  };
  // After a signal what runs here fails as well: nobody goes before the servers are gone.
  let left: Promise<void> | undefined;
  const leave = () => {
    left ??= cleanUp();
    return left;
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => void leave().finally(() => process.exit(1)));
  }
  try {
    const programs = await programsOf(options, directory);
    for (const program of programs) servers.push(await startWithTree(program, directory));
    for (const foreign of options.servers) servers.push(join(foreign));
    const running = [...servers];
    const report = new Report(running, console.log);
    report.header(header(options));
    const figures = await benchmarkRunning(options, directory, load, running, report);
    await stopServers();
    if (options.profile !== undefined)
      keepProfiles(path.join(directory, 'ours/root', PROFILES), options.profile);
    await benchmarkLives(options, directory, load, programs, report, figures);
    if (options.json !== undefined) writeJson(options.json, figures);
    return report.failures === 0;
  } finally {
    await leave();
  }
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(HELP);
  else process.exitCode = (await benchmark(options)) ? 0 : 1;
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 64;
}
