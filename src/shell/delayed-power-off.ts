/** Whether the board is switched off some time after its last session (units/novaboot-delayed-power-off.service). */
import fs from 'node:fs';
import path from 'node:path';

const UNIT = 'novaboot-delayed-power-off.service';

function entries(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch {
    // Nothing is enabled.
    return [];
  }
}

/** Where systemctl(1) has enabled the unit for this account, or for all. Then systemd switches the board, so that it knows. */
export function isPowerOffDelayed(home: string): boolean {
  return [path.join(home, '.config/systemd/user'), '/etc/systemd/user'].some((directory) =>
    entries(directory)
      .filter((name) => name.endsWith('.wants'))
      .some((name) => fs.existsSync(path.join(directory, name, UNIT))),
  );
}
