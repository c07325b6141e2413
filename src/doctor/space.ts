/** Whether there is room on the file systems of some directories. */
import fs from 'node:fs';
import { size } from '../shell/text.ts';
import { inOrder, type Said } from './finding.ts';

const TIGHT_BYTES = 10e9;
const TIGHT_PART = 0.05;
const FULL_BYTES = 100e6;
const FULL_FILES = 100;

export interface Room {
  /** Of the directory. */
  readonly path: string;
  /** What is left for others than root, and what there is in all. */
  readonly bytes: number;
  readonly allBytes: number;
  readonly files: number;
  /** 0 where the file system does not count. */
  readonly allFiles: number;
}

function roomOf(path: string): (Room & { device: number }) | undefined {
  try {
    const { bavail, blocks, bsize, ffree, files } = fs.statfsSync(path);
    const device = fs.statSync(path).dev;
    return { path, device, bytes: bavail * bsize, allBytes: blocks * bsize, files: ffree, allFiles: files };
  } catch {
    // What is missing is another check's.
    return undefined;
  }
}

export function roomFinding(subject: string, { path, bytes, allBytes, files, allFiles }: Room): Said {
  const isFull = bytes < FULL_BYTES || (allFiles > 0 && files < FULL_FILES);
  const isTight =
    (bytes < TIGHT_BYTES && bytes < TIGHT_PART * allBytes) || (allFiles > 0 && files < TIGHT_PART * allFiles);
  const left = `${size(bytes)} and ${allFiles > 0 ? files : 'any number of'} files are left for ${path}`;
  if (!isFull && !isTight) return inOrder(subject, left);
  return {
    severity: isFull ? 'error' : 'warning',
    subject,
    what: left,
    why: 'Uploads, changes of booted boards, and logs fail on a full file system.',
    fix: 'Remove what nobody needs (users: root list, root remove), set a quota in ~/.novaboot-nfs, or get a larger disk.',
  };
}

/** One finding for each file system. @param directories those that do not exist are passed over */
export function spaceFindings(subject: string, directories: readonly string[]): Said[] {
  const rooms = directories.map(roomOf).filter((room) => room !== undefined);
  const first = rooms.filter(
    ({ device }, index) => rooms.findIndex((room) => room.device === device) === index,
  );
  return first.map((room) => roomFinding(subject, room));
}
