/** untar's work, in a process of its own which is confined: makes a new root from an archive and lets it take over. */
import { judgeContents } from '../../rootfs/contents.ts';
import { RootError } from '../../rootfs/errors.ts';
import { Extraction } from '../../rootfs/extract.ts';
import { lockRoots } from '../../rootfs/lock.ts';
import { measure } from '../../rootfs/measure.ts';
import { beginTree, type NewTree, recoverTrees } from '../../rootfs/new-tree.ts';
import { type Figures, isLimited } from '../../rootfs/quota.ts';
import { idsOf, type Unattributed } from '../../rootfs/unattributed.ts';
import { type Ledger, roomForNewRoot, treeAdded } from '../../rootfs/usage.ts';
import type { Session } from '../../shell/command.ts';
import { ledgerOf } from '../../shell/ledger.ts';
import { writeError } from '../../shell/output.ts';
import { ownRoots } from '../../shell/own-roots.ts';
import { printable, size } from '../../shell/text.ts';
import { FileError } from '../../system/file-error.ts';
import { decompressed } from '../../tar/decompress.ts';
import { TarError } from '../../tar/entry.ts';
import { readTar } from '../../tar/reader.ts';
import { fateOfOld, removeUnused } from '../root/replaced.ts';
import { Input, openUpload } from './input.ts';
import { NameList } from './names.ts';
import { Progress } from './progress.ts';

/** What the command hands to this process, as JSON. */
export interface Order {
  /** A path in the upload directory; absent for standard input. */
  readonly file: string | undefined;
  /** Names are listed. */
  readonly verbose: boolean;
  readonly unattributed: Unattributed;
}

const STDIN = 0;
const TITLE = 'standard input';

/** Why it is given up matters more than what is left then, which the next run removes. */
function abandon(tree: NewTree): void {
  try {
    tree.abandon();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
  }
}

/** What the tree takes. @throws RootError if that is more than it may */
function fitting(directory: string, limits: Figures): Figures | undefined {
  if (!isLimited(limits)) return undefined;
  const figures = measure(directory);
  if (figures.bytes <= limits.bytes && figures.files <= limits.files) return figures;
  throw new RootError('Its tree takes more than your quota leaves room for');
}

class Unpacking {
  private readonly order: Order;
  private readonly input: Input;
  private readonly progress: Progress;
  private readonly names: NameList | undefined;

  constructor(order: Order, input: Input) {
    this.order = order;
    this.input = input;
    this.names = order.verbose ? new NameList() : undefined;
    this.progress = order.verbose ? new Progress(false) : new Progress();
  }

  /** Puts a line between those of the progress. */
  private say(message: string): void {
    this.progress.clear();
    writeError(`novaboot-shell: ${printable(message)}\n`);
  }

  /** Fills the tree, and puts it in its place. @returns what was done */
  async run(tree: NewTree, ledger: Ledger, limits: Figures): Promise<string> {
    const { progress } = this;
    try {
      const { files, bytes } = await this.extract(tree, limits);
      const note = judgeContents(tree.fd);
      treeAdded(ledger, tree.path, fitting(tree.path, limits));
      progress.say('Writing to disk ...');
      tree.switchIn();
      if (note !== undefined) this.say(note);
      return `Unpacked ${files} files, ${size(bytes)} in ${(progress.ms / 1000).toFixed(1)} s.`;
    } catch (error) {
      progress.clear();
      abandon(tree);
      throw this.inWords(error);
    } finally {
      this.names?.flush();
      progress.clear();
    }
  }

  private async extract({ fd }: NewTree, limits: Figures): Promise<{ files: number; bytes: number }> {
    const { input, names, order } = this;
    const extraction = new Extraction({
      fd,
      limits,
      unattributed: idsOf(order.unattributed),
      named: names && ((name) => names.add(name)),
      warn: (message) => this.say(message),
    });
    try {
      await readTar(this.observed(decompressed(input.chunks()), extraction), extraction);
      extraction.finish();
      return { files: extraction.entries, bytes: extraction.bytes };
    } finally {
      extraction.close();
    }
  }

  private async *observed(
    source: AsyncIterable<Buffer>,
    extraction: Extraction,
  ): AsyncGenerator<Buffer, void, void> {
    const { input, progress } = this;
    for await (const chunk of source) {
      yield chunk;
      const { entries, bytes } = extraction;
      progress.show({ read: input.bytes, total: input.size, files: entries, bytes });
    }
  }

  private inWords(error: unknown): unknown {
    if (!(error instanceof RootError || error instanceof TarError)) return error;
    const message = `${this.order.file ?? TITLE}: ${error.message}. Your root file system is as it was`;
    return new RootError(message, error instanceof RootError ? error.exitCode : 1, { cause: error });
  }
}

/** @throws RootError, CommandError */
export async function unpack(
  session: Pick<Session, 'user' | 'home'>,
  [json = '']: readonly string[],
): Promise<void> {
  // Modes are what archives say.
  process.umask(0);
  const order = JSON.parse(json) as Order;
  const own = ownRoots(session, 'untar');
  const { roots, place } = own;
  lockRoots(roots, 'exclusive');
  const ledger = ledgerOf(own);
  const input = new Input(order.file === undefined ? STDIN : openUpload(roots.base, order.file));
  recoverTrees(roots);
  removeUnused(ledger, place);
  const limits = roomForNewRoot(ledger);
  const tree = beginTree(roots);
  const done = await new Unpacking(order, input).run(tree, ledger, limits);
  writeError(`novaboot-shell: ${done} ${fateOfOld(ledger, place, tree.number)}\n`);
}
