/** What keeps a boot loader from starting a kernel. */
import { size } from '../../shell/text.ts';
import { type BootEvent, type ConsoleEvent, isMarker, type TftpEvent } from './event.ts';
import { eventsOf, type Finding, isFresh, lastOf, type Situation } from './finding.ts';

const STOPPED = 'in the boot loader';
/** Names that are shown of those that a user could have meant. */
const MAX_NAMES = 8;

/** What has gone wrong, if the last thing that was loaded was not loaded. */
const FAILURES = ['tftp-error', 'no-answer', 'no-dhcp', 'no-link', 'loader-error', 'bad-image'] as const;

function isLoaded(event: BootEvent): boolean {
  return isMarker(event, 'loaded') || (event.event === 'tftp' && event.outcome === 'complete');
}

function hasFailed(event: BootEvent): boolean {
  return isMarker(event, ...FAILURES) || (event.event === 'tftp' && event.outcome !== 'complete');
}

/** The names with the one like it first: a user has mistyped, or not uploaded. */
function available(file: string, files: readonly string[] | undefined): string {
  if (files === undefined) return '';
  if (files.length === 0) return 'There are no boot files at all yet.';
  const like = (name: string) => (name.toLowerCase().startsWith(file.slice(0, 3).toLowerCase()) ? 0 : 1);
  const shown = files.toSorted((a, b) => like(a) - like(b)).slice(0, MAX_NAMES);
  return `Or load what is there: ${shown.join(', ')}${files.length > shown.length ? ', ...' : ''}`;
}

/** The board chose the name, and a user may copy the line: nothing in it is to mean anything to a shell. */
function uploadCommand(file: string): string {
  if (!/^\w[\w./+=:@%,-]*$/.test(file)) return 'rsync FILE BOARD:';
  return `rsync ${file.includes('/') ? '-R ' : ''}${file} BOARD:`;
}

/** Boards ask for files that need not be there: only the console tells whether it gave up. */
function missingFile(file: string, situation: Situation): Finding | undefined {
  const { files } = situation;
  const hasGivenUp = lastOf(situation, 'tftp-error', 'loader-error', 'bad-image', 'prompt') !== undefined;
  if (!hasGivenUp && isFresh(situation)) return undefined;
  const loaded = eventsOf(situation).findLast(
    (event) => event.event === 'tftp' && event.outcome === 'complete' && !event.stranger,
  );
  const isOptional = !hasGivenUp && loaded?.event === 'tftp';
  return {
    verdict: 'missing-file',
    stopped: STOPPED,
    why: `The board asked for the file "${file}", which is not among its boot files.${
      isOptional ? ` It may not need it: it has loaded "${loaded.file}".` : ''
    }`,
    advice: [`Upload it: ${uploadCommand(file)}`, available(file, files)].filter((line) => line !== ''),
  };
}

export function tftpFinding(event: TftpEvent, situation: Situation): Finding | undefined {
  const { file, outcome, result, bytes } = event;
  if (outcome === 'complete') return afterLoading(`"${file}" (${size(bytes)})`, situation);
  if (event.stranger) return strangerFinding(event, situation);
  if (result === 'File not found') return missingFile(file, situation);
  // U-Boot and PXE ask for the size first, and break off.
  if (result.startsWith('the client sent error')) return undefined;
  if (outcome === 'refused') {
    return {
      verdict: 'file-refused',
      stopped: STOPPED,
      why: `The TFTP server does not give the board the file "${file}": ${result}.`,
      advice: ['Upload it again, as a regular file: rsync -L FILE BOARD:'],
    };
  }
  return {
    verdict: 'transfer-failed',
    stopped: STOPPED,
    why: `The transfer of "${file}" broke off after ${size(bytes)}: ${result}.`,
    advice: ['Reset the board to try again. If it happens often, look at its network cable and switch.'],
  };
}

/** Not the board, or the board with an address that is not its own. */
function strangerFinding({ client, file }: TftpEvent, situation: Situation): Finding | undefined {
  const knows = eventsOf(situation).some((event) => event.event === 'tftp' && !event.stranger);
  if (knows) return undefined;
  return {
    verdict: 'unknown-address',
    stopped: STOPPED,
    why: `${client} asked for "${file}" of this board, but the address of the board is another one in tftpd.conf.`,
    advice: ['If it is the board, the administrator corrects address= of the board in tftpd.conf.'],
  };
}

function afterLoading(what: string, situation: Situation): Finding | undefined {
  if (isFresh(situation)) return undefined;
  if (situation.consoleLog !== 'watched') {
    return {
      verdict: 'loaded',
      stopped: 'after its files were loaded',
      why: `The board has loaded ${what} and then asked no server for anything.`,
      advice: ['Its console would tell more: stay connected (ssh BOARD console) while it boots.'],
    };
  }
  return {
    verdict: 'not-started',
    stopped: STOPPED,
    why: `The boot loader has loaded ${what}, but has not started it.`,
    advice: [
      'Give it the command that starts what was loaded (U-Boot: booti, bootz or bootm), or check bootcmd.',
    ],
  };
}

export function loadedFinding({ detail }: ConsoleEvent, situation: Situation): Finding | undefined {
  const asked = lastOf(situation, 'asks');
  const bytes = size(Number(detail));
  return afterLoading(asked === undefined ? bytes : `"${asked.detail}" (${bytes})`, situation);
}

