/** What is mounted where: /proc/self/mountinfo (proc(5)). */
import fs from 'node:fs';

/** Blanks and the like are octal there. */
function decoded(word: string): string {
  return word.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** Mount points in the directory, itself among them. @param table mountinfo's text */
export function mountsIn(
  directory: string,
  table = fs.readFileSync('/proc/self/mountinfo', 'utf8'),
): string[] {
  const points = table.split('\n').map((line) => decoded(line.split(' ')[4] ?? ''));
  return points.filter((point) => `${point}/`.startsWith(`${directory}/`));
}
