/** CPU time and memory of a server's process (proc(5), clock_getcpuclockid(3)). */
import fs from 'node:fs';
import { define } from '../../src/system/libc.ts';

const clockGettime = define<[number, Buffer]>('int clock_gettime(int clock, void *time)');
const CPUCLOCK_SCHED = 2;
const timespec = Buffer.alloc(16);

/**
 * CPU time of all threads, those that have ended included. The same count as the first fields of
 * /proc/PID/task/N/schedstat, which leaves out ended threads and lags a tick behind for running ones.
 */
export function cpuNanoseconds(pid: number): number {
  clockGettime((~pid << 3) | CPUCLOCK_SCHED, timespec);
  return Number(timespec.readBigInt64LE(0)) * 1e9 + Number(timespec.readBigInt64LE(8));
}

function kilobytes(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((sum, [, number]) => sum + Number(number), 0);
}

/** VmHWM: the largest resident set so far, shared pages included, in KiB. */
export function peakMemory(pid: number): number {
  return kilobytes(fs.readFileSync(`/proc/${pid}/status`, 'latin1'), /^VmHWM:\s+(\d+) kB/gm);
}

/** Starts VmHWM anew. */
export function resetPeakMemory(pid: number): void {
  fs.writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Memory that nobody else shares, in KiB. */
export function ownMemory(pid: number): number {
  const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  return kilobytes(text, /^Private_(?:Clean|Dirty):\s+(\d+) kB/gm);
}

/** Clock ticks per second in /proc/stat, on every architecture. */
const USER_HZ = 100;

/**
 * Seconds that all processors worked so far, for anybody but nice programs, as those are that keep processors awake;
 * including what a hypervisor took away (proc(5), stat).
 */
export function busySeconds(): number {
  const line = /^cpu +(.*)$/m.exec(fs.readFileSync('/proc/stat', 'latin1'))?.[1] ?? '';
  const [user = 0, _nice, system = 0, _idle, _iowait, irq = 0, softirq = 0, steal = 0] = line
    .split(' ')
    .map(Number);
  return (user + system + irq + softirq + steal) / USER_HZ;
}
