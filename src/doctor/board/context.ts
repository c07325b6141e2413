/** What the checks of a board have: they run as its account. */
import os from 'node:os';
import type { Session } from '../../shell/command.ts';
import { type NfsConfig, parseNfsConfig } from '../../shell/nfs-config.ts';
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

function readNfs(session: Session): NfsConfig | undefined {
  const file = nfsConfigFile(session.home);
  const bytes = readBoardFile(session, file);
  try {
    return Buffer.isBuffer(bytes) ? parseNfsConfig(file, bytes.toString()) : undefined;
  } catch {
    return undefined;
  }
}

export async function boardContext(session: Session): Promise<BoardContext> {
  const { username } = os.userInfo();
  return { session, name: username, nfs: readNfs(session), ...(await checkBoardFiles(session)) };
}
