/**
 * Landlock: this thread, and what it executes, can open only the files that rules allow. It does not cover chmod,
 * chown, utimes, setxattr and stat; descriptors that are open already stay usable. Source: landlock(7) and the
 * kernel's uapi/linux/landlock.h, ABI 1 (kernel 5.13) to 5 (6.10).
 */
import fs from 'node:fs';
import { define } from './libc.ts';
import { O_PATH } from './openat2.ts';
import { setNoNewPrivileges } from './process.ts';

const SYS_landlock_create_ruleset = 444;
const SYS_landlock_add_rule = 445;
const SYS_landlock_restrict_self = 446;
const LANDLOCK_CREATE_RULESET_VERSION = 1;
const LANDLOCK_RULE_PATH_BENEATH = 1;

const EXECUTE = 1 << 0;
const WRITE_FILE = 1 << 1;
const READ_FILE = 1 << 2;
const READ_DIR = 1 << 3;
const REMOVE_DIR = 1 << 4;
const REMOVE_FILE = 1 << 5;
const MAKE_CHAR = 1 << 6;
const MAKE_DIR = 1 << 7;
const MAKE_REG = 1 << 8;
const MAKE_SOCK = 1 << 9;
const MAKE_FIFO = 1 << 10;
const MAKE_BLOCK = 1 << 11;
const MAKE_SYM = 1 << 12;
const REFER = 1 << 13;
const TRUNCATE = 1 << 14;
const IOCTL_DEV = 1 << 15;

/** The rights that a rule for something else than a directory may have; others answer EINVAL. */
const FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;

const READ = READ_FILE | READ_DIR;
const MAKE = MAKE_DIR | MAKE_REG | MAKE_SYM;
const MAKE_SPECIAL = MAKE_CHAR | MAKE_SOCK | MAKE_FIFO | MAKE_BLOCK;
const ALL =
  READ | EXECUTE | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE | MAKE_SPECIAL | REFER | TRUNCATE | IOCTL_DEV;

const WRITE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE | REFER | TRUNCATE;

/** Nothing that we confine makes device nodes. */
const ACCESS = {
  read: READ,
  execute: READ | EXECUTE,
  write: WRITE,
  /** The same, but directories stay. */
  add: WRITE & ~REMOVE_DIR,
  /** Plain files in existing directories, without a look at what else there is. */
  files: READ_FILE | WRITE_FILE | REMOVE_FILE | MAKE_REG | TRUNCATE,
  /** What a file server without root rights does in its tree. */
  serve: WRITE | MAKE_SOCK | MAKE_FIFO,
} as const;

export interface Rule {
  /** A file, or a directory with all beneath it; what does not exist is passed over. Links are followed. */
  readonly path: string;
  readonly access: keyof typeof ACCESS;
}

const createRuleset = define<
  [number: typeof SYS_landlock_create_ruleset, attr: Buffer | null, size: number, flags: number]
>('long syscall(long number, const void *attr, size_t size, unsigned int flags)');
const addRule = define<
  [number: typeof SYS_landlock_add_rule, ruleset: number, type: number, attr: Buffer, flags: number]
>('long syscall(long number, int ruleset, unsigned int type, const void *attr, unsigned int flags)');
const restrictSelf = define<[number: typeof SYS_landlock_restrict_self, ruleset: number, flags: number]>(
  'long syscall(long number, int ruleset, unsigned int flags)',
);

/** The kernel's version of Landlock, 0 where it has none or was started without it. */
export function landlockAbi(): number {
  try {
    return createRuleset(SYS_landlock_create_ruleset, null, 0, LANDLOCK_CREATE_RULESET_VERSION);
  } catch {
    return 0;
  }
}

/** The file-system rights that an ABI knows: REFER came with 2, TRUNCATE with 3, IOCTL_DEV with 5. */
function knownRights(abi: number): number {
  if (abi >= 5) return ALL;
  if (abi >= 3) return ALL & ~IOCTL_DEV;
  if (abi === 2) return ALL & ~(IOCTL_DEV | TRUNCATE);
  return ALL & ~(IOCTL_DEV | TRUNCATE | REFER);
}

function openRulePath(path: string): number | undefined {
  try {
    return fs.openSync(path, O_PATH);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // What we cannot reach needs no rule: without one it stays closed.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return undefined;
    throw error;
  }
}

function allow(ruleset: number, { path, access }: Rule, known: number): void {
  const fd = openRulePath(path);
  if (fd === undefined) return;
  try {
    const applicable = fs.fstatSync(fd).isDirectory() ? known : known & FILE_RIGHTS;
    // struct landlock_path_beneath_attr, packed: u64 allowed_access, s32 parent_fd.
    const attr = Buffer.alloc(12);
    attr.writeBigUInt64LE(BigInt(ACCESS[access] & applicable), 0);
    attr.writeInt32LE(fd, 8);
    addRule(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, attr, 0);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Confines the calling thread for good; other threads of this process stay as they are, so either execve(2)
 * follows at once, or nothing is left to another thread. The thread gains no rights by set-id programs any more.
 *
 * @param abi what landlockAbi() said; at least 1
 */
export function confine(rules: readonly Rule[], abi = landlockAbi()): void {
  const known = knownRights(abi);
  // struct landlock_ruleset_attr, its first field, which is all of it in ABI 1.
  const attr = Buffer.alloc(8);
  attr.writeBigUInt64LE(BigInt(known), 0);
  const ruleset = createRuleset(SYS_landlock_create_ruleset, attr, attr.length, 0);
  try {
    for (const rule of rules) allow(ruleset, rule, known);
    setNoNewPrivileges();
    restrictSelf(SYS_landlock_restrict_self, ruleset, 0);
  } finally {
    fs.closeSync(ruleset);
  }
}
