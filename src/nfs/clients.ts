/** Who may connect. Asked for every connection and every datagram. */
import { lookup } from 'node:dns/promises';
import { addressNumber, contains, type HostName, type Network, parseClient } from '../system/client-list.ts';
import type { Log } from '../system/log.ts';

const FIRST_UNPRIVILEGED_PORT = 1024;
/** Answers that are remembered, and refused addresses that were logged. */
const MAX_ADDRESSES = 1024;
const REFRESH_MS = 5 * 60_000;
/** An unknown address may be a host's new one; it is looked up again at most that often. */
const KNOCK_MS = 30_000;
/** Per address, and lines of all addresses together. */
const LOG_AGAIN_MS = 10 * 60_000;
const LOG_LINES_PER_MINUTE = 20;

/** All addresses of a host. */
export type Lookup = (name: string) => Promise<readonly string[]>;

export interface ClientsOptions {
  /** Of a form that parseClient() knows; others match nobody. */
  readonly allow: readonly string[];
  /** Refuses clients whose port is not privileged. */
  readonly secure: boolean;
  readonly log: Log;
  /** Called for every connection and every datagram that is refused. */
  readonly refused?: (address: string, why: string) => void;
  /** Default: getaddrinfo(3) in a thread. */
  readonly lookup?: Lookup;
  /** Milliseconds, never going back. */
  readonly now?: () => number;
}

export interface Clients {
  /** Every host name has been looked up once, with or without success. */
  readonly ready: Promise<void>;
  admits(address: string, port: number): boolean;
  /** Ends the regular look-ups. */
  close(): void;
}

async function lookUpHost(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

/** At most so many lines a minute, and one per address in ten. */
function refusalLog(log: Log, now: () => number): (address: string, why: string) => void {
  const logged = new Map<string, number>();
  let minute = Number.NEGATIVE_INFINITY;
  let lines = 0;
  return (address, why) => {
    const time = now();
    if (time - (logged.get(address) ?? Number.NEGATIVE_INFINITY) < LOG_AGAIN_MS) return;
    if (time - minute >= 60_000) {
      minute = time;
      lines = 0;
    }
    lines += 1;
    if (lines > LOG_LINES_PER_MINUTE) return;
    if (logged.size >= MAX_ADDRESSES) logged.clear();
    logged.set(address, time);
    log('notice', `refused ${address}: ${why}`);
  };
}

export function openClients(options: ClientsOptions): Clients {
  const { allow, secure, log, lookup: find = lookUpHost, now = () => performance.now() } = options;
  const parsed = allow.map(parseClient);
  const networks = parsed.filter((client): client is Network => client?.kind === 'network');
  const names = parsed.filter((client): client is HostName => client?.kind === 'name');
  const hosts = new Map<string, readonly bigint[]>();
  /** Names whose failure was logged. */
  const failed = new Set<string>();
  const answers = new Map<string, boolean>();
  const logRefusal = refusalLog(log, now);
  const refused = (address: string, why: string) => {
    logRefusal(address, why);
    options.refused?.(address, why);
  };
  let lookedUp = now();
  let running: Promise<void> | undefined;

  async function refreshHost({ name }: HostName): Promise<void> {
    try {
      const addresses = await find(name);
      const numbers = addresses.map(addressNumber).filter((number) => number !== undefined);
      if (String(hosts.get(name)) !== String(numbers)) {
        if (hosts.has(name)) log('info', `${name} is now ${addresses.join(', ')}`);
        hosts.set(name, numbers);
        answers.clear();
      }
      failed.delete(name);
    } catch (error) {
      // The addresses that the host had before stay valid: a name server that is down throws nobody out.
      if (failed.has(name)) return;
      failed.add(name);
      log('warning', `--allow: ${name}: ${(error as NodeJS.ErrnoException).code ?? 'not found'}`);
    }
  }

  function refresh(): Promise<void> {
    lookedUp = now();
    running ??= Promise.all(names.map(refreshHost)).then(() => {
      running = undefined;
    });
    return running;
  }

  function isAllowed(address: string): boolean {
    const known = answers.get(address);
    if (known !== undefined) return known;
    const number = addressNumber(address);
    const answer =
      number !== undefined &&
      (networks.some((network) => contains(network, number)) ||
        [...hosts.values()].some((numbers) => numbers.includes(number)));
    if (answers.size >= MAX_ADDRESSES) answers.clear();
    answers.set(address, answer);
    return answer;
  }

  const ready = names.length > 0 ? refresh() : Promise.resolve();
  const timer = names.length > 0 ? setInterval(() => void refresh(), REFRESH_MS).unref() : undefined;

  return {
    ready,
    admits(address, port) {
      if (!isAllowed(address)) {
        if (names.length > 0 && now() - lookedUp >= KNOCK_MS) void refresh();
        refused(address, 'not an allowed client');
        return false;
      }
      if (secure && port >= FIRST_UNPRIVILEGED_PORT) {
        refused(address, `port ${port} is not below ${FIRST_UNPRIVILEGED_PORT}`);
        return false;
      }
      return true;
    },
    close: () => clearInterval(timer),
  };
}
