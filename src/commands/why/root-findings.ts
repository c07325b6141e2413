/** What keeps a kernel from its root file system. */
import { type ConsoleEvent, isMarker, type MountEvent, type NfsEvent } from './event.ts';
import { eventsOf, type Finding, lastOf, nfsEvents, type RootServer, type Situation } from './finding.ts';

const STOPPED = 'when the root file system was mounted';
const NOVABOOT =
  'With novaboot, write nfsroot=$NB_NFSROOT,$NB_NFSOPTS on the kernel line: both are always right.';

function serverOf({ servers }: Situation, user: string): RootServer | undefined {
  return servers.find((server) => server.user === user);
}

/** What the kernel was told, if the console shows it. */
function kernelArguments(situation: Situation): string | undefined {
  return lastOf(situation, 'arguments')?.detail;
}

function putOff(event: MountEvent, situation: Situation): Finding {
  const { user } = event;
  const had = event.holder === undefined ? 'another user had' : `${event.holder} had`;
  const { holder } = situation;
  const now = holder === undefined || holder === user ? had : `${holder} has`;
  return {
    verdict: 'put-off',
    stopped: STOPPED,
    why: `The board asked for the root of ${user} while ${now} the board; the server answers when ${user} has it.`,
    advice: [
      `Whoever boots the root of ${user} has to be ${user}: stay connected (ssh BOARD console) while it boots.`,
    ],
  };
}

function refusedMount(event: MountEvent, situation: Situation): Finding {
  const { user, path, status } = event;
  const exported = serverOf(situation, user)?.exported;
  if (path === exported || exported === undefined || status !== 'MNT3ERR_NOENT') {
    return {
      verdict: 'mount-refused',
      stopped: STOPPED,
      why: `The NFS server of ${user} refused to mount "${path}": ${status}.`,
      advice: ['Make the root anew: ssh BOARD untar - <ROOT.tar, or rsync --rsync-path=rsync-nfsroot.'],
    };
  }
  const below = path.startsWith(`${exported}/`) ? ' (there is no such directory below it)' : '';
  return {
    verdict: 'wrong-nfsroot',
    stopped: STOPPED,
    why: `The board wants to mount "${path}", but the root of ${user} is "${exported}"${below}.`,
    advice: ['Correct nfsroot= on the command line of the kernel; ssh BOARD get-config prints it.', NOVABOOT],
  };
}

function notAllowed({ user, client }: NfsEvent, reason: string): Finding {
  const address = reason.startsWith('port');
  return {
    verdict: 'not-allowed',
    stopped: STOPPED,
    why: `The NFS server of ${user} refuses the address ${client}: ${reason}.`,
    advice: [
      address
        ? 'The administrator takes secure=yes out of ~/.novaboot-nfs, if the board cannot use a privileged port.'
        : 'If it is the board, the administrator adds it to allowed_clients in ~/.novaboot-nfs; then: ssh BOARD nfs restart.',
    ],
  };
}

/** What is wrong with the server that the board should have asked: a sentence, with a blank in front. */
function serverState(line: string, situation: Situation): string {
  const user = situation.boot.power?.user ?? situation.user;
  if (user === undefined) return '';
  const server = serverOf(situation, user);
  if (server === undefined) return ` ${user} has no NFS server yet; ssh BOARD get-config starts it.`;
  const { port } = server;
  if (port === undefined) return ` The NFS server of ${user} is stopped; ssh BOARD get-config starts it.`;
  const [, told] = /\bport=(\d{1,5})\b/.exec(line) ?? [];
  if (told === undefined || Number(told) === port) return '';
  return ` The kernel was told port ${told}, but the NFS server of ${user} is on port ${port}.`;
}

/** No server has seen the board. */
function unheard(situation: Situation, said: string): Finding {
  const line = kernelArguments(situation);
  if (line !== undefined && !/\bnfsroot=/.test(line)) {
    return {
      verdict: 'no-nfsroot',
      stopped: STOPPED,
      why: 'The command line of the kernel has no nfsroot=, and there is no other root that the kernel could mount.',
      advice: [NOVABOOT, 'A root on a disk needs root=, and a ramdisk its address in the boot command.'],
    };
  }
  return {
    verdict: 'no-mount',
    stopped: STOPPED,
    why: `No NFS server of this board has heard from it (${said}).${serverState(line ?? '', situation)}`,
    advice: [
      'Check address and port in nfsroot= against what ssh BOARD get-config prints, and the network of the board.',
      NOVABOOT,
    ],
  };
}

