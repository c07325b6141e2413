/**
 * POSIX access control lists (acl(5)), in three forms: the text that archives hold, the kernel's extended attribute
 * `system.posix_acl_access` or `_default`, and what rsync's --fake-super keeps in `user.rsync.%aacl` and `%dacl`.
 */
import { TarError } from './entry.ts';

/** Of a user or group by number. */
export interface NamedAccess {
  readonly kind: 'user' | 'group';
  readonly id: number;
  /** 4 read, 2 write, 1 execute. */
  readonly access: number;
}

export interface Acl {
  /** Of the owner, the owning group, and all others. */
  readonly user: number;
  readonly group: number;
  readonly other: number;
  /** What the group and the named ones have at most; there if somebody is named. */
  readonly mask: number | undefined;
  /** Users by number, then groups by number. */
  readonly named: readonly NamedAccess[];
}

type Tag = 'user' | 'group' | 'mask' | 'other';

/** Of an ACL in any form; without an id it is about the owner, the owning group, the mask or all others. */
interface AclEntry {
  readonly tag: Tag;
  readonly id: number | undefined;
  readonly access: number;
}

const MAX_ID = 0xffff_fffe;

/** @throws TarError */
function aclOf(entries: readonly AclEntry[]): Acl {
  const base = new Map<Tag, number>();
  const named = new Map<string, NamedAccess>();
  for (const { tag, id, access } of entries) {
    if (id === undefined || tag === 'mask' || tag === 'other') base.set(tag, access);
    else named.set(`${tag}:${id}`, { kind: tag, id, access });
  }
  const [user, group, other] = [base.get('user'), base.get('group'), base.get('other')];
  if (user === undefined || group === undefined || other === undefined) throw new TarError('incomplete ACL');
  if (base.size + named.size !== entries.length) throw new TarError('ACL that names somebody twice');
  const all = [...named.values()].sort(order);
  const union = all.reduce((sum, { access }) => sum | access, group);
  return { user, group, other, mask: base.get('mask') ?? (all.length > 0 ? union : undefined), named: all };
}

function order(a: NamedAccess, b: NamedAccess): number {
  if (a.kind !== b.kind) return a.kind === 'user' ? -1 : 1;
  return a.id - b.id;
}

/**
 * Entries `TAG:NAME:rwx` or `TAG:NAME:rwx:ID` with commas or lines between them. Names mean nothing here: an entry needs
 * its number, in place of the name or behind it.
 *
 * @throws TarError
 */
export function parseAcl(text: string): Acl {
  const entries = text
    .split(/[,\n]/)
    .map((entry) => entry.replace(/#.*/, '').trim())
    .filter((entry) => entry !== '');
  return aclOf(entries.map(parseEntry));
}

const TAGS: Readonly<Record<string, Tag>> = {
  user: 'user',
  u: 'user',
  group: 'group',
  g: 'group',
  mask: 'mask',
  m: 'mask',
  other: 'other',
  o: 'other',
};

function parseEntry(entry: string): AclEntry {
  const [first = '', ...rest] = entry.split(':').map((field) => field.trim());
  const tag = Object.hasOwn(TAGS, first) ? TAGS[first] : undefined;
  if (tag === undefined) throw new TarError('ACL that can not be read');
  // Solaris leaves out the name where there can't be one.
  const [name = '', permissions = '', number] = rest.length === 1 ? ['', ...rest] : rest;
  if (!/^[-rwx]{0,3}$/.test(permissions)) throw new TarError('ACL that can not be read');
  const access =
    (permissions.includes('r') ? 4 : 0) +
    (permissions.includes('w') ? 2 : 0) +
    (permissions.includes('x') ? 1 : 0);
  return { tag, id: name === '' ? undefined : idOf(number ?? name, `${tag} ${name}`), access };
}

function idOf(digits: string, whom: string): number {
  if (!/^\d{1,10}$/.test(digits)) {
    throw new TarError(`ACL that tells no number for ${whom}: add --xattrs to the --acls of tar`);
  }
  const id = Number(digits);
  if (id > MAX_ID) throw new TarError('ACL with an impossible number');
  return id;
}

/** As GNU tar and bsdtar read it, with numbers for names. */
export function formatAcl(acl: Acl): string {
  const named = (kind: 'user' | 'group') =>
    acl.named
      .filter((entry) => entry.kind === kind)
      .map(({ id, access }) => `${kind}:${id}:${letters(access)}`);
  return [
    `user::${letters(acl.user)}`,
    ...named('user'),
    `group::${letters(acl.group)}`,
    ...named('group'),
    ...(acl.mask === undefined ? [] : [`mask::${letters(acl.mask)}`]),
    `other::${letters(acl.other)}`,
  ].join(',');
}

function letters(access: number): string {
  return (access & 4 ? 'r' : '-') + (access & 2 ? 'w' : '-') + (access & 1 ? 'x' : '-');
}

/** posix_acl_xattr.h: a version, then tag, permissions and id of each entry, little-endian. */
const KERNEL_VERSION = 2;
const KERNEL_TAGS: ReadonlyMap<number, Tag> = new Map([
  [0x01, 'user'],
  [0x02, 'user'],
  [0x04, 'group'],
  [0x08, 'group'],
  [0x10, 'mask'],
  [0x20, 'other'],
]);
/** Tags whose entry has an id. */
const KERNEL_NAMED = 0x02 | 0x08;

/** @throws TarError */
export function parseKernelAcl(value: Buffer): Acl {
  if (value.length < 4 || value.length % 8 !== 4 || value.readUInt32LE(0) !== KERNEL_VERSION) {
    throw new TarError('ACL that can not be read');
  }
  const entries: AclEntry[] = [];
  for (let at = 4; at < value.length; at += 8) {
    const number = value.readUInt16LE(at);
    const tag = KERNEL_TAGS.get(number);
    const access = value.readUInt16LE(at + 2);
    const id = (number & KERNEL_NAMED) === 0 ? undefined : value.readUInt32LE(at + 4);
    if (tag === undefined || access > 7 || (id ?? 0) > MAX_ID) throw new TarError('ACL that can not be read');
    entries.push({ tag, id, access });
  }
  return aclOf(entries);
}
