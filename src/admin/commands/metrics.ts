/** Writes metrics for Prometheus: on standard output, or to a file that the node exporter's textfile collector reads. */
import path from 'node:path';
import { CommandError, ExitCode } from '../../shell/errors.ts';
import { writeOut } from '../../shell/output.ts';
import { printable } from '../../shell/text.ts';
import { errorWords } from '../../system/error-words.ts';
import { listBoards } from '../boards.ts';
import type { AdminWords } from '../command.ts';
import { replaceFile } from '../replace-file.ts';
import { Look } from '../state/board-state.ts';
import { fileSystemsOf } from '../state/disks.ts';
import { metricsText } from '../state/metrics.ts';
import { askServers } from '../state/nfs-figures.ts';
import { boardPlaces } from '../state/places.ts';
import { tftpState } from '../state/tftp-state.ts';

function write(file: string, text: string): void {
  try {
    replaceFile(file, text, 0o644);
  } catch (error) {
    const message = `Cannot write ${printable(file)}: ${errorWords(error)}; give --output FILE in an existing directory`;
    throw new CommandError(message, ExitCode.failed, { cause: error });
  }
}

export async function run(words: AdminWords): Promise<void> {
  const began = performance.now();
  const accounts = listBoards();
  const look = new Look();
  const boards = accounts.map((account) => ({ account, state: look.board(account) }));
  const servers = boards.flatMap(({ account, state }) => state.nfs.map((server) => ({ account, server })));
  const nfs = await askServers(servers);
  const text = metricsText({
    boards: boards.map(({ state }) => state),
    nfs,
    tftp: tftpState(),
    fileSystems: fileSystemsOf([...boardPlaces(accounts).values()].flat()),
    seconds: Number(((performance.now() - began) / 1000).toFixed(3)),
  });
  const file = words.value('output');
  if (file === undefined || file === '-') writeOut(text);
  else write(path.resolve(file), text);
}
