/** What keeps init, the first program of a system, from being started, and the system from coming up. */
import { type ConsoleEvent, isMarker, type MountEvent, type ReadEvent } from './event.ts';
import {
  booting,
  eventsOf,
  type Finding,
  isFresh,
  lastLine,
  lastOf,
  nfsEvents,
  READ_LOG,
  type Situation,
} from './finding.ts';
import { rootFinding } from './root-findings.ts';

const STOPPED = 'when init was to be started';

export function missingInit(situation: Situation): Finding {
  const mount = nfsEvents(situation).find((event) => event.event === 'mount');
  const whose = mount === undefined ? 'the root file system' : `the root of ${mount.user}`;
  return {
    verdict: 'missing-init',
    stopped: STOPPED,
    why: `There is no /sbin/init in ${whose}: it was mounted, but the kernel found nothing to run in it.`,
    advice: [
      'Upload a whole system: ssh BOARD untar - <ROOT.tar, with sbin/, bin/ and etc/ at the top of the archive.',
      'If the archive has them in a directory, or init has another name: init=/PATH on the command line of the kernel.',
    ],
  };
}

/** Whether the boot loader is the last that the console showed. */
function isMute(situation: Situation): boolean {
  return lastOf(situation, 'start') !== undefined && lastOf(situation, 'kernel') === undefined;
}

/** The kernel runs, as its mount tells, but the console shows nothing of it. */
function muteFinding(situation: Situation): Finding {
  const given = eventsOf(situation).flatMap((event) => {
    return isMarker(event, 'command') ? (/^setenv bootargs (.*)/.exec(event.detail)?.slice(1) ?? []) : [];
  });
  const line = given.length === 0 ? '' : ` Its command line: ${given.at(-1)}`;
  return {
    verdict: 'mute',
    why: `The kernel runs and has mounted its root, but prints nothing on the console.${line}`,
    advice: ['Give the kernel the console of this board, such as console=ttyS0,115200 or console=ttyAMA0.'],
  };
}

/** Linux, include/uapi/asm-generic/errno-base.h, and what libc says of them. */
const REASONS: readonly (readonly [RegExp, string, string])[] = [
  [
    /error -8\b|Exec format/,
    'it is made for another kind of processor',
    'Upload a system for the architecture of this board.',
  ],
  [
    /error -13\b|Permission denied/,
    'it is not executable',
    'Make it executable in the root (chmod 755), and upload it so that modes are kept.',
  ],
  [
    /error -2\b|No such file/,
    'it, or the program or library that it needs, is missing',
    'Upload a whole system, with the dynamic linker (ld-linux*) and libraries that init needs.',
  ],
];

export function badInitFinding({ detail, line }: ConsoleEvent): Finding {
  const [, reason, advice] = REASONS.find(([pattern]) => pattern.test(detail)) ?? [];
  return {
    verdict: 'bad-init',
    stopped: STOPPED,
    why: `init is there, but cannot be run${reason === undefined ? '' : `: ${reason}`} (${line}).`,
    advice: [advice ?? 'Check /sbin/init in the root: ssh BOARD root list, root download.'],
  };
}

/** Systems mount more than their root; /init is that of an initramfs. */
export function mountFinding(event: MountEvent, situation: Situation): Finding | undefined {
  const hasRoot = eventsOf(situation).some(
    (other) =>
      other.time < event.time &&
      (other.event === 'init-read' ||
        other.event === 'first-read' ||
        (isMarker(other, 'init') && other.detail !== '/init')),
  );
  if (hasRoot) return undefined;
  if (event.status !== 'MNT3_OK') return rootFinding(event.status, situation);
  if (event.init === null) return missingInit(situation);
  if (isFresh(situation)) return booting(situation);
  if (isMute(situation)) return muteFinding(situation);
  return {
    verdict: 'root-unused',
    stopped: 'after the root file system was mounted',
    why: `The board has mounted the root of ${event.user}, but has read nothing from it.`,
    advice: [READ_LOG],
  };
}

/** @param code as wait(2) has it */
export function endedInit(code: number): Finding {
  const [signal, status] = [code & 0x7f, (code >> 8) & 0xff];
  const missing = status === 127 ? ': a program or library is missing' : '';
  const how = signal === 0 ? `ended with status ${status}${missing}` : `was killed by signal ${signal}`;
  return {
    verdict: 'init-ended',
    stopped: 'when init ran',
    why: `init, the first program of the system, ${how}, so the kernel panicked.`,
    advice: [`Check /sbin/init in the root and what it starts. ${READ_LOG}`],
  };
}

export function initFinding({ detail }: { readonly detail: string }, situation: Situation): Finding {
  if (isFresh(situation)) return booting(situation);
  return {
    verdict: 'no-login',
    stopped: 'after init was started',
    why: `init was started (${detail}), but no login prompt has come.${lastLine(situation)}`,
    advice: [
      'Check that the system starts a getty on the console that the kernel uses, and what its init does last.',
      READ_LOG,
    ],
  };
}

/** The kernel has read from its root. */
export function inUseFinding({ path, user }: ReadEvent, situation: Situation): Finding {
  if (isMute(situation)) return isFresh(situation) ? booting(situation) : muteFinding(situation);
  if (situation.consoleLog === 'watched') return initFinding({ detail: `${path} was read` }, situation);
  return {
    verdict: 'running',
    why: `The board runs on the root of ${user}: it has read ${path}. Only its console would tell more.`,
    advice: [],
  };
}
