/** What the checks of a board have: they run as its account. */
import os from 'node:os';
import type { Session } from '../../shell/command.ts';
import type { NfsConfig } from '../../shell/nfs-config.ts';
import { nfsConfigFile } from '../../shell/nfs-place.ts';
import { readBoardFile } from '../configuration/board-file.ts';
import { type CheckedBoard, checkBoardFiles } from '../configuration/board-problems.ts';

export interface BoardContext extends CheckedBoard {
  readonly session: Session;
  /** The account's name: what findings are about. */
  readonly name: string;
  /** undefined where NFS is not enabled, or ~/.novaboot-nfs cannot be read. */
  readonly nfs: NfsConfig | undefined;
}

async function readNfs(session: Session): Promise<NfsConfig | undefined> {
  const file = nfsConfigFile(session.home);
  const bytes = readBoardFile(session, file);
  if (bytes === undefined) return undefined;
  const { parseNfsConfig } = await import('../../shell/nfs-config.ts');
  try {
    return Buffer.isBuffer(bytes) ? parseNfsConfig(file, bytes.toString()) : undefined;
  } catch {
    return undefined;
  }
}

export async function boardContext(session: Session): Promise<BoardContext> {
  const { username } = os.userInfo();
  return { session, name: username, nfs: await readNfs(session), ...(await checkBoardFiles(session)) };
}
