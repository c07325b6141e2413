/**
 * bin/novaboot-nfsd.ts, run from source on a directory of its own, for tests that talk to it. It has the rights of a
 * board account: run by root, it keeps root's uid, so that it owns what the test writes, but no capability.
 */
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawnTestChild } from './test-child.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/novaboot-nfsd.ts');
const READY = /^novaboot-nfsd: serving .* on port (\d+)$/m;
const START_MS = 45_000;
const NO_CAPABILITIES = ['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all'];

export interface NfsServerOptions {
  /** The exported directory; default: `root` in `base`. Made if it does not exist. */
  readonly export?: string;
  /** The directory in which file handles are resolved; default: a temporary one, removed by stop(). */
  readonly base?: string;
  /** Default: any free one, which restart() keeps. */
  readonly port?: number;
  /** Default: 127.0.0.1 */
  readonly allow?: string;
  readonly ownership?: 'xattr' | 'plain';
  /** Further options of novaboot-nfsd. */
  readonly args?: readonly string[];
}

export interface NfsServer {
  readonly port: number;
  readonly pid: number;
  readonly exportPath: string;
  readonly base: string;
  /** All that the servers of this port wrote to stderr. */
  log(): string;
  /** Ends the server as a service manager does, and returns its exit status; the temporary directory goes too. */
  stop(): Promise<number | null>;
  /** kill -9; returns once the process is gone. */
  kill(): Promise<void>;
  /** kill -9 if it runs, then a new process on the same port; returns once it answers. */
  restart(): Promise<void>;
}

/** @throws Error with the server's own words, if it ends before it is ready */
export async function startNfsServer(options: NfsServerOptions = {}): Promise<NfsServer> {
  const given = options.base ?? (options.export === undefined ? undefined : path.dirname(options.export));
  const base = given ?? fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'nfs-server-')));
  const exportPath = options.export ?? path.join(base, 'root');
  fs.mkdirSync(exportPath, { recursive: true });
  let port = options.port ?? 0;
  let log = '';
  let child: ReturnType<typeof spawnTestChild> | undefined;

  async function start(): Promise<void> {
    const argv = [
      ...[process.execPath, PROGRAM, '--foreground', '--base', base, '--port', String(port)],
      ...['--allow', options.allow ?? '127.0.0.1', '--ownership', options.ownership ?? 'xattr'],
      ...[...(options.args ?? []), exportPath],
    ];
    const started = spawnTestChild(argv, process.getuid?.() === 0 ? NO_CAPABILITIES : []);
    child = started;
    let output = '';
    started.stderr.on('data', (text: string) => {
      log += text;
    });
    port = await new Promise((resolve, reject) => {
      const fail = (why: string) => {
        clearTimeout(timer);
        started.kill('SIGKILL');
        reject(new Error(`novaboot-nfsd ${why}: ${output}${log}`));
      };
      const timer = setTimeout(() => fail(`was not ready after ${START_MS} ms`), START_MS);
      started.once('error', (error) => fail(error.message));
      started.once('close', (code, signal) => fail(`ended (${code ?? signal})`));
      started.stdout.on('data', (text: string) => {
        output += text;
        const match = READY.exec(output);
        if (!match) return;
        clearTimeout(timer);
        resolve(Number(match[1]));
      });
    });
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const closed = once(child, 'close');
    child.kill(signal);
    await closed;
    return child.exitCode;
  }

  const removeBase = () => {
    if (given === undefined) fs.rmSync(base, { recursive: true, force: true });
  };

  try {
    await start();
  } catch (error) {
    removeBase();
    throw error;
  }
  return {
    get port() {
      return port;
    },
    get pid() {
      return child?.pid ?? 0;
    },
    exportPath,
    base,
    log: () => log,
    async stop() {
      const status = await end('SIGTERM');
      removeBase();
      return status;
    },
    async kill() {
      await end('SIGKILL');
    },
    async restart() {
      await end('SIGKILL');
      await start();
    },
  };
}
