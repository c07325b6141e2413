/** Troubles that a boot has overcome explain nothing of where it is now. */
import type { Step } from './boot.ts';
import type { BootEvent } from './event.ts';
import { isOfBoard, type Situation } from './finding.ts';
import type { Marker } from './markers.ts';

const NETWORK = ['no-network', 'no-link', 'no-dhcp'] as const;
const LOADER = [...NETWORK, 'no-answer', 'tftp-error', 'bad-image', 'loader-error'] as const;
const ROOT = ['no-address', 'no-root', 'no-nfsroot'] as const;

/** What shows that these troubles are over. */
const OVERCOME: Partial<Record<Marker | BootEvent['event'], readonly Marker[]>> = {
  dhcp: NETWORK,
  asks: NETWORK,
  loading: [...NETWORK, 'no-answer'],
  loaded: [...NETWORK, 'no-answer'],
  start: LOADER,
  kernel: LOADER,
  address: ['no-address'],
  root: ROOT,
  'first-read': ROOT,
  'init-read': ROOT,
  init: ROOT,
  login: [...ROOT, 'no-init', 'bad-init', 'emergency'],
  'nfs-back': ['nfs-silent'],
};

/** The steps of the last start without those troubles. */
export function withoutOvercome(situation: Situation): Step[] {
  const over = new Set<Marker>();
  const left: Step[] = [];
  for (const step of situation.boot.steps.toReversed()) {
    const { event } = step;
    if (event.event === 'console' && over.has(event.marker)) continue;
    left.push(step);
    if ('client' in event && !isOfBoard(event, situation)) continue;
    const sign = event.event === 'console' ? event.marker : event.event;
    for (const trouble of OVERCOME[sign] ?? []) over.add(trouble);
  }
  return left.reverse();
}
