/** What the lines of sshd's configuration tell: sshd_config(5). */
import fs from 'node:fs';
import path from 'node:path';

const DIRECTORY = '/etc/ssh';

/** Keyword and arguments, without quotes: `Match User=x`, `match "user" x`. */
function words(line: string): string[] {
  return line
    .replaceAll('"', '')
    .trim()
    .split(/[\s=]+/);
}

/**
 * The words of all Match lines, criteria and patterns.
 *
 * @returns undefined where there may be more than these files have
 */
export function matchWords(directory = DIRECTORY): ReadonlySet<string> | undefined {
  const included = path.join(directory, 'sshd_config.d');
  try {
    const more = fs.existsSync(included)
      ? fs.readdirSync(included).map((name) => path.join(included, name))
      : [];
    const lines = [path.join(directory, 'sshd_config'), ...more].flatMap((file) =>
      fs.readFileSync(file, 'utf8').split('\n').map(words),
    );
    const of = (keyword: string) => lines.filter(([word = '']) => word.toLowerCase() === keyword);
    const others = of('include').filter((line) => line.slice(1).join(' ') !== path.join(included, '*.conf'));
    if (others.length > 0) return undefined;
    return new Set(of('match').flatMap((line) => line.slice(1)));
  } catch {
    return undefined;
  }
}
