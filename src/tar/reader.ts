/** Reads an archive byte by byte as it is: names are never decoded, holes are skipped, and every length is bounded. */
import { type Described, Description } from './description.ts';
import { TarError, type TarVisitor } from './entry.ts';
import { BLOCK_BYTES, headerName, headerSize, isHeader, isZero, padded, typeLetter } from './header.ts';
import { shown } from './shown.ts';

/**
 * The archive is to end with its marker, a block of zeros: nothing else tells an upload that was cut off between two
 * files. What follows the marker is read, so that the writer of a pipe gets rid of it, and ignored.
 *
 * @param source the unpacked archive; see decompress.ts
 * @throws TarError, and what `source` and `visitor` throw
 */
export async function readTar(source: AsyncIterable<Buffer>, visitor: TarVisitor): Promise<void> {
  const reader = new Reader(visitor);
  for await (const chunk of source) reader.add(chunk);
  reader.finish();
}

/** What is collected. */
type Stage = 'header' | 'description' | 'map' | 'end marker' | 'nothing';

class Reader {
  private readonly visitor: TarVisitor;
  /** Bytes before the chunk at hand. */
  private before = 0;

  private stage: Stage = 'header';
  /** Bytes to collect, and those that are there already when they come in more than one chunk. */
  private due = BLOCK_BYTES;
  private readonly block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  private collecting: Buffer | undefined;
  private collected = 0;

  /** Where the last header began, and whom it is about. */
  private headerAt = 0;
  private name: Buffer | undefined;
  private readonly description = new Description();
  private letter = '';
  private describing = 0;

  private described: Described | undefined;
  private extent = 0;
  /** The next byte's offset in its file, how many bytes follow it there, and how many are behind it for nothing. */
  private offset = 0;
  private left = 0;
  private skip = 0;

  constructor(visitor: TarVisitor) {
    this.visitor = visitor;
  }

  add(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.stage !== 'nothing') {
      const rest = chunk.length - at;
      if (this.left > 0) {
        const length = Math.min(this.left, rest);
        this.content(chunk.subarray(at, at + length));
        at += length;
      } else if (this.skip > 0) {
        const length = Math.min(this.skip, rest);
        this.skip -= length;
        at += length;
      } else {
        at += this.collect(chunk, at);
      }
    }
    this.before += chunk.length;
  }

  /** The source has ended. */
  finish(): void {
    const { stage, name } = this;
    if (stage === 'nothing' || stage === 'end marker') return;
    if (this.before === 0) throw new TarError('not a tar archive: it is empty');
    if (name === undefined) throw new TarError('not a tar archive');
    const isInside = stage !== 'header' || this.left > 0 || this.skip > 0;
    throw this.failure(`truncated ${isInside ? 'in' : 'behind'}`, this.before);
  }

  /** @returns how many bytes of the chunk it took */
  private collect(chunk: Buffer, at: number): number {
    const rest = chunk.length - at;
    const { due } = this;
    if (this.collecting === undefined && rest >= due) {
      this.part(chunk.subarray(at, at + due), this.before + at);
      return due;
    }
    if (this.collecting === undefined) {
      this.collecting = due === BLOCK_BYTES ? this.block : Buffer.allocUnsafeSlow(due);
      this.collected = 0;
    }
    const length = Math.min(due - this.collected, rest);
    chunk.copy(this.collecting, this.collected, at, at + length);
    this.collected += length;
    if (this.collected === due) {
      const part = this.collecting;
      this.collecting = undefined;
      this.part(part, this.before + at + length - due);
    }
    return length;
  }

  /** @param at where in the archive the part that was due began */
  private part(part: Buffer, at: number): void {
    switch (this.stage) {
      case 'header':
        this.header(part, at);
        break;
      case 'description':
        this.parsed(() => this.description.add(this.letter, part.subarray(0, this.describing)));
        this.expect('header');
        break;
      case 'map':
        this.parsed(() => this.described?.map?.add(part));
        this.start();
        break;
      default:
        if (!isZero(part)) throw this.failure('damaged: a block of zeros behind', at - BLOCK_BYTES);
        this.stage = 'nothing';
    }
  }

  private header(block: Buffer, at: number): void {
    if (isZero(block)) {
      if (this.description.isPending) throw this.failure('damaged: no entry behind', at);
      this.expect('end marker');
      return;
    }
    if (!isHeader(block)) throw this.failure('damaged: no header behind', at);
    this.headerAt = at;
    this.name = headerName(block);
    this.letter = typeLetter(block);
    const describing = this.parsed(() => this.description.announce(block));
    if (describing !== undefined) {
      this.describing = describing;
      this.expect('description', padded(describing));
      if (describing === 0) this.part(block, at);
    } else if (this.letter === 'V') {
      // A label of the volume.
      this.skip = this.parsed(() => padded(headerSize(block)));
    } else {
      this.name = this.description.name(block);
      this.described = this.parsed(() => this.description.entry(block));
      this.start();
    }
  }

  /** Begins with the entry, if its map is there. */
  private start(): void {
    if (this.described === undefined) return;
    const { entry, stored, map } = this.described;
    if (map?.isComplete === false) {
      this.expect('map');
      return;
    }
    const length = stored - (map?.bytes ?? 0);
    this.parsed(() => map?.map.check(entry.size, length));
    this.expect('header');
    this.visitor.entry(entry);
    this.extent = 0;
    if (entry.type !== 'file') {
      this.skip = padded(stored);
      this.visitor.end();
    } else if (map === undefined) {
      this.skip = padded(stored) - stored;
      this.offset = 0;
      this.left = stored;
      if (stored === 0) this.visitor.end();
    } else {
      this.skip = padded(length) - length;
      this.nextExtent();
    }
  }

  private content(chunk: Buffer): void {
    this.visitor.data(this.offset, chunk);
    this.offset += chunk.length;
    this.left -= chunk.length;
    if (this.left === 0) this.nextExtent();
  }

  private nextExtent(): void {
    const extent = this.described?.map?.map.extent(this.extent);
    if (extent === undefined) {
      this.visitor.end();
      return;
    }
    this.extent += 1;
    this.offset = extent.offset;
    this.left = extent.length;
  }

  private expect(stage: Stage, bytes = BLOCK_BYTES): void {
    this.stage = stage;
    this.due = bytes;
  }

  /** Says whom and what place it is about if the parsing fails. */
  private parsed<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      throw error instanceof TarError ? this.failure(`${error.message}:`, this.headerAt) : error;
    }
  }

  /** @param problem continues with the name */
  private failure(problem: string, at: number): TarError {
    if (this.name === undefined) return new TarError('not a tar archive');
    return new TarError(`${problem} ${shown(this.name)} (at byte ${at})`);
  }
}
