/** The machine's accounts and groups, from all sources of nsswitch.conf(5): getpwnam(3), getgrnam(3), getgrouplist(3). */
import { addressOf, define, defineBlocking, defineRaw } from './libc.ts';

type Lookup = [name: string, entry: Buffer, text: Buffer, size: number, found: Buffer];

const GETPWNAM = 'int getpwnam_r(const char *name, void *pwd, void *buf, size_t size, void *result)';
const getpwnam = define<Lookup>(GETPWNAM);
const getpwnamInThread = defineBlocking<Lookup>(GETPWNAM);
const getgrnam = define<Lookup>(
  'int getgrnam_r(const char *name, void *grp, void *buf, size_t size, void *result)',
);
const getgrouplist = defineRaw<[name: string, gid: number, groups: Buffer, count: Buffer]>(
  'int getgrouplist(const char *user, uint32_t group, void *groups, void *ngroups)',
);

/**
 * struct passwd: char *pw_name, *pw_passwd; uid_t pw_uid; gid_t pw_gid; char *pw_gecos, *pw_dir, *pw_shell.
 * struct group: char *gr_name, *gr_passwd; gid_t gr_gid; …
 */
const ENTRY_BYTES = 64;
const AT = { name: 0, uid: 16, gid: 20, gecos: 24, home: 32, shell: 40 } as const;
const GROUP_GID_AT = 16;
const TEXT_BYTES = 64 * 1024;
const MAX_GROUPS = 65_536;

export interface Account {
  readonly name: string;
  readonly uid: number;
  /** Of the primary group. */
  readonly gid: number;
  readonly gecos: string;
  readonly home: string;
  readonly shell: string;
}

/** In a thread, since accounts may be asked for over a network. @returns undefined for no account, or when nobody knows */
export async function uidOf(name: string): Promise<number | undefined> {
  const [entry, text, found] = [Buffer.alloc(ENTRY_BYTES), Buffer.alloc(TEXT_BYTES), Buffer.alloc(8)];
  await getpwnamInThread(name, entry, text, text.length, found);
  return found.readBigUInt64LE() === 0n ? undefined : entry.readUInt32LE(AT.uid);
}

/** @returns undefined for no account, or when nobody knows */
export function accountNamed(name: string): Account | undefined {
  const [entry, text, found] = [Buffer.alloc(ENTRY_BYTES), Buffer.alloc(TEXT_BYTES), Buffer.alloc(8)];
  getpwnam(name, entry, text, text.length, found);
  if (found.readBigUInt64LE() === 0n) return undefined;
  const string = (at: number) => {
    const start = Number(entry.readBigUInt64LE(at) - addressOf(text));
    return text.toString('utf8', start, text.indexOf(0, start));
  };
  return {
    name: string(AT.name),
    uid: entry.readUInt32LE(AT.uid),
    gid: entry.readUInt32LE(AT.gid),
    gecos: string(AT.gecos),
    home: string(AT.home),
    shell: string(AT.shell),
  };
}

/** @returns the gid; undefined for no group, or when nobody knows */
export function groupNamed(name: string): number | undefined {
  const [entry, text, found] = [Buffer.alloc(ENTRY_BYTES), Buffer.alloc(TEXT_BYTES * 16), Buffer.alloc(8)];
  getgrnam(name, entry, text, text.length, found);
  return found.readBigUInt64LE() === 0n ? undefined : entry.readUInt32LE(GROUP_GID_AT);
}

/** The gids of all groups of an account, its primary one among them. */
export function groupsOf({ name, gid }: Pick<Account, 'name' | 'gid'>): number[] {
  const count = Buffer.alloc(4);
  count.writeInt32LE(MAX_GROUPS);
  const groups = Buffer.alloc(4 * MAX_GROUPS);
  getgrouplist(name, gid, groups, count);
  return Array.from({ length: count.readInt32LE() }, (_, index) => groups.readUInt32LE(4 * index));
}
