/** A root file system as a tar archive on standard output: owners, special files, links, attributes and holes included. */
import tty from 'node:tty';
import { type ArchiveSink, writeArchive } from '../../rootfs/archive.ts';
import { LIVE, openRoot, parseChoice } from '../../rootfs/choice.ts';
import { shownPath } from '../../rootfs/entries.ts';
import { findUnattributed, idsOf } from '../../rootfs/unattributed.ts';
import { CommandError, ExitCode } from '../../shell/errors.ts';
import { writeError, writeOut } from '../../shell/output.ts';
import type { OwnRoots } from '../../shell/own-roots.ts';
import { printable } from '../../shell/text.ts';
import { exitNow } from '../../system/process.ts';

/** What sh says of a program that SIGPIPE has ended. */
const READER_GONE = 128 + 13;
const BUFFER_BYTES = 256 * 1024;

/** Standard output in large pieces. Waits for a slow reader, and ends this process with one that is gone. */
class Output {
  private readonly buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  private length = 0;

  add(data: Buffer): void {
    if (this.length + data.length > BUFFER_BYTES) this.flush();
    if (data.length > BUFFER_BYTES) this.send(data);
    else this.length += data.copy(this.buffer, this.length);
  }

  flush(): void {
    this.send(this.buffer.subarray(0, this.length));
    this.length = 0;
  }

  private send(data: Buffer): void {
    if (!writeOut(data)) exitNow(READER_GONE);
  }
}

export function run({ roots }: OwnRoots, [word]: readonly string[]): void {
  if (tty.isatty(1))
    throw new CommandError('An archive is nothing for a terminal: add >FILE', ExitCode.usage);
  const directory = openRoot(roots, word === undefined ? LIVE : parseChoice(word));
  const output = new Output();
  let lacking = 0;
  const tell = (path: Buffer, what: string) =>
    writeError(`novaboot-shell: ${printable(shownPath(path)) || '.'}: ${what}\n`);
  const sink: ArchiveSink = {
    write: (data) => output.add(data),
    skip: tell,
    lack(path, what) {
      lacking += 1;
      tell(path, what);
    },
  };
  writeArchive(directory, idsOf(findUnattributed()), sink);
  output.flush();
  if (lacking > 0) throw new CommandError('The archive is not complete: see above');
}
