/** Where a boot stopped, and why. The last event that says something decides; what came before explains it. */
import { duration, localTime, printable } from '../../shell/text.ts';
import type { Step } from './boot.ts';
import { type BootEvent, type ConsoleEvent, isMarker, type PowerEvent } from './event.ts';
import {
  booting,
  eventsOf,
  type Finding,
  isFresh,
  isOfBoard,
  lastLine,
  lastSign,
  otherFinding,
  READ_LOG,
  type Situation,
  wasHeardOut,
} from './finding.ts';
import { badInitFinding, initFinding, inUseFinding, missingInit, mountFinding } from './init-findings.ts';
import {
  emergencyFinding,
  haltFinding,
  hangingFinding,
  noAddressFinding,
  oopsFinding,
  panicFinding,
  rebootFinding,
  silentKernelFinding,
  stallFinding,
  upFinding,
} from './kernel-findings.ts';
import {
  badImageFinding,
  loaderCrashFinding,
  loaderErrorFinding,
  loaderFinding,
  noDhcpFinding,
  noLinkFinding,
  noNetworkFinding,
  promptFinding,
} from './loader-findings.ts';
import type { Marker } from './markers.ts';
import { withoutOvercome } from './overcome.ts';
import { nfsSilentFinding, noNfsrootFinding, noRootFinding, turnedAwayFinding } from './root-findings.ts';
import {
  asksFinding,
  loadedFinding,
  loadingFinding,
  noAnswerFinding,
  tftpErrorFinding,
  tftpFinding,
} from './tftp-findings.ts';

/** What follows if a marker is the last one that says something. Those that are not here are but a step on the way. */
const MARKERS: Partial<Record<Marker, (event: ConsoleEvent, situation: Situation) => Finding | undefined>> = {
  loader: loaderFinding,
  'no-dhcp': noDhcpFinding,
  'no-link': noLinkFinding,
  'no-network': noNetworkFinding,
  asks: asksFinding,
  loading: loadingFinding,
  loaded: loadedFinding,
  'no-answer': noAnswerFinding,
  'tftp-error': tftpErrorFinding,
  'bad-image': badImageFinding,
  'loader-error': loaderErrorFinding,
  'loader-crash': loaderCrashFinding,
  prompt: promptFinding,
  start: silentKernelFinding,
  kernel: hangingFinding,
  'no-address': noAddressFinding,
  root: hangingFinding,
  'no-root': noRootFinding,
  'no-nfsroot': noNfsrootFinding,
  'nfs-silent': nfsSilentFinding,
  init: initFinding,
  'no-init': (_event, situation) => missingInit(situation),
  'bad-init': badInitFinding,
  oops: oopsFinding,
  panic: panicFinding,
  stall: stallFinding,
  reboot: rebootFinding,
  halt: haltFinding,
  emergency: emergencyFinding,
  login: upFinding,
  shell: upFinding,
};

/** Only what the boot began with: a board that is on stays so when it is switched on. */
function powerFinding(event: PowerEvent, situation: Situation): Finding | undefined {
  if (event !== situation.boot.power) return undefined;
  const { action, status } = event;
  if (status !== null && status !== 0) {
    return {
      verdict: 'power-failed',
      stopped: 'before it began',
      why: `${action} failed with status ${status}: the board may not have been switched.`,
      advice: [
        `Try again: ssh BOARD ${action}. If it goes on, the administrator checks the power settings in ~/.novaboot-shell.`,
      ],
    };
  }
  if (isFresh(situation)) return booting(situation);
  return otherFinding('', situation) ?? unseen(situation);
}

/** Nothing has come from the board. */
function unseen({ consoleLog, tftpJournal }: Situation): Finding {
  if (consoleLog === 'watched') {
    const asked = tftpJournal ? ', and the TFTP server has heard nothing from it' : '';
    return {
      verdict: 'dead',
      stopped: 'before the boot loader said anything',
      why: `The console shows nothing that a board says when it boots${asked}.`,
      advice: [
        'Switch it off and on (ssh BOARD off, then on). If that changes nothing, check its power and the console cable,',
        'and the administrator the speed of the line and the power settings in ~/.novaboot-shell.',
      ],
    };
  }
  const reason =
    consoleLog === 'none' ? 'consoles are not recorded here' : 'nobody was connected to the console';
  const asked = tftpJournal ? 'The TFTP server has heard nothing from the board, and' : 'Nothing is known:';
  return {
    verdict: 'unseen',
    why: `${asked} ${reason}.`,
    advice: ['Connect to the console (ssh BOARD console), reset the board, and ask again.'],
  };
}

/** What a board asks servers for when it is up is not part of its boot. */
function isUp(situation: Situation): boolean {
  return eventsOf(situation).some((event) => isMarker(event, 'login', 'shell'));
}

