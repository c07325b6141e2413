/** What the TFTP server says of itself: a file that is there as long as the service. */
import { readRegularFile } from '../../system/regular-file.ts';
import { parseStatus, type TftpStatus } from '../../tftp/status-file.ts';

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
