/** What servers and the shell have noted, and what comes of it. */
import { expect } from 'vitest';
import type { BootEvent, MountEvent, PowerEvent, TftpEvent } from '../../../src/commands/why/event.ts';
import type { Situation } from '../../../src/commands/why/finding.ts';
import { at, findingOf, ROOT } from './consoles.ts';

export const BANNER = 'U-Boot 2023.01 (Jun 22 2026)\n';
export const LINUX = `${BANNER}Starting kernel ...\n\n[    0.000000] Linux version 6.1.0\n`;

export function tftp(seconds: number, file: string, more: Partial<TftpEvent> = {}): TftpEvent {
  const [client, bytes] = ['192.0.2.1:1024', 1_000_000];
  const complete = { outcome: 'complete', result: 'complete', retransmissions: 0, seconds: 1 } as const;
  return { event: 'tftp', time: at(seconds), client, file, bytes, ...complete, ...more };
}

export function mount(seconds: number, more: Partial<MountEvent> = {}): MountEvent {
  const common = { event: 'mount', user: 'alice', client: '192.0.2.1', path: ROOT } as const;
  return { ...common, time: at(seconds), status: 'MNT3_OK', init: '/sbin/init', ...more };
}

export function initRead(seconds: number): BootEvent {
  return { event: 'init-read', time: at(seconds), user: 'alice', client: '192.0.2.1', path: '/sbin/init' };
}

export function power(
  seconds: number,
  action: PowerEvent['action'],
  more: Partial<PowerEvent> = {},
): PowerEvent {
  return { event: 'power', time: at(seconds), action, user: 'alice', status: 0, ...more };
}

export const refused = { outcome: 'refused', bytes: 0, seconds: 0, result: 'File not found' } as const;
export const UNSEEN = { consoleLog: 'none' } as const;

export interface Case {
  readonly events: readonly BootEvent[];
  readonly more?: Partial<Situation>;
  readonly verdict: string;
  readonly says: string;
}

export function check({ events, more = {}, verdict, says }: Case): void {
  const finding = findingOf(events, more);
  expect(finding).toMatchObject({ verdict, why: expect.stringContaining(says) });
  if (!['up', 'running'].includes(verdict)) expect(finding.advice).not.toEqual([]);
}