/** The TFTP server may not know the board, and then nothing but the console tells what it answered. */
export function tftpErrorFinding({ detail }: ConsoleEvent, situation: Situation): Finding | undefined {
  const told = eventsOf(situation).findLast((event) => event.event === 'tftp');
  if (told !== undefined) return tftpFinding(told, situation);
  const file = lastOf(situation, 'asks')?.detail;
  if (file !== undefined && /not found/i.test(detail) && !situation.tftpJournal) {
    return missingFile(file, situation);
  }
  const ours = situation.tftpJournal
    ? 'It may be another server than this one, or the address is not one that tftpd.conf has for the board.'
    : '';
  return {
    verdict: 'tftp-error',
    stopped: STOPPED,
    why: `A TFTP server answered ${file === undefined ? 'the board' : `to "${file}"`}: ${detail}. ${ours}`.trim(),
    advice: ['Check the file name, and the server (U-Boot: serverip) that the board asks.'],
  };
}

export function noAnswerFinding({ detail }: ConsoleEvent, situation: Situation): Finding {
  const heard = eventsOf(situation).some((event) => event.event === 'tftp');
  const none = situation.tftpJournal && !heard ? ' This TFTP server has heard nothing from the board.' : '';
  return {
    verdict: 'no-answer',
    stopped: STOPPED,
    why: `The board gets no answer from the server that it asks (${detail}).${none}`,
    advice: [
      'Check the server address on the board (U-Boot: printenv serverip), its cable, and the firewall (UDP port 69).',
      'The administrator checks the address of the board in tftpd.conf and that novaboot-tftpd runs.',
    ],
  };
}

export function noDhcpFinding(): Finding {
  return {
    verdict: 'no-dhcp',
    stopped: STOPPED,
    why: 'No DHCP server answers the board.',
    advice: ['Check its network cable, and that the DHCP server runs and knows the board.'],
  };
}

export function noLinkFinding({ line }: ConsoleEvent): Finding {
  return {
    verdict: 'no-link',
    stopped: 'without a network',
    why: `The board has no network link: ${line.trim()}`,
    advice: ['Check the network cable and the switch it goes to.'],
  };
}

/** A bad image is often what is left in memory where the right one could not be loaded. */
export function badImageFinding({ detail }: ConsoleEvent, situation: Situation): Finding | undefined {
  const before = eventsOf(situation).findLast(
    (event) => isLoaded(event) || (hasFailed(event) && !isMarker(event, 'bad-image')),
  );
  if (before && hasFailed(before)) return undefined;
  return {
    verdict: 'bad-image',
    stopped: 'when the kernel was to be started',
    why: `What was loaded is no kernel for the command that is to start it: ${detail}`,
    advice: [
      'U-Boot: booti starts an uncompressed arm64 Image, bootz a zImage, bootm a uImage or FIT image.',
      'Check that the right file was loaded, and that kernel, ramdisk and device tree do not overlap in memory.',
    ],
  };
}

export function loaderErrorFinding({ detail }: ConsoleEvent, situation: Situation): Finding | undefined {
  const loaded = eventsOf(situation).findLast((event) => isLoaded(event) || hasFailed(event));
  if (loaded && !isMarker(loaded, 'loader-error')) return undefined;
  return {
    verdict: 'loader-error',
    stopped: STOPPED,
    why: `The boot loader says: ${detail}`,
    advice: ['Check what it is told to do: its bootcmd, or the commands that novaboot sends it.'],
  };
}

export function loaderCrashFinding({ detail }: ConsoleEvent): Finding {
  return {
    verdict: 'loader-crash',
    stopped: STOPPED,
    why: `The boot loader has crashed: ${detail}`,
    advice: ['Check the addresses that files are loaded to; they may lie where the boot loader itself is.'],
  };
}

/** Something was asked for. Server and console have clocks of their own, so their order says little. */
export function asksFinding({ detail }: ConsoleEvent, situation: Situation): Finding | undefined {
  const answered = eventsOf(situation).some((event) => event.event === 'tftp');
  if (isFresh(situation) || answered) return undefined;
  return noAnswerFinding(
    { event: 'console', marker: 'no-answer', time: 0, line: '', detail: `"${detail}"` },
    situation,
  );
}

export function loaderFinding({ detail }: ConsoleEvent, situation: Situation): Finding | undefined {
  if (isFresh(situation)) return undefined;
  const last = situation.boot.steps.at(-1)?.event;
  if (last && isMarker(last, 'prompt')) return undefined;
  return {
    verdict: 'loader-silent',
    stopped: STOPPED,
    why: `${detail} began, and has loaded nothing yet.`,
    advice: ['Look at its console: ssh BOARD console. It may wait there for a key, or for commands.'],
  };
}

/** It waits. If that is because something failed before, that is what counts. */
export function promptFinding({ detail }: ConsoleEvent, situation: Situation): Finding | undefined {
  const before = eventsOf(situation).findLast((event) => isLoaded(event) || hasFailed(event));
  if (before && hasFailed(before)) return undefined;
  if (before) return undefined;
  return {
    verdict: 'prompt',
    stopped: STOPPED,
    why: `The boot loader waits at its prompt (${detail}) for commands; nothing was loaded.`,
    advice: [
      'Boot with novaboot, or type the commands on the console (ssh BOARD console). To boot by itself, it needs a bootcmd.',
    ],
  };
}
