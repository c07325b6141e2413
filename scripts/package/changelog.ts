/** The package's change log in Debian's format (deb-changelog(5)), from CHANGELOG.md. */
import fs from 'node:fs';
import path from 'node:path';
import { sourceDate } from './source-date.ts';

const CHANGELOG = path.resolve(import.meta.dirname, '../../CHANGELOG.md');
export const MAINTAINER = 'novaboot-server authors <authors@novaboot-server.invalid>';
const LINE = 80;

/** The entries of the newest section, as text. */
function newest(markdown: string): string[] {
  const [, section = ''] = markdown.split(/^## .*$/m);
  return section.split(/^- /m).slice(1);
}

/** One entry, in lines that are not too long. */
function entryLines(entry: string): string {
  const lines = ['  *'];
  for (const word of entry.trim().split(/\s+/)) {
    if (`${lines.at(-1)} ${word}`.length > LINE) lines.push('   ');
    lines.push(`${lines.pop()} ${word}`);
  }
  return `${lines.join('\n')}\n`;
}

/** @param version without the epoch */
export function changelog(version: string): string {
  const markdown = fs.readFileSync(CHANGELOG, 'utf8');
  const date = new Date(sourceDate() * 1000).toUTCString().replace('GMT', '+0000');
  const entries = newest(markdown).map(entryLines);
  return `novaboot-server (1:${version}) unstable; urgency=medium\n\n${entries.join('')}\n -- ${MAINTAINER}  ${date}\n`;
}
