/** Tells when the console log grows. */
import fs from 'node:fs';

/** What comes in this time is shown together. */
const TOGETHER_MS = 20;

/**
 * Calls `look` now and whenever the log has grown, without polling, also when another file begins.
 *
 * @returns ends it
 */
export function watchLog(directory: string, look: () => void): () => void {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  let timer: NodeJS.Timeout | undefined;
  const watcher = fs.watch(directory, () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      look();
    }, TOGETHER_MS);
  });
  look();
  return () => {
    watcher.close();
    clearTimeout(timer);
  };
}
