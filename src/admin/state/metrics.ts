/** What is measured, and under which names: novaboot-admin(8), METRICS. */
import type { TftpStatus } from '../../tftp/status-file.ts';
import { ageOf, type BoardState } from './board-state.ts';
import type { FileSystem } from './disks.ts';
import { metric, type Sample } from './exposition.ts';
import type { NfsFigures } from './nfs-figures.ts';

export interface Measured {
  readonly boards: readonly BoardState[];
  readonly nfs: readonly NfsFigures[];
  /** undefined while it does not run. */
  readonly tftp: TftpStatus | undefined;
  readonly fileSystems: readonly FileSystem[];
  /** Of this measuring. */
  readonly seconds: number;
}

function boardMetrics(boards: readonly BoardState[]): string[] {
  const seen = boards.filter(({ problem }) => problem === null);
  const each = (value: (board: BoardState) => number | null) =>
    seen.map((board): Sample => [{ board: board.name }, value(board)]);
  const power = { on: 1, off: 0, unknown: null };
  return [
    metric(
      'novaboot_board_readable',
      'gauge',
      'Whether the home directory of the board can be looked at.',
      boards.map(({ name, problem }) => [{ board: name }, problem === null ? 1 : 0]),
    ),
    metric(
      'novaboot_board_held',
      'gauge',
      'Whether somebody has the board.',
      each(({ holder }) => (holder ? 1 : 0)),
    ),
    metric(
      'novaboot_board_waiters',
      'gauge',
      'Sessions that wait for the board.',
      each(({ waiters }) => waiters.length),
    ),
    metric(
      'novaboot_board_longest_wait_seconds',
      'gauge',
      'How long the first of those sessions has waited.',
      each(({ waiters }) => Math.max(0, ...waiters.map(ageOf))),
    ),
    metric(
      'novaboot_board_waits_total',
      'counter',
      'Sessions that waited and got the board.',
      each(({ waits }) => waits.count),
    ),
    metric(
      'novaboot_board_wait_seconds_total',
      'counter',
      'How long they waited.',
      each(({ waits }) => waits.seconds),
    ),
    metric(
      'novaboot_board_on',
      'gauge',
      'Whether the board was left on; absent where that is not known.',
      each((board) => power[board.power.state]),
    ),
  ];
}

function serverMetrics(boards: readonly BoardState[]): string[] {
  const servers = boards.flatMap(({ name, nfs }) =>
    nfs.map((server) => ({ labels: { board: name, user: server.user }, server })),
  );
  const open = servers.filter(({ server }) => server.state !== 'stopped');
  return [
    metric(
      'novaboot_nfs_running',
      'gauge',
      'Whether the NFS server of the user runs (1), or idles until somebody connects (0).',
      open.map(({ labels, server }) => [labels, server.state === 'running' ? 1 : 0]),
    ),
    metric(
      'novaboot_nfs_clients',
      'gauge',
      'Hosts that are connected to it by TCP.',
      open.map(({ labels, server }) => [labels, server.clients]),
    ),
    metric(
      'novaboot_roots_bytes',
      'gauge',
      "Disk usage of the user's root file systems, where a quota makes it known.",
      servers.map(({ labels, server }) => [labels, server.bytes]),
    ),
  ];
}

/** A server that others may have put in the place of ours names what it likes. */
const OPERATION = /^[A-Z0-9_]{1,32}$/;
const MAX_NAMES = 64;

