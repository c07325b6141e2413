/** The machine's accounts: getpwnam(3). */
import { defineBlocking } from './libc.ts';

const getpwnam = defineBlocking<[name: string, entry: Buffer, text: Buffer, size: number, found: Buffer]>(
  'int getpwnam_r(const char *name, void *pwd, void *buf, size_t size, void *result)',
);

/** struct passwd: char *pw_name, *pw_passwd; uid_t pw_uid; … */
const ENTRY_BYTES = 64;
const UID_AT = 16;
const TEXT_BYTES = 64 * 1024;

/** In a thread, since accounts may be asked for over a network. @returns undefined for no account, or when nobody knows */
export async function uidOf(name: string): Promise<number | undefined> {
  const [entry, text, found] = [Buffer.alloc(ENTRY_BYTES), Buffer.alloc(TEXT_BYTES), Buffer.alloc(8)];
  await getpwnam(name, entry, text, text.length, found);
  return found.readBigUInt64LE() === 0n ? undefined : entry.readUInt32LE(UID_AT);
}
