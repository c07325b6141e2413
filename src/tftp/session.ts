/** A transfer with its socket and its file. Its port is its transfer identifier: RFC 1350 §4. */
import fs from 'node:fs';
import { addressOf } from '../system/libc.ts';
import type { SocketAddress } from '../system/socket-address.ts';
import { Batch, type Receiver, sendTo } from '../system/udp.ts';
import { Content } from './content.ts';
import type { Digest, Digests } from './digests.ts';
import { ErrorCode, TftpError } from './errors.ts';
import { type Agreement, agree } from './options.ts';
import {
  dataHeader,
  errorPacket,
  HEADER_BYTES,
  oackPacket,
  parseAnswer,
  type ReadRequest,
} from './packet.ts';
import type { OpenedFile } from './server.ts';
import { Transfer } from './transfer.ts';

const EAGAIN = 11;

const batch = new Batch(HEADER_BYTES);

/** How a transfer ended. */
export interface Outcome {
  readonly isComplete: boolean;
  /** For the log. */
  readonly text: string;
  /** In hexadecimal. */
  readonly sha256?: string | undefined;
}

export interface SessionEvents {
  /** Called once. */
  ended(session: Session, outcome: Outcome): void;
  /** The kernel takes nothing more at the moment; flush() is to be called when it does. */
  blocked(session: Session): void;
  /** Something is read from the disk; Node tells when it is there. */
  loading(): void;
  /** A packet for this transfer came from somebody else. @returns whether to answer */
  mayAnswerStranger(stranger: SocketAddress): boolean;
}

export class Session {
  readonly fd: number;
  readonly peer: SocketAddress;
  readonly request: ReadRequest;
  readonly file: OpenedFile;
  readonly transfer: Transfer;
  readonly startedAt: number;
  /** When the client was heard last. Milliseconds, as performance.now() has them. */
  heardAt: number;

  private readonly content: Content;
  private readonly digest: Digest;
  private readonly agreement: Agreement;
  private readonly events: SessionEvents;
  private readonly peerAddress: number;
  private isOver = false;

  /** @param fd of the socket; both it and the file are closed with the session */
  constructor(
    fd: number,
    peer: SocketAddress,
    request: ReadRequest,
    file: OpenedFile,
    digests: Digests,
    events: SessionEvents,
    now: number,
  ) {
    this.fd = fd;
    this.peer = peer;
    this.peerAddress = Number(addressOf(peer.bytes));
    this.request = request;
    this.file = file;
    this.events = events;
    this.startedAt = now;
    this.heardAt = now;
    // How long the text is in netascii, only its translation tells.
    this.agreement = agree(request.options, request.mode === 'octet' ? file.size : undefined);
    const { blksize, windowsize, timeoutMs, accepted } = this.agreement;
    this.digest = digests.open(file.fd);
    this.content = new Content(file.fd, file.size, request.mode, blksize * windowsize, this.digest);
    this.transfer = new Transfer({ windowsize, timeoutMs, hasOptions: accepted.length > 0 }, now);
  }

  /** Bytes that the client has acknowledged. */
  get bytes(): number {
    const { acknowledged } = this.transfer;
    return this.content.lengthAt(0, acknowledged * this.agreement.blksize);
  }

  /** Sends what is to be sent now. */
  flush(): void {
    const { transfer } = this;
    if (transfer.owesOptions) {
      sendTo(this.fd, oackPacket(this.agreement.accepted), this.peer);
      transfer.sentOptions();
    }
    while (transfer.room > 0 && this.sendSome());
    if (transfer.room === 0) this.readAhead();
  }

