/** Whether the NFS servers of the board's users can work, and keep working. */
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { probe } from '../../nfs/vfs/probe.ts';
import { findUnattributed } from '../../rootfs/unattributed.ts';
import { isLingering, userManager } from '../../shell/nfs-manager.ts';
import { nfsPlace, nfsUsers } from '../../shell/nfs-place.ts';
import { rememberedPort } from '../../shell/nfs-port.ts';
import { isOurs } from '../../shell/nfs-running.ts';
import { listeners } from '../../system/listening.ts';
import { inOrder, type Said } from '../finding.ts';
import type { BoardContext } from './context.ts';

/** Without the account's own systemd servers are started by the login shell, and nobody starts them again. */
function managerFindings({ session, name }: BoardContext): Said[] {
  const findings: Said[] = [];
  if (!isLingering()) {
    findings.push({
      severity: 'warning',
      subject: name,
      what: 'the account does not linger',
      why: 'Its systemd ends some seconds after the last session, and with it the NFS servers: a booted board hangs.',
      fix: `loginctl enable-linger ${name}`,
    });
  }
  if (userManager(session, 'user') === undefined) {
    const directory = session.env.XDG_RUNTIME_DIR ?? `/run/user/${process.getuid?.()}`;
    const runs = fs.existsSync(path.join(directory, 'systemd/private'));
    findings.push({
      severity: 'warning',
      subject: name,
      what: runs ? 'the units of the NFS server are not installed' : 'the account has no systemd of its own',
      why: 'The login shell starts NFS servers itself then: nobody starts them again after a crash or a reboot of the host.',
      fix: runs
        ? 'Install novaboot-nfsd@.socket and novaboot-nfsd@.service in /usr/lib/systemd/user.'
        : `Install dbus-user-session and libpam-systemd, then: loginctl enable-linger ${name}`,
    });
  }
  return findings.length > 0 ? findings : [inOrder(name, 'a systemd of the account keeps its NFS servers')];
}

/** Whether the file system keeps owners and handles. */
function storageFindings({ session: { home }, name }: BoardContext): Said[] {
  const roots = path.join(home, 'nfsroot');
  const directory = fs.existsSync(roots) ? fs.realpathSync(roots) : home;
  try {
    probe({ exportPath: directory, base: directory, ownership: 'xattr' });
    return [inOrder(name, `the file system of ${directory} keeps owners`)];
  } catch (error) {
    return [
      {
        severity: 'error',
        subject: name,
        what: (error as Error).message,
        why: 'Owners, modes and devices of root file systems lie in extended attributes, and clients keep file handles: no NFS server starts there.',
        fix: `Put ${roots} on ext4, XFS or btrfs: a symbolic link that belongs to root may lead to a directory of the account's there.`,
      },
    ];
  }
}

function namespaceFindings({ name }: BoardContext): Said[] {
  if (findUnattributed() === 'root') return [inOrder(name, 'user namespaces work')];
  return [
    {
      severity: 'warning',
      subject: name,
      what: 'user namespaces are forbidden',
      why: "Files without a stored owner are the account's instead of root's; the drop-in of novaboot-nfsd@.service that uses namespaces fails.",
      fix: 'sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000 (Ubuntu: also kernel.apparmor_restrict_unprivileged_userns=0), and in /etc/sysctl.d.',
    },
  ];
}

/** A port that a booted board knows, and that somebody else has. */
function portFindings({ session: { home }, name }: BoardContext): Said[] {
  return nfsUsers(home).flatMap((user): Said[] => {
    const place = nfsPlace(home, user);
    const port = rememberedPort(place);
    if (port === undefined || isOurs(port)) return [];
    const [other] = [...listeners('tcp', port), ...listeners('udp', port)].filter(
      ({ uid }) => uid !== process.getuid?.(),
    );
    if (other === undefined) return [];
    return [
      {
        severity: 'error',
        subject: name,
        what: `port ${port}, which the NFS server of ${user} is to keep, is taken by uid ${other.uid}`,
        why: 'The server cannot start; a board that runs on it finds somebody else there.',
        fix: `End what listens there (ss -lnp | grep :${port}), or remove ${place.dropInDirectory} for another port.`,
      },
    ];
  });
}

function addressFindings({ name, nfs }: BoardContext): Said[] {
  const address = nfs?.server_addr;
  if (address === undefined || net.isIP(address) === 0) return [];
  const own = Object.values(os.networkInterfaces()).flatMap((list) => list ?? []);
  if (own.some((each) => each.address === address))
    return [inOrder(name, `server_addr ${address} is this host's`)];
  const others = own
    .filter((each) => !each.internal && !each.address.startsWith('fe80:'))
    .map((each) => each.address);
  const known = others.length > 0 ? `; this host has ${others.join(', ')}` : '';
  return [
    {
      severity: 'warning',
      subject: name,
      what: `server_addr ${address} is no address of this host`,
      why: 'The board looks for its root there. That is right only where another machine passes it on.',
      fix: `Correct server_addr in ~/.novaboot-nfs${known}.`,
    },
  ];
}

/** @param context of a board that has NFS */
export function nfsFindings(context: BoardContext): readonly Said[] {
  return [
    ...managerFindings(context),
    ...storageFindings(context),
    ...namespaceFindings(context),
    ...portFindings(context),
    ...addressFindings(context),
  ];
}
