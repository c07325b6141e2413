/** Whether sshd lets users of boards do what they are for, and nothing else. */
import os from 'node:os';
import { listeners } from '../../system/listening.ts';
import { askProgram } from '../ask-program.ts';
import { type Check, inOrder, type Said } from '../finding.ts';
import type { HostContext } from './context.ts';
import { matchWords } from './sshd-files.ts';
import { type Login, matches, parseSettings, RULES, type SshdSettings } from './sshd-settings.ts';

const SSHD = '/usr/sbin/sshd';

/** Who connects, for settings that depend on that; `name` is undefined for somebody from afar (RFC 5737). */
interface Client {
  readonly name: string | undefined;
  /** As `sshd -C` wants it. */
  readonly connection: string;
}

const AFAR: Client = {
  name: undefined,
  connection: 'host=client.example,addr=192.0.2.1,laddr=192.0.2.2,lport=22',
};

/** So many of this host's networks are looked at, and so many boards at a time. */
const MAX_NETWORKS = 4;
const AT_ONCE = 4;
/** When sshd was asked so often, networks are passed over. */
const MAX_ASKED = 100;

/** Criteria of Match blocks that tell clients apart. `exec` tells anything apart. */
const OF_CLIENTS = ['address', 'localaddress', 'host', 'exec'];

/** Somebody from afar, and one of each network of this host. */
function clients(): Client[] {
  const own = Object.values(os.networkInterfaces()).flatMap((list) => list ?? []);
  const shown = own.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  const near = shown.slice(0, MAX_NETWORKS).map(({ address, cidr }) => ({
    name: cidr ?? address,
    connection: `host=client.example,addr=${address},laddr=${address},lport=22`,
  }));
  return [AFAR, ...near];
}

/** @throws Error that says why sshd cannot tell */
async function settingsOf(name: string, { connection }: Client, signal: AbortSignal): Promise<SshdSettings> {
  const answer = await askProgram(SSHD, ['-T', '-C', `user=${name},${connection}`], signal);
  if (answer?.status === 0) return parseSettings(answer.stdout);
  if (answer === undefined) throw new Error(`there is no ${SSHD}`);
  // The service makes it: /run/sshd.
  if (answer.stderr.includes('privilege separation directory')) throw new Error('it does not run');
  throw new Error(`sshd -T: ${answer.stderr.trimEnd().split('\n').at(-1)}`);
}

/** The names of each account's groups. */
async function groupsOf(
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  // A line each. One that has a group without a name, or has gone, spoils the status, or the others' lines.
  const said = await askProgram('id', ['-Gn', '--', ...names], signal);
  const lines = said?.stdout.trimEnd().split('\n') ?? [];
  if (lines.length === names.length) {
    return new Map(names.map((name, index) => [name, lines[index]?.split(' ') ?? []]));
  }
  if (names.length === 1) return new Map();
  const alone = await Promise.all(names.map((name) => groupsOf([name], signal)));
  return new Map(alone.flatMap((groups) => [...groups]));
}

/**
 * What Match blocks tell an account by, besides its groups: the words of theirs that match its name, whatever they
 * stand for.
 *
 * @param matched undefined where there may be others
 */
export function toldBy(name: string, matched: ReadonlySet<string> | undefined): string {
  if (matched === undefined || [...matched].some((word) => word.toLowerCase() === 'exec')) return name;
  const patterns = [...matched].flatMap((word) => word.split(','));
  return patterns.filter((pattern) => matches(pattern.replace(/^!/, ''), name)).join(' ');
}

/** What sshd has for accounts, asked once for all that it cannot tell apart. */
class Sshd {
  private readonly signal: AbortSignal;
  private readonly clients: readonly Client[];
  private readonly matched = matchWords();
  private readonly asked = new Map<string, Promise<SshdSettings>>();

  constructor(signal: AbortSignal) {
    this.signal = signal;
    const words = this.matched && [...this.matched].map((word) => word.toLowerCase());
    const counts = words === undefined || OF_CLIENTS.some((name) => words.includes(name));
    this.clients = counts ? clients() : [AFAR];
  }

  /** For each client. @throws Error that says why sshd cannot tell */
  async logins(
    name: string,
    groups: readonly string[],
  ): Promise<(readonly [client: string | undefined, Login])[]> {
    const some = this.asked.size < MAX_ASKED ? this.clients : [AFAR];
    const kind = `${groups.join(' ')}, ${toldBy(name, this.matched)}`;
    const logins = some.map(async (client) => {
      const key = `${client.connection} ${kind}`;
      const settings = this.asked.get(key) ?? settingsOf(name, client, this.signal);
      this.asked.set(key, settings);
      return [client.name, { settings: await settings, name, groups }] as const;
    });
    return await Promise.all(logins);
  }
}

export function sshdFindings(login: Login): Said[] {
  return RULES.flatMap(({ severity, why, fix, what }) => {
    const wrong = what(login);
    return wrong === undefined ? [] : [{ severity, subject: login.name, what: wrong, why, fix }];
  });
}

/** What is so for those of one network only is said to be so. @param of for each client */
export function joined(
  of: readonly (readonly [client: string | undefined, findings: readonly Said[]])[],
): Said[] {
  const all = of[0]?.[1] ?? [];
  const known = new Set(all.map(({ what }) => what));
  const further = of
    .slice(1)
    .flatMap(([client, findings]) =>
      findings
        .filter(({ what }) => !known.has(what))
        .map((said) => ({ ...said, what: `${said.what} (for clients of ${client})` })),
    );
  return [...all, ...further];
}

/** @param settings undefined where sshd does not tell */
function portFindings(settings: SshdSettings | undefined): Said[] {
  const ports = (settings?.get('port') ?? ['22']).map(Number);
  if (ports.some((port) => listeners('tcp', port).length > 0)) return [];
  return [
    {
      severity: 'error',
      subject: 'host',
      what: `nobody listens on port ${ports.join(', ')}, which is sshd's`,
      why: 'No user can connect.',
      fix: 'systemctl enable --now ssh',
    },
  ];
}

function untold(message: string): Said {
  return {
    severity: 'warning',
    subject: 'host',
    what: `sshd does not tell its settings: ${message}`,
    why: 'What it allows besides the login shell is not known here.',
    fix: 'Start it (systemctl start ssh; where its socket does, by one connection), or correct what it says; then ask again.',
  };
}

export const sshd: Check<HostContext> = {
  name: 'sshd',
  async run({ boards }, signal) {
    if (boards.length === 0) return [];
    const server = new Sshd(signal);
    const findings: Said[] = [];
    let settings: SshdSettings | undefined;
    try {
      const groups = await groupsOf(
        boards.map(({ name }) => name),
        signal,
      );
      for (let index = 0; index < boards.length; index += AT_ONCE) {
        const some = boards
          .slice(index, index + AT_ONCE)
          .map(({ name }) => server.logins(name, groups.get(name) ?? []));
        for (const logins of await Promise.all(some)) {
          settings = logins[0]?.[1].settings;
          findings.push(...joined(logins.map(([client, login]) => [client, sshdFindings(login)])));
        }
      }
    } catch (error) {
      findings.push(untold((error as Error).message));
    }
    findings.push(...portFindings(settings));
    return findings.length > 0 ? findings : [inOrder('host', 'sshd lets users in, and to the boards only')];
  },
};
