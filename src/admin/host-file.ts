/** Files of the host's own configuration: root's, and no secrets. */
import fs from 'node:fs';
import path from 'node:path';
import type { Change } from './change.ts';
import { differences } from './home-file.ts';

/** Whole or not at all; on disk before it takes the old one's place. @param text undefined: removes the file */
function writeHostFile(file: string, text: string | undefined): void {
  if (text === undefined) {
    fs.rmSync(file, { force: true });
    return;
  }
  const directory = path.dirname(file);
  const temporary = path.join(directory, `.${path.basename(file)}.new`);
  // Services that are not root read it, whatever the administrator's umask is.
  const umask = process.umask(0o022);
  try {
    fs.mkdirSync(directory, { recursive: true });
    fs.rmSync(temporary, { force: true });
    fs.writeFileSync(temporary, text, { mode: 0o644, flush: true });
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  } finally {
    process.umask(umask);
  }
}

/**
 * @param before what is there now
 * @param after undefined: the file is to go
 */
export function hostFileChange(
  file: string,
  { before, after }: { before: string | undefined; after: string | undefined },
): Change {
  const sign = before === undefined ? '+' : after === undefined ? '-' : '~';
  return {
    text: [`${sign} ${file}`, ...differences(before ?? '', after ?? '')].join('\n'),
    apply: () => writeHostFile(file, after),
    undo: () => writeHostFile(file, before),
  };
}
