/** Files of units/, for where the programs are. */
import fs from 'node:fs';
import path from 'node:path';

/** The place in units/: the README's. */
const WRITTEN = '/opt/novaboot-server/dist';

/**
 * Copies a file, or a directory with all in it.
 *
 * @param programs the directory of the programs
 */
export function copyUnits(from: string, to: string, programs: string): void {
  if (fs.statSync(from).isDirectory()) {
    fs.mkdirSync(to, { recursive: true });
    for (const name of fs.readdirSync(from)) copyUnits(path.join(from, name), path.join(to, name), programs);
  } else {
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.writeFileSync(to, fs.readFileSync(from, 'utf8').replaceAll(WRITTEN, programs));
  }
}
