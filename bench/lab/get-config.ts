/** get-config of a user whose NFS server runs already, as a ratio to bare Node, run by run. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { median, program, time } from './figures.ts';

const ROUNDS = 40;

export async function measureGetConfig(): Promise<void> {
  const home = fs.mkdtempSync(path.join(os.homedir(), 'novaboot-bench-'));
  fs.writeFileSync(path.join(home, '.novaboot-shell'), 'target_config="--uboot=(uboot)"\n');
  fs.writeFileSync(path.join(home, '.novaboot-nfs'), 'allowed_clients=127.0.0.1\nserver_addr=127.0.0.1\n');
  const run = (command: string) =>
    time([program('novaboot-shell'), '-c', 'user bob'], { HOME: home, SSH_ORIGINAL_COMMAND: command });
  try {
    const first = run('get-config');
    const bare: number[] = [];
    const ours: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      bare.push(time([process.execPath, '-e', '0']));
      ours.push(run('get-config'));
    }
    const ratio = median(ours.map((value, round) => value / (bare[round] ?? Number.NaN)));
    console.log(
      `get-config with a warm NFS server: ${median(ours).toFixed(1)} ms, bare Node ${median(bare).toFixed(1)} ms,` +
        ` ratio ${ratio.toFixed(2)} (goal 1.5); that started it: ${first.toFixed(0)} ms`,
    );
  } finally {
    run('nfs stop');
    fs.rmSync(home, { recursive: true });
  }
}
