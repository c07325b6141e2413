/** Files of the host's own configuration: root's, and no secrets. */
import fs from 'node:fs';
import path from 'node:path';
import type { Change } from './change.ts';
import { changeFile, differences, type Texts } from './replace-file.ts';

/** Services that are not root read it. */
const MODE = 0o644;

function changeHostFile(file: string, texts: Texts): void {
  // For the directory too, whatever the administrator's is.
  const umask = process.umask(0o022);
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    changeFile(file, texts, MODE);
  } finally {
    process.umask(umask);
  }
}

/** @param texts what is there now, and is to be */
export function hostFileChange(file: string, texts: Texts): Change {
  const { before, after } = texts;
  const sign = before === undefined ? '+' : after === undefined ? '-' : '~';
  return {
    text: [`${sign} ${file}`, ...differences(texts)].join('\n'),
    apply: () => changeHostFile(file, texts),
    undo: () => changeHostFile(file, { before: after, after: before }),
  };
}
