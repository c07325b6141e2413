/** The command line of the benchmark. */
import { parseArgs } from 'node:util';
import { WORKLOADS } from './workloads.ts';

/** A server that runs already. Its export's directory is on this machine, and so is its process. */
export interface ForeignServer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly mountPort: number;
  readonly exportPath: string;
  readonly pid: number;
}

export interface Options {
  readonly rounds: number;
  readonly scale: number;
  readonly workloads: readonly string[];
  readonly parts: ReadonlySet<Part>;
  readonly directory: string | undefined;
  readonly withOurs: boolean;
  readonly withGanesha: boolean;
  readonly unfsd: string | undefined;
  readonly servers: readonly ForeignServer[];
  /** Our server's program: a bundle, or the source. */
  readonly entry: string | undefined;
  readonly nodeOptions: readonly string[];
  /** Directory for CPU profiles of our server. */
  readonly profile: string | undefined;
  readonly nfsdOptions: readonly string[];
  /** Files in the tree of the restart test. */
  readonly files: number;
  readonly json: string | undefined;
  /** Processors may halt when nobody needs them. */
  readonly mayHalt: boolean;
}

export type Part = (typeof PARTS)[number];
const PARTS = ['workloads', 'calls', 'connections', 'libnfs', 'start', 'handles'] as const;

export const HELP = `Usage: npm run bench nfs -- [OPTION]...
Compares NFS servers side by side: ours, NFS-Ganesha, and others that are named.

  --rounds N          interleaved rounds of which the median is taken (default 5)
  --scale SHARE       share of each workload's items (default 1)
  --quick             one round of a tenth
  --only NAME,...     workloads, of: ${WORKLOADS.map(({ name }) => name).join(' ')}
  --parts PART,...    of: ${PARTS.join(' ')} (default: all)
  --files N           files in the tree of the part "handles" (default 100000)
  --directory DIR     where the trees are made (default: the temporary directory)
  --no-ours           without our server
  --no-ganesha        without NFS-Ganesha (which must be started by root)
  --unfsd FILE        with unfsd
  --server NAME=ADDRESS:PORT:EXPORT:PID[:MOUNT_PORT]
                      with a server that runs already, on this machine (repeatable)
  --entry FILE        our server's program (default: dist/novaboot-nfsd.js, else bin/novaboot-nfsd.ts)
  --node-option OPT   for our server's Node (repeatable)
  --profile DIR       CPU profiles of our server, for one workload (--only) and the part "workloads"
  --nfsd-option OPT   for our server, such as --sync=yes (repeatable)
  --halt              let idle processors halt: in a virtual machine one call at a time then costs far more
  --json FILE         all figures, of each round
`;

export class UsageError extends Error {}

function list<Name extends string>(text: string | undefined, known: readonly Name[]): Name[] {
  if (text === undefined) return [...known];
  return text.split(',').map((word) => {
    const name = known.find((candidate) => candidate === word);
    if (name === undefined) throw new UsageError(`${word}: known are ${known.join(' ')}`);
    return name;
  });
}

function positive(text: string, what: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new UsageError(`${what}: a positive number is expected`);
  return number;
}

function foreignServer(text: string): ForeignServer {
  const match = /^([^=]+)=([\d.]+):(\d+):(\/[^:]*):(\d+)(?::(\d+))?$/.exec(text);
  if (match === null) throw new UsageError('--server: NAME=ADDRESS:PORT:EXPORT:PID[:MOUNT_PORT] is expected');
  const [, name = '', address = '', port, exportPath = '', pid, mountPort = port] = match;
  return { name, address, port: Number(port), mountPort: Number(mountPort), exportPath, pid: Number(pid) };
}

function readArguments(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        help: { type: 'boolean' },
        rounds: { type: 'string' },
        scale: { type: 'string' },
        quick: { type: 'boolean' },
        only: { type: 'string' },
        parts: { type: 'string' },
        files: { type: 'string', default: '100000' },
        directory: { type: 'string' },
        'no-ours': { type: 'boolean', default: false },
        'no-ganesha': { type: 'boolean', default: false },
        unfsd: { type: 'string' },
        server: { type: 'string', multiple: true, default: [] },
        'node-option': { type: 'string', multiple: true, default: [] },
        'nfsd-option': { type: 'string', multiple: true, default: [] },
        entry: { type: 'string' },
        profile: { type: 'string' },
        json: { type: 'string' },
        halt: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Undefined if help was asked for. Throws UsageError. */
export function parseOptions(args: string[]): Options | undefined {
  const values = readArguments(args);
  if (values.help) return undefined;
  return {
    rounds: positive(values.rounds ?? (values.quick ? '1' : '5'), '--rounds'),
    scale: positive(values.scale ?? (values.quick ? '0.1' : '1'), '--scale'),
    workloads: list(
      values.only,
      WORKLOADS.map(({ name }) => name),
    ),
    parts: new Set(list(values.parts, PARTS)),
    directory: values.directory,
    withOurs: !values['no-ours'],
    withGanesha: !values['no-ganesha'],
    unfsd: values.unfsd,
    servers: values.server.map(foreignServer),
    nodeOptions: values['node-option'],
    entry: values.entry,
    profile: values.profile,
    nfsdOptions: values['nfsd-option'],
    files: positive(values.files, '--files'),
    json: values.json,
    mayHalt: values.halt,
  };
}
