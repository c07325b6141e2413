/** The files of a program of ours, for what lets it start while it is confined. */
import fs from 'node:fs';
import path from 'node:path';

/** A bundle, or the sources with their packages. @param script what Node runs */
export function programFiles(script: string): string[] {
  const directory = path.dirname(fs.realpathSync(script));
  const beside = path.extname(script) === '.ts' ? ['src', 'package.json', 'node_modules'] : [];
  return [directory, ...beside.map((name) => path.join(directory, '..', name))];
}
