/** Text for a terminal of 80 columns. */

const WIDTH = 78;

/** @returns lines that begin with the indent; longer words than fit have a line of their own */
export function wrapped(text: string, indent: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || indent.length + last.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map((line) => `${indent}${line}\n`).join('');
}
