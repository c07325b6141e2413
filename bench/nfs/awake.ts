/**
 * Keeps processors from halting, by loops that run when nothing else does (SCHED_IDLE). Where a hypervisor has to wake
 * a halted processor, one call at a time costs up to ten times as much, by where the scheduler happens to put the
 * client, and servers cannot be compared.
 */
import { spawn } from 'node:child_process';
import os from 'node:os';

/** With the lowest nice value too, so that /proc/stat tells the loops from work. They end with this process. */
const LOOP = ['setpriv', '--pdeathsig', 'KILL', 'nice', '-n', '19', 'chrt', '--idle', '0'];

/** @returns ends it */
export function keepAwake(): () => void {
  const [program = '', ...args] = LOOP;
  const loops = os
    .cpus()
    .map(() => spawn(program, [...args, 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' }));
  return () => {
    for (const loop of loops) loop.kill('SIGKILL');
  };
}