/** @param said what the kernel, or its initramfs, says */
export function rootFinding(said: string, situation: Situation): Finding {
  for (const event of nfsEvents(situation)) {
    if (event.event === 'mount' && event.status === 'put-off') return putOff(event, situation);
    if (event.event === 'mount' && event.status !== 'MNT3_OK') return refusedMount(event, situation);
    if (event.event === 'refused') return notAllowed(event, event.reason);
    if (event.event === 'version') {
      return {
        verdict: 'wrong-nfs-version',
        stopped: STOPPED,
        why: `The board speaks version ${event.asked} of ${event.program}; the server of ${event.user} has version 3 only.`,
        advice: [`Add v3 to the options behind nfsroot=SERVER:PATH. ${NOVABOOT}`],
      };
    }
    if (event.event === 'mount') {
      return {
        verdict: 'mount-failed',
        stopped: STOPPED,
        why: `The server of ${event.user} let the board mount its root, but the board could not use it: ${said}`,
        advice: [`Check the options in nfsroot= (v3, tcp, port, mountport). ${NOVABOOT}`],
      };
    }
  }
  return unheard(situation, said);
}

/** Others than the board may knock, too: that matters only if the board could be about to mount its root. */
export function turnedAwayFinding(situation: Situation): Finding | undefined {
  const hasMounted = nfsEvents(situation).some((event) => event.event === 'mount');
  const isInLoader = lastOf(situation, 'loader') && !lastOf(situation, 'start', 'kernel');
  return hasMounted || isInLoader ? undefined : rootFinding('it was turned away', situation);
}

/** What the console says comes from one place or another, and is shown where no server knows better. */
export function noRootFinding({ detail }: ConsoleEvent, situation: Situation): Finding {
  return rootFinding(detail, situation);
}

/** Linux, init/do_mounts.c: unknown-block(0,255) is NFS; older ones try a floppy then, unknown-block(2,0). */
export function unmountableFinding({ detail }: ConsoleEvent, situation: Situation): Finding {
  const hasTried = eventsOf(situation).some((event) => isMarker(event, 'no-root') && / NFS/.test(event.line));
  if (hasTried || !/unknown-block\((?!0,255\))/.test(detail)) return rootFinding(detail, situation);
  const line = kernelArguments(situation) ?? '';
  const [, device] = /(?:^| )root=(\S+)/.exec(line) ?? [];
  if (device !== undefined && device !== '/dev/nfs') {
    return {
      verdict: 'no-root-device',
      stopped: STOPPED,
      why: `The kernel does not find its root, root=${device}, or cannot read it: ${detail}.`,
      advice: [
        'Check the name, and that the kernel, or an initramfs, has the drivers of the disk and its file system.',
      ],
    };
  }
  const given = /\bnfsroot=/.test(line) ? 'It was given nfsroot=, but' : 'It was given';
  return {
    verdict: 'no-initramfs',
    stopped: STOPPED,
    why: `The kernel has no root to mount (${detail}). ${given} neither an initramfs nor root=/dev/nfs.`,
    advice: [
      'With an initramfs: load it, and name its address and size in the boot command (booti KERNEL RAMDISK:SIZE FDT).',
      'Without: root=/dev/nfs ip=dhcp, and a kernel with CONFIG_ROOT_NFS and the network driver built in.',
    ],
  };
}

export function noNfsrootFinding({ detail }: ConsoleEvent): Finding {
  return {
    verdict: 'no-nfsroot',
    stopped: STOPPED,
    why: `The kernel was not told where its root is: ${detail}`,
    advice: [NOVABOOT],
  };
}

export function nfsSilentFinding({ detail }: ConsoleEvent, situation: Situation): Finding {
  const mount = nfsEvents(situation).find((event) => event.event === 'mount');
  const { holder } = situation;
  if (mount !== undefined && holder !== undefined && holder !== mount.user) return putOff(mount, situation);
  const server = mount && serverOf(situation, mount.user);
  const stopped = server !== undefined && server.port === undefined;
  return {
    verdict: 'nfs-silent',
    stopped: 'while it used its root file system',
    why: stopped
      ? `The NFS server of ${server.user} is stopped (${detail}).`
      : `The board gets no answer from its NFS server (${detail}).`,
    advice: [
      stopped
        ? 'Start it: ssh BOARD get-config. The board goes on by itself then.'
        : 'See whether it runs (ssh BOARD nfs status), then look at the network of the board.',
    ],
  };
}
