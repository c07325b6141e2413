/** What keeps a boot loader from loading files, and what follows when it has loaded them. */
import { size } from '../../shell/text.ts';
import type { ConsoleEvent, TftpEvent } from './event.ts';
import {
  booting,
  eventsOf,
  type Finding,
  isFresh,
  lastOf,
  otherFinding,
  READ_LOG,
  type Situation,
} from './finding.ts';

const STOPPED = 'in the boot loader';
/** Names that are shown of those that a user could have meant. */
const MAX_NAMES = 8;

/** What the TFTP server answers if no file is to blame. */
const BAD_REQUEST = / in the file name$|read-only|^(?:Request|Mode|Option) /;

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
  if (!/^\w[\w./+=%,-]*$/.test(file)) return 'rsync FILE BOARD:';
  return `rsync ${file.includes('/') ? '-R ' : ''}${file} BOARD:`;
}

/** Boards ask for files that need not be there: only the console tells whether it gave up. */
function missingFile(file: string, situation: Situation): Finding {
  const { files } = situation;
  const hasGivenUp = lastOf(situation, 'tftp-error', 'loader-error', 'bad-image', 'prompt') !== undefined;
  if (!hasGivenUp && isFresh(situation)) return booting(situation);
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
    advice: isOptional
      ? [
          `If it needs the file, upload it: ${uploadCommand(file)}`,
          `If it does not, look further. ${READ_LOG}`,
        ]
      : [`Upload it: ${uploadCommand(file)}`, available(file, files)].filter((line) => line !== ''),
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
      advice: [
        BAD_REQUEST.test(result)
          ? 'Correct the command on the board: it may only read, by plain names below the directory of boot files.'
          : 'Upload it again, as a regular file: rsync -L FILE BOARD:',
      ],
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

function afterLoading(what: string, situation: Situation): Finding {
  if (isFresh(situation)) return booting(situation);
  const other = otherFinding(`The board has loaded ${what}. `, situation);
  if (other) return other;
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

/** From a disk, nothing tells the name. */
export function loadedFinding({ detail, line }: ConsoleEvent, situation: Situation): Finding {
  const asked = / read in /.test(line) ? undefined : lastOf(situation, 'asks');
  const bytes = size(Number(detail));
  return afterLoading(asked === undefined ? bytes : `"${asked.detail}" (${bytes})`, situation);
}

/** The TFTP server may not know the board, and then nothing but the console tells what it answered. */
export function tftpErrorFinding({ detail }: ConsoleEvent, situation: Situation): Finding | undefined {
  const told = eventsOf(situation).findLast((event) => event.event === 'tftp');
  if (told !== undefined && told.outcome !== 'complete') return tftpFinding(told, situation);
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

/** What the TFTP server noted decides. Server and console have clocks of their own, so their order says little. */
function isAnswered(asked: string, situation: Situation): boolean {
  return eventsOf(situation).some((event) => event.event === 'tftp' && asked.endsWith(event.file));
}

/** The server notes a transfer down when it is over. */
export function loadingFinding(_event: ConsoleEvent, situation: Situation): Finding | undefined {
  const asked = lastOf(situation, 'asks')?.detail;
  const what = asked === undefined ? 'a file' : `"${asked}"`;
  if (isFresh(situation)) return { ...booting(situation), why: `The board is loading ${what}.` };
  if (asked !== undefined && isAnswered(asked, situation)) return undefined;
  return {
    verdict: 'loading-stopped',
    stopped: `while it loaded ${what}`,
    why: 'The transfer began, but goes on no more.',
    advice: ['Reset the board to try again. If it happens often, look at its network cable and switch.'],
  };
}

export function asksFinding({ detail }: ConsoleEvent, situation: Situation): Finding | undefined {
  if (isFresh(situation)) return booting(situation);
  if (isAnswered(detail, situation)) return undefined;
  return noAnswerFinding(
    { event: 'console', marker: 'no-answer', time: 0, line: '', detail: `"${detail}"` },
    situation,
  );
}
