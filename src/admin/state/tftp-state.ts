/** What the TFTP server says of itself: a file that is there as long as the service. */
import fs from 'node:fs';
import { readRegularFile } from '../../system/regular-file.ts';
import { findProblems } from '../../tftp/check.ts';
import { CONFIG } from '../../tftp/config-files.ts';
import { parseStatus, type TftpStatus } from '../../tftp/status-file.ts';

/** What is wrong in its configuration, as `check` tells it. */
export function tftpProblems(): readonly string[] {
  return fs.existsSync(CONFIG) ? findProblems(CONFIG) : [];
}

/** RuntimeDirectory= of the unit. */
const STATUS_FILE = '/run/novaboot-tftpd/status';

/** undefined while it does not run: its socket starts it with the first request. */
export function tftpState(file = STATUS_FILE): TftpStatus | undefined {
  try {
    return parseStatus(readRegularFile(file)?.toString() ?? '');
  } catch {
    return undefined;
  }
}
