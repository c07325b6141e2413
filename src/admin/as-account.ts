/**
 * What is done in a board's home is done with the rights of its account: whoever has a shell there may have put links,
 * FIFOs and the like in our way, and they lead to nothing that the account could not reach itself.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import type { Account } from './account.ts';

type Ids = Pick<Account, 'name' | 'uid' | 'gid'>;

/**
 * Runs `work` with the effective ids of the account and its primary group alone. The account can do nothing to this
 * process meanwhile, since the real uid stays root's: so no program may be started in it.
 *
 * Somebody else than root runs it with the rights that there are.
 *
 * @param work synchronous: whatever runs later is root again
 */
export function asAccount<T>({ uid, gid }: Pick<Ids, 'uid' | 'gid'>, work: () => T): T {
  const groups = process.getgroups?.() ?? [];
  const group = process.getegid?.() ?? 0;
  if (process.geteuid?.() !== 0) return work();
  process.setgroups?.([gid]);
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(group);
    process.setgroups?.(groups);
  }
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What a login has, without the variables of a session. */
export function accountEnvironment({ name, uid, home, shell }: Account): Record<string, string> {
  const login = { PATH, HOME: home, USER: name, LOGNAME: name, SHELL: shell, LC_ALL: 'C' };
  return { ...login, XDG_RUNTIME_DIR: `/run/user/${uid}` };
}

/** What stands before a command line that is to run as the account, with all its groups. */
export function accountWords({ uid, gid }: Pick<Ids, 'uid' | 'gid'>): string[] {
  if (process.geteuid?.() !== 0) return [];
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--'];
}

/** linux/capability.h */
const CAP_SYS_ADMIN = 21n;

function mayMakeNamespaces(): boolean {
  const capabilities = /^CapEff:\s+([0-9a-f]+)$/m.exec(fs.readFileSync('/proc/self/status', 'latin1'))?.[1];
  return ((BigInt(`0x${capabilities ?? 0}`) >> CAP_SYS_ADMIN) & 1n) === 1n;
}

/** Of each process: more than Node needs, whose own memory is mostly address space (so none of --as). */
const MAX_BYTES = 2_000_000_000;

/** All tasks of the account count, those of its servers and sessions too. */
const MAX_TASKS = 1000;

/**
 * What stands before a command line of what an account may have made to do anything. Nothing of it is left when it
 * ends, or is killed: processes that stay behind would be in root's session, out of reach of what bounds the account.
 * Where memory runs out nevertheless, the kernel ends these before all others.
 */
export function boundWords(): string[] {
  // The first process there stays root's: one that changes its ids does not end with its parent any more (prctl(2)).
  const first = ['/bin/sh', '-c', '"$@"; exit $?', 'sh'];
  const alone = mayMakeNamespaces() ? ['unshare', '--pid', '--fork', '--kill-child', '--', ...first] : [];
  const limits = [`--data=${MAX_BYTES}`, `--nproc=${MAX_TASKS}`, '--core=0'];
  // Outside: choom(1) writes by process id, and in the namespace its own is that of the host's init.
  return ['choom', '-n', '1000', '--', ...alone, 'prlimit', ...limits, '--'];
}

const LIMIT_MS = 10_000;
const MAX_OUTPUT = 16 * 1024 * 1024;

interface RunOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  /** Besides accountEnvironment(). */
  readonly env?: Readonly<Record<string, string>>;
}

interface Ran {
  /** null when it did not end in time, or could not be started. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program as the account, with all its groups, in its home directory, and in reach of its user manager. */
export function runAsAccount(
  account: Account,
  file: string,
  args: readonly string[],
  { input = '', timeoutMs = LIMIT_MS, env = {} }: RunOptions = {},
): Ran {
  // Out of reach of root's terminal, which the account could type into. env(1) changes the directory with its rights.
  const words = ['setsid', ...accountWords(account), 'env', '-C', account.home, file];
  const { status, stdout, stderr } = spawnSync(words[0] ?? '', [...words.slice(1), ...args], {
    cwd: '/',
    env: { ...accountEnvironment(account), ...env },
    input,
    encoding: 'utf8',
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_OUTPUT,
  });
  return { status, stdout, stderr };
}
