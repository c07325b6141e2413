/** As much of mdoc(7) as the descriptions of commands in docs/novaboot-shell.1 use, as plain text. */

import { wrapped } from './wrapped.ts';

const INDENT = 4;

/** Enclose what is behind them, but for punctuation at the end of the line. */
const AROUND: Readonly<Record<string, readonly [string, string]>> = {
  Ql: ["'", "'"],
  Dq: ['"', '"'],
  Op: ['[', ']'],
  Pq: ['(', ')'],
  Sx: ['"', '"'],
};
const OPENING: Readonly<Record<string, string>> = { Oo: '[', Po: '(' };
const CLOSING: Readonly<Record<string, string>> = { Oc: ']', Pc: ')' };

/** What the words behind a macro become, until the next one. */
const WORDS: Readonly<Record<string, (word: string, index: number) => string>> = {
  ...Object.fromEntries(['Cm', 'Em', 'Er', 'Ev', 'Ic', 'Li', 'No', 'Pa', 'Va'].map((name) => [name, same])),
  Ar: (word) => word.toUpperCase(),
  Fl: (word) => `-${word}`,
  Xr: (word, index) => (index === 0 ? word : `(${word})`),
};

const PUNCTUATION = /^[.,:;)?!]$/;

function same(word: string): string {
  return word;
}

function unescaped(text: string): string {
  return text.replace(/\\([&e-])/g, (_, name) => (name === 'e' ? '\\' : name === '-' ? '-' : ''));
}

/** Words with blanks between, where they belong. */
class Sentence {
  text = '';
  private blank = false;

  add(word: string, blankBefore = true, blankBehind = true): void {
    this.text += (this.blank && blankBefore ? ' ' : '') + word;
    this.blank = blankBehind;
  }

  join(): void {
    this.blank = false;
  }
}

/** One line of macros, without the dot. @throws Error for a macro that is not known here */
function addMacros(sentence: Sentence, tokens: readonly string[]): void {
  let shown = same as (word: string, index: number) => string;
  let index = 0;
  for (const [position, token] of tokens.entries()) {
    const around = AROUND[token];
    if (around !== undefined) {
      const rest = tokens.slice(position + 1);
      const end = rest.findLastIndex((word) => !PUNCTUATION.test(word)) + 1;
      sentence.add(around[0], true, false);
      addMacros(sentence, rest.slice(0, end));
      sentence.add(around[1], false);
      for (const word of rest.slice(end)) sentence.add(word, false);
      return;
    }
    const word = WORDS[token];
    if (word !== undefined) [shown, index] = [word, 0];
    else if (OPENING[token]) sentence.add(OPENING[token], true, false);
    else if (CLOSING[token]) sentence.add(CLOSING[token], false);
    else if (token === 'Ns') {
      sentence.join();
      shown = same;
    } else if (/^[A-Z][a-z]$/.test(token)) throw new Error(`Unknown macro in the manual: ${token}`);
    else if (PUNCTUATION.test(token)) sentence.add(token, false);
    else {
      sentence.add(unescaped(shown(token, index)), shown !== WORDS.Xr || index === 0);
      index += 1;
    }
  }
}

/** @param lines of a manual; lists and displays in them are complete @throws Error for a macro that is not known here */
export function plainText(lines: readonly string[]): string {
  let text = '';
  let depth = 0;
  let isLiteral = false;
  let sentence = new Sentence();
  const indent = (more = 0) => ' '.repeat((depth + more) * INDENT);
  const end = (more = 0) => {
    if (sentence.text !== '') text += wrapped(sentence.text, indent(more));
    sentence = new Sentence();
  };
  for (const line of lines) {
    const [macro = '', ...tokens] = line.startsWith('.') ? line.slice(1).split(/ +/) : [];
    if (macro === 'Ed' || macro === 'El' || macro === 'Bl' || macro === 'Bd' || macro === 'Pp') {
      end();
      if (macro === 'Bl') depth += 1;
      else if (macro === 'El') depth -= 1;
      else text += '\n';
      isLiteral = macro === 'Bd';
    } else if (macro === 'Ss' || macro === 'Sh') {
      end();
      text += `\n${tokens.join(' ')}\n\n`;
    } else if (isLiteral) {
      text += `${indent(1)}${unescaped(line)}\n`;
    } else if (macro === 'It') {
      end();
      addMacros(sentence, tokens);
      end(-1);
    } else if (macro !== '') {
      addMacros(sentence, [macro, ...tokens]);
    } else {
      for (const word of line.split(' ')) sentence.add(unescaped(word));
    }
  }
  end();
  return text.replace(/\n{3,}/g, '\n\n');
}
