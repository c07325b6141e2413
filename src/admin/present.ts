/** What a board has already of what add-board sets: it stays where nothing else is said. */
import { parsePlain } from '../shell/config.ts';
import { parseNfsSettings } from '../shell/nfs-config.ts';
import type { Account } from './account.ts';
import { type BoardConfig, CONFIG_NAMES, type DesiredBoard, NFS_NAMES } from './desired.ts';
import { readHomeFile } from './home-file.ts';
import { withPresentIdentities } from './identity-changes.ts';

/** Those of the names that have a value. */
function chosen(names: readonly string[], lookUp: (name: string) => string | undefined): object {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = lookUp(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What counts before a setting, and so would keep it from having an effect. */
const BEFORE: Partial<Readonly<Record<string, readonly string[]>>> = {
  console: ['console_cmd'],
  power: ['on_cmd', 'off_cmd'],
};

/** Nothing of a file that needs a shell: it is left alone anyway. */
function presentConfig(account: Account, said: BoardConfig): object {
  const values = parsePlain(readHomeFile(account, '.novaboot-shell') ?? '');
  const replaced = Object.keys(said).flatMap((name) => BEFORE[name] ?? []);
  return chosen(
    CONFIG_NAMES.filter((name) => !replaced.includes(name)),
    (name) => values?.get(name),
  );
}

function presentNfs(account: Account): object {
  const values = parseNfsSettings('.novaboot-nfs', readHomeFile(account, '.novaboot-nfs') ?? '');
  return chosen(NFS_NAMES, (name) => values.get(name)?.value);
}

/** @param existing undefined for a board that is to be made */
export function withPresent(desired: DesiredBoard, existing: Account | undefined): DesiredBoard {
  if (existing === undefined) return desired;
  const { name, config, nfs, identities } = desired;
  return {
    ...desired,
    ...(config && { config: { ...presentConfig(existing, config), ...config } }),
    ...(nfs && { nfs: { ...presentNfs(existing), ...nfs } }),
    ...(identities && { identities: withPresentIdentities(name, identities) }),
  };
}
