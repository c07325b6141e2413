/** What the texts of a lab file mean, and what cannot be so together. */
import { fingerprint, type PublicKey } from '../../shell/authorized-keys.ts';
import { CommandError } from '../../shell/errors.ts';
import { parsePublicKey } from '../../shell/public-key.ts';
import { addressNumber } from '../../system/client-list.ts';
import { checkBoard, checkBoardName, checkUserName } from '../check-desired.ts';
import type { DesiredBoard, DesiredUser, NfsSettings } from '../desired.ts';
import { type IdentityKind, parseIdentity } from '../identity-changes.ts';
import type { BoardText, LabText, Report } from './schema.ts';
import type { YamlPath } from './yaml.ts';

/** The first who has something: nobody else may have it. */
type Owners = Map<string, string>;

const IDENTITIES = { addresses: 'address', serials: 'serial', macs: 'mac' } as const;

/** Looks at the texts of a file, and tells all that is wrong. */
class Meaning {
  private readonly report: Report;
  private readonly users = new Map<string, readonly PublicKey[]>();
  private readonly keyOwners: Owners = new Map();
  private readonly identityOwners: Owners = new Map();
  private readonly homeOwners: Owners = new Map();

  constructor(report: Report) {
    this.report = report;
  }

  addUser(name: string, keys: readonly string[]): void {
    const path = ['users', name];
    this.at(path, () => checkUserName(name));
    if (keys.length === 0) this.report(path, 'expected a list of public keys');
    const parsed = keys.flatMap((text, index) => {
      const place = [...path, index];
      const key = this.at(place, () => parsePublicKey(Buffer.from(text)));
      if (key === undefined) return [];
      const what = `the key ${fingerprint(key)}`;
      return this.claim(this.keyOwners, key.blob, name, place, `${what}, which user`) ? [key] : [];
    });
    this.users.set(name, parsed);
  }

  async board(name: string, text: BoardText): Promise<DesiredBoard> {
    const path = ['boards', name];
    this.at(path, () => checkBoardName(name));
    const { home, config, nfs, power_off: powerOff } = text;
    await this.settings(name, [...path, 'config'], config, (key, value) => ({ config: { [key]: value } }));
    await this.settings(name, [...path, 'nfs'], nfs, (key, value) => ({
      nfs: { allowed_clients: '::1', [key]: value },
    }));
    if (nfs !== undefined && nfs.allowed_clients === undefined)
      this.report([...path, 'nfs'], 'expected allowed_clients in it');
    if (home !== undefined) await this.settings(name, path, { home }, () => ({ account: { home } }));
    const itsHome = home ?? `/home/${name}`;
    this.claim(this.homeOwners, itsHome, name, [...path, 'home'], `${itsHome}, which board`);
    const users = this.usersOf(path, text);
    const identities = this.identitiesOf(name, path, text);
    return {
      name,
      ...(home === undefined ? {} : { account: { home } }),
      ...(config === undefined ? {} : { config: withoutAbsent(config) }),
      ...(nfs === undefined ? {} : { nfs: withoutAbsent(nfs) as NfsSettings }),
      ...(powerOff === undefined ? {} : { powerOff }),
      ...(identities === undefined ? {} : { identities }),
      ...(users === undefined ? {} : { users }),
    };
  }

  /** Each setting for itself, so that what is wrong has its line. */
  private async settings(
    name: string,
    path: YamlPath,
    settings: Readonly<Record<string, string | undefined>> = {},
    desired: (key: string, value: string) => Omit<DesiredBoard, 'name'>,
  ): Promise<void> {
    for (const [key, value] of Object.entries(settings)) {
      if (value === undefined) continue;
      try {
        await checkBoard({ name, ...desired(key, value) });
      } catch (error) {
        this.tell([...path, key], error);
      }
    }
  }

  private usersOf(path: YamlPath, { users, admins }: BoardText): DesiredUser[] | undefined {
    if (users === undefined && admins === undefined) return undefined;
    const named = new Set<string>();
    const all = (key: 'users' | 'admins', names: readonly string[] = []) =>
      names.flatMap((name, index): DesiredUser[] => {
        const place = [...path, key, index];
        const keys = this.users.get(name);
        if (keys === undefined) this.report(place, `${name} is not among the users of the file`);
        if (named.has(name)) this.report(place, `${name} is named twice`);
        named.add(name);
        return keys ? [{ name, admin: key === 'admins', keys }] : [];
      });
    return [...all('admins', admins), ...all('users', users)];
  }

  private identitiesOf(name: string, path: YamlPath, board: BoardText): DesiredBoard['identities'] {
    const kinds = Object.entries(IDENTITIES) as [keyof typeof IDENTITIES, IdentityKind][];
    if (!kinds.some(([key]) => board[key] !== undefined)) return undefined;
    const found: Record<keyof typeof IDENTITIES, readonly string[]> = {
      addresses: [],
      serials: [],
      macs: [],
    };
    for (const [key, kind] of kinds) {
      const values = board[key] ?? [];
      for (const [index, value] of values.entries()) {
        const place = [...path, key, index];
        for (const each of this.at(place, () => parseIdentity(kind, value)) ?? []) {
          const what = kind === 'address' ? String(addressNumber(each)) : each;
          this.claim(this.identityOwners, what, name, place, `${each}, which board`);
        }
      }
      found[key] = values;
    }
    return found;
  }

  /** @returns whether nobody had it */
  private claim(owners: Owners, what: string, owner: string, place: YamlPath, shown: string): boolean {
    const other = owners.get(what);
    if (other !== undefined) this.report(place, `expected something else than ${shown} ${other} has`);
    else owners.set(what, owner);
    return other === undefined;
  }

  private at<T>(path: YamlPath, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.tell(path, error);
      return undefined;
    }
  }

  private tell(path: YamlPath, error: unknown): void {
    if (!(error instanceof CommandError)) throw error;
    // The key stands in front of it already.
    const key = String(path.at(-1));
    const message = error.message.replace(/^\.novaboot-nfs:\d+: /, '');
    this.report(path, message.startsWith(key) ? message.replace(/^\w+=?: /, '') : message);
  }
}

function withoutAbsent<T extends object>(settings: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const present = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}

export async function boardsOf(lab: LabText, report: Report): Promise<DesiredBoard[]> {
  const meaning = new Meaning(report);
  for (const [name, keys] of Object.entries(lab.users ?? {})) meaning.addUser(name, keys);
  const boards: DesiredBoard[] = [];
  for (const [name, text] of Object.entries(lab.boards)) boards.push(await meaning.board(name, text));
  return boards;
}
