/** The console log for somebody who looks at it: harmless text, a time in front of each line, days and sessions marked. */
import { printable } from '../shell/text.ts';
import type { Piece } from './log-reader.ts';
import { PlainText } from './log-text.ts';

function digits(number: number, count: number): string {
  return String(number).padStart(count, '0');
}

/** 2026-11-21, local. */
function dayOf(date: Date): string {
  return `${date.getFullYear()}-${digits(date.getMonth() + 1, 2)}-${digits(date.getDate(), 2)}`;
}

/** 10:00:00, local. */
function clockOf(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => digits(part, 2)).join(':');
}

export class LogDisplay {
  private readonly text = new PlainText();
  private time = new Date(0);
  private day = '';
  private atLineStart = true;

  show({ time, bytes, user, lost }: Piece): string {
    const ended = user === undefined && lost === undefined ? '' : this.end();
    this.time = time;
    const gap = lost === undefined ? '' : this.note(`${lost} bytes could not be logged`);
    const begin = user === undefined ? '' : this.note(`console of ${printable(user ?? 'somebody')}`);
    return ended + gap + begin + this.lines(this.text.push(bytes));
  }

  /** The line that has begun ends here. */
  end(): string {
    const rest = this.lines(this.text.end());
    const newline = this.atLineStart ? '' : '\n';
    this.atLineStart = true;
    return rest + newline;
  }

  /** A line of our own. */
  private note(what: string): string {
    this.day = dayOf(this.time);
    return `--- ${`${this.day} ${clockOf(this.time)} ${what}`.trim()} ---\n`;
  }

  private lines(text: string): string {
    if (text === '') return '';
    const isNewDay = this.atLineStart && dayOf(this.time) !== this.day;
    const heading = isNewDay ? this.note('') : '';
    const stamp = `${clockOf(this.time)}.${digits(this.time.getMilliseconds(), 3)}  `;
    const first = this.atLineStart ? stamp : '';
    this.atLineStart = text.endsWith('\n');
    return heading + first + text.replace(/\n(?!$)/g, `\n${stamp}`);
  }
}
