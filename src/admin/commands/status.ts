/** Shows the whole laboratory: who has which board, power, NFS servers, disks, and what the TFTP server has done. */
import { writeJson, writeOut } from '../../shell/output.ts';
import type { Occupant } from '../../shell/queue.ts';
import { diskSize } from '../../shell/quota-text.ts';
import { localTime, printable, size, table } from '../../shell/text.ts';
import { listeners } from '../../system/listening.ts';
import type { TftpStatus } from '../../tftp/status-file.ts';
import { boardNamed, listBoards } from '../boards.ts';
import type { AdminWords } from '../command.ts';
import { type BoardState, Look } from '../state/board-state.ts';
import { diskUsage, type FileSystem, fileSystemsOf } from '../state/disks.ts';
import { boardPlaces } from '../state/places.ts';
import { tftpProblems, tftpState } from '../state/tftp-state.ts';

interface Row extends BoardState {
  /** What the home directory and the boot files take; null where nobody has measured it. */
  readonly bytes: number | null;
}

/** Of the users whose quota makes it known. */
function knownBytes({ nfs }: BoardState): number | null {
  const known = nfs.flatMap(({ bytes }) => bytes ?? []);
  return known.length === 0 ? null : known.reduce((sum, bytes) => sum + bytes, 0);
}

function measured(places: ReadonlyMap<string, readonly string[]>): (board: string) => number | null {
  const usage = diskUsage([...places.values()].flat());
  return (board) => {
    const known = (places.get(board) ?? []).flatMap((place) => usage.get(place) ?? []);
    return known.length === 0 ? null : known.reduce((sum, bytes) => sum + bytes, 0);
  };
}

/** "2 running (3 clients), 1 idle" */
function nfsText(nfs: BoardState['nfs']): string {
  const count = (wanted: string) => nfs.filter(({ state }) => state === wanted).length;
  const clients = nfs.reduce((sum, server) => sum + server.clients, 0);
  const [running, idle] = [count('running'), count('idle')];
  const parts = [
    ...(running > 0 ? [`${running} running${clients > 0 ? ` (${clients} clients)` : ''}`] : []),
    ...(idle > 0 ? [`${idle} idle`] : []),
  ];
  return parts.join(', ') || '-';
}

/** Who has it without a name does not tell since when. */
function holderText({ user, since }: Occupant): string {
  return since === '?' ? user : `${user} since ${since.replace('_', ' ')}`;
}

function cells({ name, problem, holder, waiters, power, keep, nfs, bytes }: Row): string[] {
  if (problem !== null) return [name, '?', printable(problem)];
  return [
    name,
    holder === null ? 'free' : holderText(holder),
    waiters.map(({ user }) => user).join(' ') || '-',
    power.state === 'unknown' ? '?' : `${power.state}${keep === null ? '' : ' (kept)'}`,
    nfsText(nfs),
    bytes === null ? '-' : diskSize(bytes),
  ];
}

const TFTP_PORT = 69;

function tftpText(status: TftpStatus | undefined): string {
  if (status === undefined) {
    return listeners('udp', TFTP_PORT).length > 0
      ? 'The TFTP server waits for its first request.\n'
      : 'Nobody serves TFTP: see systemctl status novaboot-tftpd.socket\n';
  }
  const all = Object.values(status.boards);
  const sum = (name: 'complete' | 'failed' | 'refused' | 'bytes') =>
    all.reduce((total, counts) => total + counts[name], 0);
  const counts = `${sum('complete')} files (${size(sum('bytes'))}), ${sum('failed')} failed, ${sum('refused')} refused`;
  return `The TFTP server has sent ${counts} since ${localTime(status.startedAt)}.\n`;
}

function problemsText(problems: readonly string[]): string {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more: novaboot-tftpd --check)` : '';
  return first === undefined ? '' : `What it does not serve: ${printable(first)}${more}\n`;
}

function diskText({ mountPoint, bytes, freeBytes, files, freeFiles }: FileSystem): string {
  const inodes = files === 0 ? '' : `, ${freeFiles} of ${files} files`;
  return `${printable(mountPoint)} has ${diskSize(freeBytes)} of ${diskSize(bytes)} free${inodes}.\n`;
}

function statusText(
  rows: readonly Row[],
  tftp: TftpStatus | undefined,
  problems: readonly string[],
  fileSystems: readonly FileSystem[],
): string {
  const boards =
    rows.length === 0
      ? 'There is no board yet: novaboot-admin add-board makes one\n'
      : table([['BOARD', 'HOLDER', 'WAITING', 'POWER', 'NFS', 'DISK'], ...rows.map(cells)]);
  return `${boards}\n${tftpText(tftp)}${problemsText(problems)}${fileSystems.map(diskText).join('')}`;
}

export function run(words: AdminWords): void {
  const boards = words.args.length > 0 ? words.args.map(boardNamed) : listBoards();
  const look = new Look();
  const states = boards.map((account) => look.board(account));
  const places = boardPlaces(boards);
  const bytesOf = words.has('disk') ? measured(places) : undefined;
  const rows = states.map(
    (state): Row => ({
      ...state,
      bytes: bytesOf === undefined ? knownBytes(state) : bytesOf(state.name),
    }),
  );
  const tftp = tftpState();
  const problems = tftpProblems();
  const fileSystems = fileSystemsOf([...places.values()].flat());
  if (words.has('json')) writeJson({ boards: rows, tftp: tftp ?? null, tftpProblems: problems, fileSystems });
  else writeOut(statusText(rows, tftp, problems, fileSystems));
}
