/** The transfers that run, and whether one more may begin. */
import type { SocketAddress } from '../system/socket-address.ts';
import type { ReadRequest } from './packet.ts';
import type { Session } from './session.ts';

/** At once; of one client, since behind an address may be many. */
const MAX_SESSIONS = 1000;
const MAX_CLIENT_SESSIONS = 100;
/** Above that, the client that was silent for longest, and for so long, gives way to a new one. */
const SILENT_MS = 5000;
/** Of clients that have not said a word. Who sends under false names fills only these, and the oldest gives way. */
const MAX_UNANSWERED = 200;
const MAX_CLIENT_UNANSWERED = 64;
/** A client that asks for the same again, since it was reset, was silent for so long. Earlier it is a duplicate. */
const RESTART_MS = 1000;

const ANEW = { isComplete: false, text: 'the client began anew' };
const SILENT = { isComplete: false, text: 'the client is silent' };

export class Sessions {
  /** By the descriptor of their socket. */
  private readonly byDescriptor = new Map<number, Session>();

  get size(): number {
    return this.byDescriptor.size;
  }

  get(fd: number): Session | undefined {
    return this.byDescriptor.get(fd);
  }

  add(session: Session): void {
    this.byDescriptor.set(session.fd, session);
  }

  delete(session: Session): void {
    this.byDescriptor.delete(session.fd);
  }

  /** Sends again what has to be. */
  tick(now: number): void {
    for (const session of this.byDescriptor.values()) {
      if (session.transfer.deadline <= now) session.timeout(now);
    }
  }

  /** Whether a request is a new one, and not one too many. Ends transfers that give way to it. */
  mayBegin(peer: SocketAddress, request: ReadRequest, now: number): boolean {
    const own = this.ofPort(peer);
    if (own !== undefined) {
      if (!isNew(own, request, now)) return false;
      own.end(ANEW);
    }
    const all = [...this.byDescriptor.values()];
    const ofClient = all.filter((session) => isSameAddress(session.peer, peer));
    if (ofClient.length >= MAX_CLIENT_SESSIONS) return false;
    if (ofClient.filter(isUnanswered).length >= MAX_CLIENT_UNANSWERED) return false;
    const unanswered = all.filter(isUnanswered);
    if (unanswered.length >= MAX_UNANSWERED) unanswered[0]?.end(SILENT);
    if (this.size < MAX_SESSIONS) return true;
    const quietest = all.reduce((one, other) => (one.heardAt <= other.heardAt ? one : other));
    if (now - quietest.heardAt < SILENT_MS) return false;
    quietest.end(SILENT);
    return true;
  }

  private ofPort(peer: SocketAddress): Session | undefined {
    for (const session of this.byDescriptor.values()) if (session.peer.equals(peer)) return session;
    return undefined;
  }
}

function isUnanswered({ transfer }: Session): boolean {
  return !transfer.isAnswered;
}

function isSameAddress(one: SocketAddress, other: SocketAddress): boolean {
  return one.scope === other.scope && one.address.equals(other.address);
}

/** Whether a request from a port that has a transfer is for another one. */
function isNew({ request, transfer, heardAt }: Session, { packet }: ReadRequest, now: number): boolean {
  if (!packet.equals(request.packet)) return true;
  return transfer.isAnswered && now - heardAt >= RESTART_MS;
}
