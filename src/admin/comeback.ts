/** What has to be said to have a removed board again: told while all of it is still known. */
import { parseNfsConfig } from '../shell/nfs-config.ts';
import { printable } from '../shell/text.ts';
import type { Account } from './account.ts';
import { readHomeFile } from './home-file.ts';
import { withPresentIdentities } from './identity-changes.ts';
import { isLingering } from './systemd.ts';

/** What makes the account linger again; the file itself stays in the home. */
function nfsWords(account: Account): string[] {
  if (!isLingering(account.name)) return [];
  try {
    const file = '.novaboot-nfs';
    // Checked: root may paste it, and it is the account's.
    const { allowed_clients: clients = [] } = parseNfsConfig(file, readHomeFile(account, file) ?? '');
    return clients.flatMap((client) => ['--nfs', client]);
  } catch {
    // It could not be used either.
    return [];
  }
}

/** @param directories that stay, for root alone */
export function comebackAdvice(account: Account, directories: readonly string[]): string {
  const { name, uid, home } = account;
  const nobody = { addresses: [], macs: [], serials: [] };
  const { addresses, macs, serials } = withPresentIdentities(name, nobody);
  const words = [
    ...['add-board', name, '--uid', String(uid)],
    ...(home === `/home/${name}` ? [] : ['--home', home]),
    ...addresses.flatMap((address) => ['--address', address]),
    ...macs.flatMap((mac) => ['--mac', mac]),
    ...serials.flatMap((serial) => ['--serial-number', serial]),
    ...nfsWords(account),
  ];
  const own = directories.join(' ');
  return printable(`to have the board again, say: chown ${uid} ${own}; novaboot-admin ${words.join(' ')}`);
}
