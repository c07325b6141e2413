const MAX_BYTES = 200;

/** A name from an archive for a message: not long, and without what a terminal would obey. */
export function shown(name: Buffer): string {
  const text = name.toString('utf8', 0, MAX_BYTES);
  const plain = text.replace(/[\0-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '?');
  return name.length > MAX_BYTES ? `${plain}...` : plain;
}
