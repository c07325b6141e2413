/** XDR by hand. */

import type { Xdr } from '../../../src/nfs/wire/xdr.ts';
import { Reader } from '../../../src/nfs/wire/xdr-reader.ts';
import { Writer } from '../../../src/nfs/wire/xdr-writer.ts';

/** Bytes written as hexadecimal digits, in groups as one likes. */
export function hex(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(/\s/g, ''), 'hex');
}

export function encode<T>(type: Xdr<T>, value: T): Buffer {
  const writer = new Writer();
  type.write(writer, value);
  return Buffer.from(writer.bytes());
}

/** @throws Error if bytes are left; XdrError */
export function decode<T>(type: Xdr<T>, bytes: Buffer): T {
  const reader = new Reader().reset(bytes);
  const value = type.read(reader);
  if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes are left`);
  return value;
}