  /** A packet came to this transfer's port. */
  receive(receiver: Receiver, length: number, now: number): void {
    if (!receiver.peer.equals(this.peer)) {
      this.refuseStranger(receiver, length);
      return;
    }
    const answer = parseAnswer(receiver.buffer, length);
    this.heardAt = now;
    if (answer.kind === 'ack') {
      this.transfer.acknowledge(answer.block, now);
      if (this.transfer.state === 'complete') this.complete();
      else this.flush();
    } else if (answer.kind === 'error') {
      this.end({ isComplete: false, text: `the client sent error ${answer.code}: ${answer.message}` });
    } else {
      this.fail(new TftpError(ErrorCode.illegalOperation, 'Illegal TFTP operation'), 'illegal packet');
    }
  }

  /** To be called when the deadline of the transfer is over. */
  timeout(now: number): void {
    this.transfer.timeout(now);
    if (this.transfer.state === 'silent') this.end({ isComplete: false, text: 'the client is silent' });
    else this.flush();
  }

  /** Ends without a word to the client. */
  end(outcome: Outcome): void {
    if (this.isOver) return;
    this.isOver = true;
    this.events.ended(this, outcome);
    this.content.close();
    fs.closeSync(this.fd);
  }

  private complete(): void {
    const sha256 = this.digest.finish();
    const text = sha256 === undefined ? 'complete, but the file was changed meanwhile' : 'complete';
    this.end({ isComplete: true, text, sha256 });
  }

  /** Ends, and tells the client why. */
  private fail(error: TftpError, text: string): void {
    if (!this.isOver) sendTo(this.fd, errorPacket(error), this.peer);
    this.end({ isComplete: false, text });
  }

  /** RFC 1350 §4: the stranger gets an error, and the transfer is not disturbed. */
  private refuseStranger(receiver: Receiver, length: number): void {
    const { buffer, peer } = receiver;
    if (parseAnswer(buffer, length).kind === 'error' || !this.events.mayAnswerStranger(peer)) return;
    sendTo(this.fd, errorPacket(new TftpError(ErrorCode.unknownTransferId, 'Unknown transfer ID')), peer);
  }

  /** The next window, while the client is busy with this one. Nothing for an address that may be forged. */
  private readAhead(): void {
    const { blksize, windowsize } = this.agreement;
    const { isAnswered, next } = this.transfer;
    if (this.isOver || !isAnswered || this.content.has((next - 1) * blksize, windowsize * blksize)) return;
    this.fill();
  }

  /** @returns whether there is more to send now */
  private fill(): boolean {
    const { acknowledged } = this.transfer;
    const loaded = (error?: Error): void => {
      if (error) this.cannotRead(error);
      else if (!this.isOver) this.flush();
    };
    try {
      if (this.content.fill(acknowledged * this.agreement.blksize, loaded)) return true;
      this.events.loading();
      return false;
    } catch (error) {
      this.cannotRead(error as Error);
      return false;
    }
  }

  private cannotRead(error: Error): void {
    this.fail(new TftpError(ErrorCode.undefined, 'Cannot read the file'), `cannot read: ${error.message}`);
  }

  /** Sends the blocks that were read already, or reads some. @returns whether to go on */
  private sendSome(): boolean {
    const { transfer, content } = this;
    const { blksize } = this.agreement;
    const end = transfer.next + transfer.room;
    let isLast = false;
    for (let block = transfer.next; block < end && !isLast; block += 1) {
      const offset = (block - 1) * blksize;
      if (!content.has(offset, blksize)) break;
      const length = content.lengthAt(offset, blksize);
      if (!batch.fits(length)) break;
      batch.add(dataHeader(block), content.addressAt(offset), length);
      isLast = length < blksize;
    }
    const count = batch.length;
    if (count === 0) return this.fill();
    const sent = batch.send(this.fd, this.peerAddress, this.peer.length);
    // Errors but EAGAIN are as if the packets were lost on their way.
    const taken = sent === -EAGAIN ? 0 : sent < 0 ? count : sent;
    transfer.sent(taken, isLast && taken === count);
    if (taken === count) return true;
    this.events.blocked(this);
    return false;
  }
}
