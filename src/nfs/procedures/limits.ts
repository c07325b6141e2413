/** How much one call may carry, in bytes. */
import type { Context } from './procedure.ts';

/** RFC 1813 §3.3.19: rtmax and wtmax. */
export const MAX_DATA = 1_048_576;

/** With its header it fits a datagram of IPv4. */
const MAX_UDP_DATA = 32_768;

/** What a READ may ask for. */
export function maxData({ transport }: Context): number {
  return transport === 'udp' ? MAX_UDP_DATA : MAX_DATA;
}

/** Longer listings gain nothing, and keep all others waiting. */
export const MAX_LISTING = 65_536;

/** What a READDIR or READDIRPLUS is answered with at the most. */
export function maxListing(context: Context): number {
  return Math.min(maxData(context), MAX_LISTING);
}
