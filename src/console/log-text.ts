/** What a terminal would show of a console, without what would steer it: the bytes come from whatever the board runs. */
import { StringDecoder } from 'node:string_decoder';

/** ECMA-48 §5.3 and §5.4: control sequences, such as colours; §5.6: command strings; other escape sequences. */
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)|[ -/]*[0-OQ-WYZ\\`-~])/g;
/** One of them that has begun at the end of the text. */
const BEGUN = /\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\n]*\x1b?|[ -/]*)$/;
/** Characters of one that has begun; a longer one is none. */
const MAX_ESCAPE = 256;
/** NUL, BEL, BS, SO, SI, ESC: nothing is to be seen of them. */
const SILENT = /[\0\x07\b\x0e\x0f\x1b]/g;
/** Other control characters but those of lines, C1 and bidirectional ones included. */
const CONTROL = /[\x01-\x06\x0b\x0c\x10-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Takes bytes in pieces of any length. Every line ends with a newline, also one that a carriage return would let the next one
 * overwrite.
 */
export class PlainText {
  private readonly decoder = new StringDecoder('utf8');
  private escape = '';
  private return = '';
  private atLineStart = true;

  push(bytes: Buffer): string {
    const text = this.escape + this.decoder.write(bytes);
    this.escape = BEGUN.exec(text.slice(-MAX_ESCAPE))?.[0] ?? '';
    return this.lines(text.slice(0, text.length - this.escape.length));
  }

  /** What has been held back. What follows is another text. */
  end(): string {
    const rest = this.lines(this.escape + this.decoder.end());
    this.escape = '';
    this.return = '';
    this.atLineStart = true;
    return rest;
  }

  private lines(text: string): string {
    const visible = text.replace(ESCAPES, '').replace(SILENT, '');
    let lines = (this.return + visible).replace(/\r+/g, '\r');
    this.return = lines.endsWith('\r') ? '\r' : '';
    if (this.return !== '') lines = lines.slice(0, -1);
    if (this.atLineStart && lines.startsWith('\r')) lines = lines.slice(1);
    if (lines === '') return '';
    this.atLineStart = lines.endsWith('\n');
    return lines.replace(/\r?\n\r?|\r/g, '\n').replace(CONTROL, '?');
  }
}

/** The text of one line. */
export function plainText(line: Buffer): string {
  const text = new PlainText();
  return `${text.push(line)}${text.end()}`.replaceAll('\n', ' ').trimEnd();
}
