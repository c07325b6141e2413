/** netascii of RFC 1350 §1, as RFC 764 has it: a line ends with CR LF, and a CR that ends none is followed by NUL. */

const LF = 0x0a;
const CR = 0x0d;
const NUL = 0x00;

/** Translates a file's bytes as they come: each LF is an end of line. @returns up to twice as many bytes */
export function toNetascii(bytes: Buffer): Buffer {
  const translated = Buffer.allocUnsafe(bytes.length * 2);
  let end = 0;
  for (const byte of bytes) {
    if (byte === LF) translated[end++] = CR;
    translated[end++] = byte;
    if (byte === CR) translated[end++] = NUL;
  }
  return translated.subarray(0, end);
}
