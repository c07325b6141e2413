/** The unit of XDR: RFC 4506 §3. */

/** Bytes. RFC 4506 §3 */
export const WORD = 4;
export const TWO_32 = 0x1_0000_0000;

/** Bytes that fill the last word of `length` bytes of opaque data. RFC 4506 §3 */
export function padding(length: number): number {
  return -length & (WORD - 1);
}
