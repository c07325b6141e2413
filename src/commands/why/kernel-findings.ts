/** What goes wrong in the kernel, or in the system that it started. */
import { duration } from '../../shell/text.ts';
import { type ConsoleEvent, isMarker } from './event.ts';
import {
  booting,
  eventsOf,
  type Finding,
  isFresh,
  lastLine,
  lastOf,
  otherFinding,
  READ_LOG,
  type Situation,
  wasHeardOut,
} from './finding.ts';
import { badInitFinding, endedInit, missingInit } from './init-findings.ts';
import { unmountableFinding } from './root-findings.ts';

export function silentKernelFinding(_event: ConsoleEvent, situation: Situation): Finding {
  if (isFresh(situation)) return booting(situation);
  const other = otherFinding('The boot loader has started what it loaded. ', situation);
  if (other) return other;
  return {
    verdict: 'silent-kernel',
    stopped: 'after the boot loader started the kernel',
    why: 'The kernel was started, and the console has been silent since.',
    advice: [
      'Give the kernel the console of this board, such as console=ttyS0,115200 or console=ttyAMA0; earlycon shows more.',
      'If it stays silent: the kernel may be for another board, or its device tree is missing or overwritten.',
    ],
  };
}

export function hangingFinding(_event: ConsoleEvent, situation: Situation): Finding {
  if (isFresh(situation)) return booting(situation);
  return {
    verdict: 'silent',
    stopped: 'after the kernel started',
    why: `The board says nothing any more.${lastLine(situation)}`,
    advice: [
      'If the kernel runs but is silent, check console= on its command line; a last line about a device names the driver that hangs.',
      READ_LOG,
    ],
  };
}

export function noAddressFinding({ detail }: ConsoleEvent): Finding {
  return {
    verdict: 'no-address',
    stopped: 'when the kernel set up the network',
    why: `The kernel gets no network address: ${detail}`,
    advice: [
      'Check ip=dhcp on its command line, that it has the driver of the network card, and the cable.',
      READ_LOG,
    ],
  };
}

export function panicFinding(event: ConsoleEvent, situation: Situation): Finding {
  const { detail } = event;
  if (/^VFS: Unable to mount root/.test(detail)) return unmountableFinding(event, situation);
  const init = lastOf(situation, 'no-init', 'bad-init');
  if (init?.marker === 'bad-init') return badInitFinding(init);
  if (init || /^No (?:working )?init found/.test(detail)) return missingInit(situation);
  const [, code] = /^Attempted to kill init! exitcode=0x([\da-f]{1,8})/.exec(detail) ?? [];
  if (code !== undefined) return endedInit(Number.parseInt(code, 16));
  const oops = lastOf(situation, 'oops');
  const first = oops === undefined ? '' : ` Before, it said: ${oops.detail}`;
  return {
    verdict: 'panic',
    stopped: 'with a kernel panic',
    why: `The kernel panicked: ${detail}.${first}`,
    advice: [
      `${READ_LOG} The call trace names the part of the kernel.`,
      'Then reset the board: ssh BOARD reset.',
    ],
  };
}

export function oopsFinding({ detail }: ConsoleEvent): Finding {
  return {
    verdict: 'oops',
    stopped: 'with a fault of the kernel',
    why: `The kernel made an error: ${detail}`,
    advice: [`${READ_LOG} The call trace names the part of the kernel.`],
  };
}

export function stallFinding({ detail }: ConsoleEvent): Finding {
  return {
    verdict: 'stall',
    stopped: 'because something in the kernel hangs',
    why: `The kernel says: ${detail}`,
    advice: [READ_LOG, 'Then reset the board: ssh BOARD reset.'],
  };
}

export function emergencyFinding({ detail }: ConsoleEvent, situation: Situation): Finding {
  const failed = eventsOf(situation).flatMap((event) =>
    isMarker(event, 'no-service') ? [event.detail] : [],
  );
  const first = failed.length === 0 ? '' : ` The first failure: ${failed[0]}`;
  return {
    verdict: 'emergency',
    stopped: 'in the system, before it was up',
    why: `The system gave up: ${detail}.${first}`,
    advice: [
      'A file system in /etc/fstab that the board does not have is the usual cause: take it out, or add nofail.',
      READ_LOG,
    ],
  };
}

/** What a system has said since is not part of its boot. A shell may also be the one that an initramfs opens. */
export function upFinding({ time }: ConsoleEvent, situation: Situation): Finding | undefined {
  const events = eventsOf(situation);
  const trouble = events.findLast((event) => isMarker(event, 'no-root', 'no-init', 'emergency'));
  if (trouble && !events.some((event) => event.time > trouble.time && isMarker(event, 'init')))
    return undefined;
  const begin = situation.boot.power ?? events.find((event) => isMarker(event, 'loader', 'kernel'));
  const first = events.find((event) => isMarker(event, 'login', 'shell'))?.time ?? time;
  const after = begin === undefined ? '' : ` ${duration((first - begin.time) / 1000)} after it was started`;
  const asked = events.findLast((event) => event.event === 'tftp' && !event.stranger && event.time > time);
  const again =
    asked?.event === 'tftp' ? ` Since then it has asked for "${asked.file}": it may be starting again.` : '';
  return { verdict: 'up', why: `The board is up: it asked for a login${after}.${again}`, advice: [] };
}

export function haltFinding({ detail }: ConsoleEvent): Finding {
  return {
    verdict: 'halted',
    stopped: 'because the system shut itself down',
    why: `The board has shut itself down: ${detail}.`,
    advice: ['Start it again: ssh BOARD on, or ssh BOARD reset.'],
  };
}

/** What it restarts for matters more. */
export function rebootFinding({ detail }: ConsoleEvent, situation: Situation): Finding {
  const panic = lastOf(situation, 'panic');
  if (panic) {
    const finding = panicFinding(panic, situation);
    const since = !isFresh(situation) && wasHeardOut(situation) ? ', but has said nothing since' : '';
    return { ...finding, why: `${finding.why} It was to restart by itself (${detail})${since}.` };
  }
  if (isFresh(situation)) return booting(situation);
  return {
    verdict: 'no-restart',
    stopped: 'when it was to restart',
    why: `The board was to restart by itself (${detail}), but has said nothing since.`,
    advice: ['Reset it: ssh BOARD reset.'],
  };
}
