/** The escape key of a console on a terminal: Ctrl-], as with telnet. */

/** Ctrl-] */
const ESCAPE = 0x1d;

/** What the user's input is: bytes for the board, or a wish. */
export type Input = { readonly type: 'bytes'; readonly bytes: Buffer } | { readonly type: Wish };

export type Wish = 'break' | 'leave' | 'help';

const WISHES: Readonly<Record<string, Wish>> = { b: 'break', q: 'leave', '?': 'help' };

export const ESCAPE_HELP = `Ctrl-] q  leave the console
Ctrl-] b  send a break
Ctrl-] Ctrl-]  send Ctrl-] itself
`;

/** Splits input at escapes, wherever the chunks of it end. */
export class EscapeKey {
  private pending = false;

  split(chunk: Buffer): Input[] {
    const parts: Input[] = [];
    let from = 0;
    const flush = (to: number) => {
      if (to > from) parts.push({ type: 'bytes', bytes: chunk.subarray(from, to) });
    };
    for (let at = 0; at < chunk.length; at += 1) {
      if (this.pending) {
        this.pending = false;
        parts.push(this.meant(chunk[at] as number));
        from = at + 1;
      } else if (chunk[at] === ESCAPE) {
        flush(at);
        this.pending = true;
        from = at + 1;
      }
    }
    flush(chunk.length);
    return parts;
  }

  private meant(key: number): Input {
    if (key === ESCAPE) return { type: 'bytes', bytes: Buffer.of(ESCAPE) };
    // Also with Ctrl held down a little longer.
    const name = String.fromCharCode(key < 0x20 ? key + 0x60 : key).toLowerCase();
    return { type: WISHES[name] ?? 'help' };
  }
}
