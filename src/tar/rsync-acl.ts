/**
 * ACLs in the form of rsync's --fake-super: 32-bit numbers, little-endian, first the access of owner, owning group, mask
 * and all others, then id and access of each named one. What a file's mode says already is not repeated.
 */
import type { Acl, NamedAccess } from './acl.ts';

/** In place of an access: there is none, or the mode tells it. */
const NO_ENTRY = 0x80;
/** Added to the access of a user, in contrast to a group. */
const IS_USER = 0x8000_0000;
const BASE_BYTES = 16;
const NAMED_BYTES = 8;

/** The 9 bits of a file's mode that its access ACL settles: the group's are those of the mask. */
export function permissionsOf(acl: Acl): number {
  return (acl.user << 6) | ((acl.mask ?? acl.group) << 3) | acl.other;
}

/** @returns for user.rsync.%aacl; undefined if the mode says it all */
export function rsyncAccessAcl(acl: Acl): Buffer | undefined {
  const { mask, group, named } = acl;
  if (mask === undefined) return undefined;
  return encoded([NO_ENTRY, group === mask ? NO_ENTRY : group, mask, NO_ENTRY], named);
}

/** @returns for user.rsync.%dacl */
export function rsyncDefaultAcl({ user, group, mask = NO_ENTRY, other, named }: Acl): Buffer {
  return encoded([user, group, mask, other], named);
}

function encoded(base: readonly number[], named: readonly NamedAccess[]): Buffer {
  const value = Buffer.alloc(BASE_BYTES + NAMED_BYTES * named.length);
  let at = 0;
  for (const access of base) at = value.writeUInt32LE(access, at);
  for (const { kind, id, access } of named) {
    at = value.writeUInt32LE(id, at);
    at = value.writeUInt32LE(kind === 'user' ? IS_USER + access : access, at);
  }
  return value;
}

/**
 * After a chmod(2): with an access ACL the group's bits of a mode are those of its mask. acl(5)
 *
 * @param before the group's bits, of three, that the mode had
 * @returns the same list with the mask `mask`; undefined for what is none
 */
export function withMask(value: Buffer, before: number, mask: number): Buffer | undefined {
  if (value.length < BASE_BYTES) return undefined;
  const changed = Buffer.from(value);
  // The owning group's own access was left out where it was that of the mask.
  if (changed.readUInt32LE(4) === NO_ENTRY) changed.writeUInt32LE(before, 4);
  changed.writeUInt32LE(mask, 8);
  return changed;
}

/**
 * Either list, as stored.
 *
 * @param mode of the file: it tells what the list leaves out
 * @returns undefined for what rsync didn't write, and for a list that isn't one
 */
export function parseRsyncAcl(value: Buffer, mode: number): Acl | undefined {
  if (value.length < BASE_BYTES || value.length % NAMED_BYTES !== 0) return undefined;
  const base = (index: number) => value.readUInt32LE(4 * index);
  const or = (access: number, other: number) => (access === NO_ENTRY ? other : access);
  const named: NamedAccess[] = [];
  for (let at = BASE_BYTES; at < value.length; at += NAMED_BYTES) {
    const access = value.readUInt32LE(at + 4);
    const kind = access >= IS_USER ? 'user' : 'group';
    named.push({ kind, id: value.readUInt32LE(at), access: access % IS_USER });
  }
  const groupBits = (mode >> 3) & 7;
  const acl: Acl = {
    user: or(base(0), (mode >> 6) & 7),
    group: or(base(1), groupBits),
    mask: base(2) === NO_ENTRY ? (named.length > 0 ? groupBits : undefined) : base(2),
    other: or(base(3), mode & 7),
    named,
  };
  const accesses = [acl.user, acl.group, acl.mask ?? 0, acl.other, ...named.map(({ access }) => access)];
  return accesses.every((access) => access <= 7) ? acl : undefined;
}