function findingOf(event: BootEvent, situation: Situation): Finding | undefined {
  if (event.event === 'console') return MARKERS[event.marker]?.(event, situation);
  if (event.event === 'power') return powerFinding(event, situation);
  if (isUp(situation) || ('client' in event && !isOfBoard(event, situation))) return undefined;
  switch (event.event) {
    case 'tftp':
      return tftpFinding(event, situation);
    case 'mount':
      return mountFinding(event, situation);
    case 'init-read':
    case 'first-read':
      return inUseFinding(event, situation);
    case 'refused':
    case 'version':
      return turnedAwayFinding(situation);
    case 'session':
      return undefined;
  }
}

/** Findings that say that nothing came any more. */
const SILENT = new Set([
  'dead',
  'loader-silent',
  'loading-stopped',
  'not-started',
  'silent-kernel',
  'silent',
  'no-restart',
  'mute',
  'root-unused',
  'no-login',
]);

/** Nobody was there to see whether there was more; a board that waits for commands still does. */
function leftAlone(finding: Finding, situation: Situation): Finding {
  const last = eventsOf(situation).findLast(({ event }) => event === 'console');
  if (last && isMarker(last, 'prompt')) return finding;
  if (!SILENT.has(finding.verdict) || situation.consoleLog !== 'watched' || wasHeardOut(situation))
    return finding;
  return {
    verdict: 'unwatched',
    why: `How it went on is not known: since ${localTime(new Date(lastSign(situation)))}, nobody was connected to the console.${lastLine(situation)}`,
    advice: [
      'Connect to the console (ssh BOARD console) and look. To see all of a boot, reset the board then.',
    ],
  };
}

/** The last start of the board as such. */
function stateOf(known: Situation): Finding {
  const situation = { ...known, boot: { ...known.boot, steps: withoutOvercome(known) } };
  for (const { event } of situation.boot.steps.toReversed()) {
    const finding = findingOf(event, situation);
    if (finding) return leftAlone(finding, situation);
  }
  if (isFresh(situation)) return booting(situation);
  const other = otherFinding('', situation);
  if (other) return other;
  const isNew = situation.boot.steps.length === 0;
  return {
    verdict: 'unknown',
    why: isNew
      ? 'Nothing is known of any boot of this board.'
      : 'What is known does not tell how far it came.',
    advice: ['Connect to the console (ssh BOARD console), reset the board (ssh BOARD reset), and ask again.'],
  };
}

function isResetByUser({ event }: Step): boolean {
  return isMarker(event, 'command') && /^reset\b/.test(event.detail);
}

/** Why the start before the last one came to its end, if it did not come up, and no user ended it. */
function endBefore(situation: Situation): Finding | undefined {
  const { boot } = situation;
  if (boot.before.some(isResetByUser)) return undefined;
  const end = Number.POSITIVE_INFINITY;
  const as = (steps: readonly Step[]) => {
    return { ...situation, now: end, heardUntil: 0, watchedUntil: end, boot: { ...boot, steps } };
  };
  // Another start followed: that it was to restart explains nothing.
  const finding = stateOf(as(boot.before.filter(({ event }) => !isMarker(event, 'reboot'))));
  if (['up', 'unknown', 'prompt'].includes(finding.verdict)) return undefined;
  if (!SILENT.has(finding.verdict)) return finding;
  return {
    verdict: 'restarts',
    why: `Why is not to be seen.${lastLine(as(boot.before))}`,
    advice: [READ_LOG, 'A watchdog and a weak power supply restart boards without a word.'],
  };
}

/** @returns what is known of the board's last boot, in a few sentences */
export function diagnose(situation: Situation): Finding {
  const { boot } = situation;
  if (boot.off) {
    const failed = boot.off.status !== null && boot.off.status !== 0;
    if (!failed) {
      const who = boot.off.user === null ? '' : ` by ${printable(boot.off.user)}`;
      return {
        verdict: 'off',
        stopped: 'because the board was switched off',
        why: `The board was switched off${who} ${duration((situation.now - boot.off.time) / 1000)} ago.`,
        advice: ['Switch it on: ssh BOARD on, or ssh BOARD console.'],
      };
    }
  }
  const finding = stateOf(situation);
  if (boot.attempts === 1 || finding.verdict === 'up') return finding;
  const previous = endBefore(situation);
  const isTheSame =
    previous?.verdict === finding.verdict && boot.before.some(({ event }) => isMarker(event, 'panic'));
  if (previous === undefined || !(isTheSame || ['booting', 'loader-silent'].includes(finding.verdict)))
    return finding;
  const reason = isTheSame ? finding : previous;
  return {
    ...reason,
    verdict: 'restarts',
    why: `The board restarts by itself; this is start ${boot.attempts}. ${reason.why}`,
  };
}
