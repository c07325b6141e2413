/** Two network namespaces with a cable between them: a server's, and one with the addresses of several boards. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { spawnTestChild } from './test-child.ts';

export interface Network {
  /** What comes before a command of the server. */
  readonly server: readonly string[];
  /** What comes before a command of a board. */
  readonly boards: readonly string[];
  stop(): Promise<void>;
}

export interface NetworkOptions {
  /** With the length of their prefix. */
  readonly server: readonly string[];
  readonly boards: readonly string[];
  /** Hardware address of the boards' end. */
  readonly mac: string;
}

/** A process that keeps namespaces until its standard input ends. */
async function keep(argv: readonly string[]) {
  const child = spawnTestChild([...argv, 'sh', '-c', 'echo ready; exec cat']);
  const ended = once(child, 'close').then(() => {
    throw new Error(`${argv.join(' ')} failed: network namespaces of users must be allowed here`);
  });
  await Promise.race([once(child.stdout, 'data'), ended]);
  ended.catch(() => {});
  return child;
}

function run(argv: readonly string[]): void {
  const [file = '', ...args] = argv;
  execFileSync(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

const enter = (pid: number | undefined) => [
  ...['nsenter', `--target=${pid}`, '--user', '--net', '--preserve-credentials', '--'],
];

export async function makeNetwork({ server, boards, mac }: NetworkOptions): Promise<Network> {
  const lab = await keep(['unshare', '--user', '--map-root-user', '--net']);
  const inLab = enter(lab.pid);
  const far = await keep([...inLab, 'unshare', '--net']);
  const atBoards = enter(far.pid);
  const peer = ['peer', 'name', 'boards', 'address', mac];
  run([...inLab, 'ip', 'link', 'add', 'server', 'type', 'veth', ...peer]);
  run([...inLab, 'ip', 'link', 'set', 'boards', 'netns', String(far.pid)]);
  for (const [before, name, addresses] of [
    [inLab, 'server', server],
    [atBoards, 'boards', boards],
  ] as const) {
    for (const address of addresses) {
      // IPv6 addresses would be checked for duplicates for a second.
      const options = address.includes(':') ? ['nodad'] : [];
      run([...before, 'ip', 'address', 'add', address, 'dev', name, ...options]);
    }
    for (const each of ['lo', name]) run([...before, 'ip', 'link', 'set', each, 'up']);
  }
  return {
    server: inLab,
    boards: atBoards,
    async stop() {
      for (const child of [far, lab]) {
        const closed = once(child, 'close');
        child.stdin.end();
        await closed;
      }
    },
  };
}
