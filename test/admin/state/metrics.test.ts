/** The text of the metrics, as Prometheus' own tool reads it. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { BoardState } from '../../../src/admin/state/board-state.ts';
import { metric } from '../../../src/admin/state/exposition.ts';
import { type Measured, metricsText } from '../../../src/admin/state/metrics.ts';
import type { NfsFigures } from '../../../src/admin/state/nfs-figures.ts';

/** scripts/test-daemons.sh */
const PROMTOOL = path.resolve(
  import.meta.dirname,
  '../../../node_modules/.cache/novaboot-prometheus/usr/bin/promtool',
);

/** What promtool finds to say: nothing. */
function verdict(text: string): string {
  if (!fs.existsSync(PROMTOOL)) throw new Error(`${PROMTOOL} is missing: sh scripts/setup.sh test`);
  const { status, stdout, stderr, error } = spawnSync(PROMTOOL, ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
    timeout: 20_000,
  });
  return `${stdout}${stderr}${error?.message ?? ''}${status === 0 ? '' : `status ${status}`}`;
}

const UNKNOWN = { state: 'unknown', since: null, user: null } as const;

const board = (name: string, more: Partial<BoardState> = {}): BoardState => ({
  ...{ name, problem: null, holder: null, waiters: [], power: UNKNOWN, keep: null, nfs: [] },
  waits: { count: 0, seconds: 0 },
  ...more,
});

const occupant = (user: string, waiting: boolean) => ({
  ...{ pid: process.pid, waiting, user, since: '2026-11-21_10:00:00', from: 'host' },
});

const server = (user: string, more: object) =>
  ({ user, state: 'idle', pid: null, port: 2000, clients: 0, bytes: null, ...more }) as const;

function figures(more: Partial<NfsFigures['status']>): NfsFigures['status'] {
  return {
    ...{ version: 1, pid: 1, port: 2000, export: '/x', startedAt: '', uptimeSeconds: 1 },
    ...{ ownership: 'xattr', unattributed: 'root', landlock: 7, connections: 1, clients: [], mounts: [] },
    ...{ operations: {}, errors: {}, rpcErrors: 0, bytesRead: 0, bytesWritten: 0, duplicateReplies: 0 },
    memory: { rss: 50_000_000 },
    ...more,
  };
}

const NOTHING: Measured = { boards: [], nfs: [], tftp: undefined, fileSystems: [], seconds: 0.1 };

const LAB: Measured = {
  boards: [
    board('rpi4', {
      holder: occupant('alice', false),
      waiters: [occupant('bob', true), occupant('carol', true)],
      power: { state: 'on', since: '2026-11-21T10:00:00Z', user: 'alice' },
      waits: { count: 3, seconds: 12.5 },
      nfs: [server('alice', { state: 'running', clients: 2, bytes: 1e9 }), server('bob', {})],
    }),
    board('off', { power: { state: 'off', since: null, user: null } }),
    board('gone', { problem: '/home/gone: no such file or directory' }),
  ],
  nfs: [
    {
      board: 'rpi4',
      user: 'alice',
      status: figures({
        operations: { GETATTR: 12, READ: 3 },
        operationSeconds: { GETATTR: 0.000123, READ: 1.5 },
        errors: { NFS3ERR_NOENT: 2 },
        bytesRead: 100,
        bytesWritten: 2 ** 40,
      }),
    },
  ],
  tftp: {
    version: 1,
    pid: 1,
    startedAt: '2026-11-21T10:00:00Z',
    boards: {
      rpi4: { complete: 5, refused: 1, failed: 2, bytes: 1e7, seconds: 3.25, retransmissions: 4 },
      '': { complete: 1, refused: 9, failed: 0, bytes: 10, seconds: 0.1, retransmissions: 0 },
    },
  },
  fileSystems: [{ mountPoint: '/home', bytes: 1e11, freeBytes: 5e10, files: 1e6, freeFiles: 9e5 }],
  seconds: 0.25,
};

it('is what Prometheus reads, with and without boards', () => {
  expect(verdict(metricsText(LAB))).toBe('');
  expect(verdict(metricsText(NOTHING))).toBe('');
  // That it would say so.
  expect(verdict(`${metricsText(NOTHING)}novaboot_boards{ 1\n`)).not.toBe('');
});

it('tells who is waited for, what servers did, and nothing that is not known', () => {
  const lines = metricsText(LAB).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'novaboot_boards 3',
      'novaboot_board_readable{board="gone"} 0',
      'novaboot_board_held{board="rpi4"} 1',
      'novaboot_board_held{board="off"} 0',
      'novaboot_board_waiters{board="rpi4"} 2',
      'novaboot_board_waits_total{board="rpi4"} 3',
      'novaboot_board_wait_seconds_total{board="rpi4"} 12.5',
      'novaboot_board_on{board="rpi4"} 1',
      'novaboot_board_on{board="off"} 0',
      'novaboot_nfs_running{board="rpi4",user="alice"} 1',
      'novaboot_nfs_running{board="rpi4",user="bob"} 0',
      'novaboot_nfs_clients{board="rpi4",user="alice"} 2',
      'novaboot_roots_bytes{board="rpi4",user="alice"} 1000000000',
      'novaboot_nfs_operations_total{board="rpi4",user="alice",operation="GETATTR"} 12',
      'novaboot_nfs_operation_seconds_total{board="rpi4",user="alice",operation="GETATTR"} 0.000123',
      'novaboot_nfs_errors_total{board="rpi4",user="alice",status="NFS3ERR_NOENT"} 2',
      'novaboot_nfs_sent_bytes_total{board="rpi4",user="alice"} 1099511627776',
      'novaboot_tftp_running 1',
      'novaboot_tftp_requests_total{board="rpi4",outcome="failed"} 2',
      'novaboot_tftp_requests_total{board="",outcome="refused"} 9',
      'novaboot_filesystem_free_bytes{mountpoint="/home"} 50000000000',
    ]),
  );
  expect(lines.filter((line) => /gone/.test(line))).toEqual(['novaboot_board_readable{board="gone"} 0']);
  expect(lines.filter((line) => /roots_bytes.*bob/.test(line))).toEqual([]);
});

it('lets a server in the place of ours say nothing but names and numbers', () => {
  const operations = Object.fromEntries(Array.from({ length: 1000 }, (_, number) => [`A${number}`, 1]));
  const status = figures({ operations, errors: { 'x"} 1\nnovaboot_boards 99': 1 }, bytesRead: Number.NaN });
  const text = metricsText({ ...NOTHING, nfs: [{ board: 'b', user: 'u', status }] });
  expect(text.match(/^novaboot_nfs_operations_total\{/gm)).toHaveLength(64);
  expect(text).not.toContain('99');
  expect(text).not.toContain('NaN');
});

it('escapes what has a meaning in labels', () => {
  const text = metric('a_total', 'counter', 'Help.', [[{ a: 'x"y\\z\nw' }, 1]]);
  expect(text).toContain('a_total{a="x\\"y\\\\z\\nw"} 1\n');
  expect(verdict(text)).toBe('');
});
