/** This process: its parent, its group, its limits, and its replacement by another program. */
import { constants } from 'node:os';
import { closeOnExec, passOn, setBlocking } from './descriptors.ts';
import { define } from './libc.ts';

const PR_SET_PDEATHSIG = 1;
const PR_SET_NO_NEW_PRIVS = 38;
const prctl = define<[option: number, a2: number, a3: number, a4: number, a5: number]>(
  'int prctl(int option, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5)',
);

/** The signal that the kernel sends us when our parent dies, also after execve(2); 0 for none. */
export function setParentDeathSignal(signal: number): void {
  prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0);
}

/** No program run from here on gains rights, by set-id bits or file capabilities. */
export function setNoNewPrivileges(): void {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/** Makes this process the leader of a new process group. Fails (EPERM) for a session leader, which is one. */
export const setpgid = define<[pid: number, group: number]>('int setpgid(int pid, int pgid)');

const exit = define<[status: number]>('int _exit(int status)');

/** Ends the process at once, also while one of its threads is blocked in a system call. */
export function exitNow(status: number): never {
  exit(status);
  throw new Error('_exit returned');
}

const signalAction = define<[signal: number, handler: number]>(
  'intptr_t signal(int signum, intptr_t handler)',
);
const SIG_DFL = 0;

const RLIMIT_NOFILE = 7;
const prlimit = define<
  [pid: number, resource: number, limit: BigUint64Array | null, old: BigUint64Array | null]
>('int prlimit(int pid, int resource, const void *new_limit, _Out_ void *old_limit)');

/** RLIMIT_NOFILE as it is now. */
export function openFileLimit(): number {
  const limit = new BigUint64Array(2);
  prlimit(0, RLIMIT_NOFILE, null, limit);
  return Number(limit[0]);
}

/** RLIMIT_NOFILE as programs that we start are to have it. */
export function setSoftFileLimit(soft: bigint): void {
  const limit = new BigUint64Array(2);
  prlimit(0, RLIMIT_NOFILE, null, limit);
  prlimit(0, RLIMIT_NOFILE, BigUint64Array.of(soft, limit[1] ?? soft), null);
}

/** What to run in place of this process. */
export interface Program {
  /** Absolute path. */
  readonly file: string;
  /** argv, beginning with argv[0]. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Descriptors that it has besides 0 to 2, under the same numbers, when it replaces this process. */
  readonly descriptors?: readonly number[];
}

/**
 * Replaces this process (execve(2)), giving the program what a process has that a plain sh started: Node ignores
 * SIGPIPE and SIGXFSZ, raises the limit of open files, and may have made 0 to 2 non-blocking.
 *
 * @param keep further descriptors, besides the program's own; every other one is closed
 * @param softFileLimit the caller's RLIMIT_NOFILE before Node raised it, if known
 */
export function replaceProcess(program: Program, keep: readonly number[], softFileLimit?: bigint): never {
  signalAction(constants.signals.SIGPIPE, SIG_DFL);
  signalAction(constants.signals.SIGXFSZ, SIG_DFL);
  if (softFileLimit !== undefined) setSoftFileLimit(softFileLimit);
  for (const fd of [0, 1, 2]) setBlocking(fd);
  closeOnExec(3);
  for (const fd of [...keep, ...(program.descriptors ?? [])]) passOn(fd, fd);
  process.execve?.(program.file, [...program.args], { ...program.env });
  throw new Error('execve(2) needs Linux and Node 22.15');
}
