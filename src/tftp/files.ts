/** What a client may have: from a request to an open file. */
import type { Boards } from './boards.ts';
import { ErrorCode, TftpError } from './errors.ts';
import { parsePath } from './request-path.ts';
import type { Client, OpenedFile } from './server.ts';
import { openFile } from './tree.ts';

/** @throws TftpError; what is absent and what is another board's read alike */
export function openRequested(boards: Boards, client: Client, name: Buffer): OpenedFile {
  for (const { board, tree, path } of boards.candidates(client.address, parsePath(name))) {
    const file = openFile(tree, path.join('/'));
    if (file) return { ...file, board, path: path.join('/') };
  }
  throw new TftpError(ErrorCode.fileNotFound, 'File not found');
}