function nfsMetrics(nfs: readonly NfsFigures[]): string[] {
  const each = (value: (status: NfsFigures['status']) => number) =>
    nfs.map(({ board, user, status }): Sample => [{ board, user }, value(status)]);
  const named = (label: string, values: (status: NfsFigures['status']) => Record<string, number>) =>
    nfs.flatMap(({ board, user, status }) =>
      Object.entries(values(status))
        .filter(([name]) => OPERATION.test(name))
        .slice(0, MAX_NAMES)
        .map(([name, value]): Sample => [{ board, user, [label]: name }, value]),
    );
  return [
    metric(
      'novaboot_nfs_operations_total',
      'counter',
      'Calls of NFS and MOUNT procedures that were answered.',
      named('operation', ({ operations }) => operations),
    ),
    metric(
      'novaboot_nfs_operation_seconds_total',
      'counter',
      'How long they took, from their arrival to the reply.',
      named('operation', ({ operationSeconds = {} }) => operationSeconds),
    ),
    metric(
      'novaboot_nfs_errors_total',
      'counter',
      'Answers with another status than NFS3_OK.',
      named('status', ({ errors }) => errors),
    ),
    metric(
      'novaboot_nfs_bad_calls_total',
      'counter',
      'Calls that reached no procedure.',
      each(({ rpcErrors }) => rpcErrors),
    ),
    metric(
      'novaboot_nfs_received_bytes_total',
      'counter',
      'Bytes from clients.',
      each(({ bytesRead }) => bytesRead),
    ),
    metric(
      'novaboot_nfs_sent_bytes_total',
      'counter',
      'Bytes to clients.',
      each(({ bytesWritten }) => bytesWritten),
    ),
    metric(
      'novaboot_nfs_resident_bytes',
      'gauge',
      'Memory of the server, with what it shares with others.',
      each(({ memory }) => memory.rss),
    ),
  ];
}

function tftpMetrics(tftp: TftpStatus | undefined): string[] {
  const boards = Object.entries(tftp?.boards ?? {});
  const outcomes = ['complete', 'failed', 'refused'] as const;
  const each = (name: 'bytes' | 'seconds' | 'retransmissions') =>
    boards.map(([board, counts]): Sample => [{ board }, counts[name]]);
  return [
    metric(
      'novaboot_tftp_running',
      'gauge',
      'Whether the TFTP server runs; 0 also before the first request since its socket was opened.',
      [[{}, tftp ? 1 : 0]],
    ),
    metric(
      'novaboot_tftp_requests_total',
      'counter',
      'Requests by what became of them; no board is the public tree, and whoever is no board.',
      boards.flatMap(([board, counts]) =>
        outcomes.map((outcome): Sample => [{ board, outcome }, counts[outcome]]),
      ),
    ),
    metric('novaboot_tftp_sent_bytes_total', 'counter', 'Bytes that clients acknowledged.', each('bytes')),
    metric(
      'novaboot_tftp_transfer_seconds_total',
      'counter',
      'How long transfers took together.',
      each('seconds'),
    ),
    metric(
      'novaboot_tftp_retransmissions_total',
      'counter',
      'Packets that were sent once more.',
      each('retransmissions'),
    ),
  ];
}

function diskMetrics(fileSystems: readonly FileSystem[]): string[] {
  const each = (value: (fileSystem: FileSystem) => number) =>
    fileSystems.map((one): Sample => [{ mountpoint: one.mountPoint }, value(one)]);
  return [
    metric(
      'novaboot_filesystem_size_bytes',
      'gauge',
      'File systems with homes and boot files.',
      each(({ bytes }) => bytes),
    ),
    metric(
      'novaboot_filesystem_free_bytes',
      'gauge',
      'What is left there for boards.',
      each(({ freeBytes }) => freeBytes),
    ),
    metric(
      'novaboot_filesystem_free_files',
      'gauge',
      'Files that can still be made there.',
      each(({ freeFiles }) => freeFiles),
    ),
  ];
}

export function metricsText({ boards, nfs, tftp, fileSystems, seconds }: Measured): string {
  return [
    metric('novaboot_boards', 'gauge', 'Boards of this host.', [[{}, boards.length]]),
    ...boardMetrics(boards),
    ...serverMetrics(boards),
    ...nfsMetrics(nfs),
    ...tftpMetrics(tftp),
    ...diskMetrics(fileSystems),
    metric('novaboot_metrics_seconds', 'gauge', 'How long it took to find all this out.', [[{}, seconds]]),
  ].join('');
}
