/** What systemd is like here, told without asking it. */
import fs from 'node:fs';
import path from 'node:path';

const LINGERING = '/var/lib/systemd/linger';

/** sd_booted(3) */
export function isSystemdRunning(): boolean {
  return fs.existsSync('/run/systemd/system');
}

export function isLingering(name: string): boolean {
  return fs.existsSync(path.join(LINGERING, name));
}
