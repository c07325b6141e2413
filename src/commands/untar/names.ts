/** The names of an archive on standard output, as tar prints them: one a line, what is not printable as an escape. */
import { writeOut } from '../../shell/output.ts';

const ESCAPES: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  92: '\\\\',
};

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Control and bidirectional characters among others, which a terminal would obey. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\\]/u;

function octal(byte: number): string {
  return ESCAPES[byte] ?? `\\${byte.toString(8).padStart(3, '0')}`;
}

/** Bytes of the UTF-8 character that begins with `byte`. */
function lengthOf(byte: number): number {
  if (byte < 0xc0) return 1;
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

export function escaped(name: Buffer): string {
  const text = name.toString('latin1');
  if (/^[\x20-\x5b\x5d-\x7e]*$/.test(text)) return text;
  let shown = '';
  for (let at = 0; at < name.length; ) {
    const character = name.subarray(at, at + lengthOf(name[at] as number));
    const decoded = decode(character);
    const isShown = decoded !== undefined && !OBEYED.test(decoded);
    shown += isShown ? decoded : octal(name[at] as number);
    at += isShown ? character.length : 1;
  }
  return shown;
}

function decode(bytes: Buffer): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bytes that are written at once. */
const ENOUGH = 16 * 1024;

export class NameList {
  private text = '';
  private isRead = true;

  add(name: Buffer): void {
    if (!this.isRead) return;
    this.text += `${escaped(name)}\n`;
    if (this.text.length >= ENOUGH) this.flush();
  }

  flush(): void {
    this.isRead = writeOut(this.text);
    this.text = '';
  }
}
