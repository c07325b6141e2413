/** What each board asked for, written down for those who use it: one file for each, which its account may read. */
import path from 'node:path';
import { letRead } from '../system/acl.ts';
import { type TftpRecord, visible } from '../system/boot-records.ts';
import { JournalFile } from '../system/journal-file.ts';
import { errnoName } from '../system/libc.ts';
import type { Log } from '../system/log.ts';
import type { Boards, ServedBoard } from './boards.ts';
import { parsePath } from './request-path.ts';
import { hostAndPort, type TransferReport } from './server.ts';

/** Of a board with a wrong address a few tell enough; anybody else would push out what the board itself asked for. */
const STRANGERS_A_MINUTE = 5;

export interface BoardJournalsOptions {
  readonly directory: string;
  readonly boards: Boards;
  readonly log: Log;
}

export class BoardJournals {
  private readonly options: BoardJournalsOptions;
  private readonly files = new Map<string, JournalFile>();

  constructor(options: BoardJournalsOptions) {
    this.options = options;
  }

  readonly report = (report: TransferReport): void => {
    const asked = this.options.boards.asked(report.client.address, pathIn(report.name));
    if (asked === undefined) return;
    const file = report.file?.path ?? asked.path?.join('/') ?? report.name.toString('latin1');
    const kind = asked.isStranger ? 'stranger' : report.outcome === 'complete' ? 'complete' : 'incomplete';
    const most = asked.isStranger ? STRANGERS_A_MINUTE : undefined;
    this.fileOf(asked.board).append(`tftp ${kind}`, () => recordOf(report, file, asked.isStranger), most);
  };

  private fileOf({ name, reader }: ServedBoard): JournalFile {
    let journal = this.files.get(name);
    if (journal === undefined) {
      const { directory, log } = this.options;
      const file = path.join(directory, `${name}.journal`);
      const opened = (fd: number) => {
        const result = reader === undefined || reader === process.getuid?.() ? 0 : letRead(fd, reader);
        if (result < 0) log('warning', `${file}: its account cannot read it: ${errnoName(-result)}`);
      };
      journal = new JournalFile({ file, log, opened });
      this.files.set(name, journal);
    }
    return journal;
  }
}

function pathIn(name: Buffer) {
  try {
    return parsePath(name);
  } catch {
    return undefined;
  }
}

function recordOf({ client, ...report }: TransferReport, file: string, isStranger: boolean): TftpRecord {
  const { bytes, seconds, retransmissions, outcome, result } = report;
  return {
    version: 1,
    event: 'tftp',
    time: new Date(Date.now() - seconds * 1000).toISOString(),
    client: hostAndPort(client),
    ...(isStranger && { stranger: true }),
    file: visible(file),
    bytes,
    seconds: Number(seconds.toFixed(3)),
    retransmissions,
    outcome,
    result: visible(result),
  };
}
