/** bin/novaboot-tftpd.ts, run from source with any configuration. It has no right to more than what we own. */
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawnTestChild } from './test-child.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/novaboot-tftpd.ts');
const WAIT_MS = 45_000;
const NO_CAPABILITIES = ['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all'];

export interface TftpDaemonOptions {
  /** The configuration below `directory=`. */
  readonly config: string;
  /** Files beneath the directory, made before it starts. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
  /** Default: 127.0.0.1:0 */
  readonly listen?: readonly string[];
  /** What comes before the command, as nsenter(1) with its options. */
  readonly before?: readonly string[];
  /** Options of Node's. */
  readonly node?: readonly string[];
}

export interface TftpDaemon {
  /** Of the first address. */
  readonly port: number;
  /** Where the trees are; removed by stop(). */
  readonly directory: string;
  readonly configFile: string;
  /** Of the supervisor. */
  readonly pid: number;
  /** All that was written to stderr. */
  log(): string;
  /** Waits until the log has a line like this behind those that were waited for. */
  logged(line: RegExp): Promise<RegExpExecArray>;
  configure(config: string): void;
  write(name: string, content: string | Buffer): void;
  signal(signal: NodeJS.Signals): void;
  /** The exit status, when it has ended. */
  ended(): Promise<number | null>;
  /** SIGTERM. @returns the exit status */
  stop(): Promise<number | null>;
}

/** @throws Error with the server's own words, if it ends before it is ready */
export async function startTftpDaemon(options: TftpDaemonOptions): Promise<TftpDaemon> {
  const { config, files = {}, listen = ['127.0.0.1:0'], before = [], node = [] } = options;
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'tftp-daemon-')));
  const directory = path.join(base, 'srv');
  const configFile = path.join(base, 'tftpd.conf');
  const configure = (text: string) => {
    fs.writeFileSync(`${configFile}.new`, `directory=${directory}\n${text}`);
    fs.renameSync(`${configFile}.new`, configFile);
  };
  const write = (name: string, content: string | Buffer) => {
    const file = path.join(directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  };
  fs.mkdirSync(directory);
  for (const [name, content] of Object.entries(files)) write(name, content);
  configure(config);
  const argv = [
    ...[...before, process.execPath, ...node, PROGRAM, '--config', configFile],
    ...listen.flatMap((each) => ['--listen', each]),
  ];
  const child = spawnTestChild(argv, process.getuid?.() === 0 && before.length === 0 ? NO_CAPABILITIES : []);
  const ended = once(child, 'close');
  let log = '';
  let seen = 0;
  let look = (_end?: string) => {};
  child.stderr.on('data', (text: string) => {
    log += text;
    look();
  });
  void ended.then(([code, signal]) => look(`the end (${code ?? signal})`));

  const logged = (line: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const timer = setTimeout(() => look('nothing'), WAIT_MS);
      look = (end) => {
        const match = line.exec(log.slice(seen));
        if (!match && end === undefined) return;
        clearTimeout(timer);
        look = () => {};
        if (!match) return reject(new Error(`${end} instead of ${line}: ${log}`));
        seen += match.index + match[0].length;
        resolve(match);
      };
      look();
    });
  const stop = async () => {
    child.kill('SIGTERM');
    const [code] = await ended;
    fs.rmSync(base, { recursive: true, force: true });
    return code;
  };
  const [, port] = await logged(/^<6>serving on \S+:(\d+)/m).catch(async (error: Error) => {
    await stop();
    throw error;
  });
  return {
    ...{ port: Number(port), pid: child.pid ?? 0 },
    ...{ directory, configFile, configure, write, logged, stop },
    log: () => log,
    signal: (signal) => child.kill(signal),
    async ended() {
      const [code] = await ended;
      return code;
    },
  };
}
