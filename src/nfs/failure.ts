/** Tells whoever started the server why it does not serve. */

import { oneLine, writeLine } from '../system/log.ts';
import { notifier } from '../system/notify.ts';
import type { Stage } from './stage.ts';

export function tellFailure(message: string, stage: Stage | undefined): void {
  const line = `novaboot-nfsd: ${message}`;
  writeLine(2, line);
  // Who started a server in the background waits at its stdout.
  if (stage && !stage.options.foreground) writeLine(1, line);
  // What `systemctl show` has, also for accounts that may not read the journal.
  notifier(process.env.NOTIFY_SOCKET)(`STATUS=${oneLine(message)}`);
}
