/** What the manual says of a command: it lies beside the installed program, and in docs/ of the repository. */
import fs from 'node:fs';
import path from 'node:path';
import { plainText } from './mdoc.ts';

const NAME = 'novaboot-shell.1';

/** @returns undefined where it was not installed */
function readManual(program: string): string | undefined {
  const own = path.dirname(program);
  for (const file of [path.join(own, NAME), path.join(own, '../docs', NAME)]) {
    if (fs.existsSync(file)) return fs.readFileSync(file, 'utf8');
  }
  return undefined;
}

/** The lines of a command's item in a list, without the first. */
function itemLines(lines: readonly string[], name: string): readonly string[] {
  const start = lines.findIndex((line) => line === `.It Cm ${name}` || line.startsWith(`.It Cm ${name} `));
  let depth = 0;
  const end = lines.findIndex((line, index) => {
    if (index <= start) return false;
    if (line.startsWith('.Bl')) depth += 1;
    if (line.startsWith('.El')) depth -= 1;
    return depth < 0 || (depth === 0 && line.startsWith('.It'));
  });
  return start === -1 ? [] : lines.slice(start + 1, end);
}

/** The lines of a section or a subsection. */
function sectionLines(lines: readonly string[], title: string): readonly string[] {
  const start = lines.findIndex((line) => line === `.Sh ${title}` || line === `.Ss ${title}`);
  const isSection = lines[start]?.startsWith('.Sh');
  const end = lines.findIndex(
    (line, index) => index > start && (line.startsWith('.Sh') || (!isSection && line.startsWith('.Ss'))),
  );
  return start === -1 ? [] : lines.slice(start, end);
}

/** With the sections that it points to. @param program the running one @returns nothing if the manual is not there */
export function manualOf(name: string, program = process.argv[1] ?? ''): string {
  const lines = readManual(program)?.split('\n') ?? [];
  const item = itemLines(lines, name);
  const titles = item.flatMap((line) => /^\.Sx (.*?)( [.,;])?$/.exec(line)?.[1] ?? []);
  return plainText([...item, ...titles.flatMap((title) => sectionLines(lines, title))]);
}
