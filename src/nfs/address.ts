const IPV4_MAPPED = /^::ffff:(?=[\d.]+$)/i;

/** A numeric address as its family writes it, also where a socket for both families has an IPv4 one. RFC 4291 §2.5.5.2 */
export function plainAddress(address: string): string {
  return address.replace(IPV4_MAPPED, '');
}
