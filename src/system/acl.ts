/** Access control lists of files: acl(5). */
import { setAttribute } from './extended-attributes.ts';

const ATTRIBUTE = Buffer.from('system.posix_acl_access\0');

/** posix_acl_xattr.h: a version, then tag, permissions and id of each entry, little-endian, in this order. */
const VERSION = 2;
const Tag = { owner: 0x01, user: 0x02, group: 0x04, mask: 0x10, other: 0x20 } as const;
const NO_ID = 0xffff_ffff;
const READ = 4;
const WRITE = 2;

/** Besides its owner, this account may read the file, and nobody else. @returns 0, or the negative errno */
export function letRead(fd: number, uid: number): number {
  const entries = [
    [Tag.owner, READ | WRITE, NO_ID],
    [Tag.user, READ, uid],
    [Tag.group, 0, NO_ID],
    [Tag.mask, READ, NO_ID],
    [Tag.other, 0, NO_ID],
  ] as const;
  const value = Buffer.alloc(4 + 8 * entries.length);
  value.writeUInt32LE(VERSION);
  for (const [index, [tag, access, id]] of entries.entries()) {
    const at = 4 + 8 * index;
    value.writeUInt16LE(tag, at);
    value.writeUInt16LE(access, at + 2);
    value.writeUInt32LE(id, at + 4);
  }
  return setAttribute(fd, ATTRIBUTE, value);
}
