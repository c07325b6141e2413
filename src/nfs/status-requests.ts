/** SIGUSR1: somebody changed what the server looks at, or wants to know how it is. */

import type { Log } from '../system/log.ts';
import { unblockSignal } from '../system/signals.ts';

export interface StatusRequests {
  readonly file: string | undefined;
  readonly log: Log;
  /** Looks at what may have changed. A promise if the status is to be written once more, after it. */
  look(): Promise<void> | undefined;
  write(file: string): void;
}

export function answerStatusRequests({ file, log, look, write }: StatusRequests): void {
  const carefully = <T>(action: () => T): T | undefined => {
    try {
      return action();
    } catch (error) {
      log('warning', `status: ${(error as Error).message}`);
      return undefined;
    }
  };
  const answer = () => {
    if (file === undefined) log('notice', 'no status without --port-file');
    else carefully(() => write(file));
  };
  process.on('SIGUSR1', () => {
    const more = carefully(look);
    answer();
    void more?.then(answer);
  });
  // Node blocks it as told by --disable-sigusr1 (confinement.ts), so that none is lost before this.
  unblockSignal('SIGUSR1');
}
