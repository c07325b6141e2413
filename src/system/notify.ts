/** What a service manager hands to us and wants to be told: sd_listen_fds(3) and sd_notify(3), without libsystemd. */
import fs from 'node:fs';
import { define } from './libc.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SO_TYPE = 3;
/** sun_path of struct sockaddr_un */
const MAX_PATH = 108;

const socket = define<[domain: number, type: number, protocol: number]>(
  'int socket(int domain, int type, int protocol)',
);
const sendto = define<
  [fd: number, data: Buffer, size: number, flags: number, address: Buffer, addressLength: number]
>('long sendto(int fd, const void *buf, size_t len, int flags, const void *addr, unsigned int addrlen)');
const getsockopt = define<[fd: number, level: number, option: number, value: Int32Array, length: Int32Array]>(
  'int getsockopt(int fd, int level, int optname, _Out_ void *optval, _Inout_ void *optlen)',
);

/** struct sockaddr_un; a name that begins with @ is in the abstract namespace. */
function unixAddress(name: string): Buffer | undefined {
  const bytes = Buffer.from(name);
  if (bytes.length >= MAX_PATH || !/^[/@]./.test(name)) return undefined;
  const family = Buffer.alloc(2);
  new Uint16Array(family.buffer, family.byteOffset, 1)[0] = AF_UNIX;
  if (name.startsWith('@')) bytes[0] = 0;
  const end = name.startsWith('@') ? Buffer.alloc(0) : Buffer.of(0);
  return Buffer.concat([family, bytes, end]);
}

export type Notify = (state: string) => void;

/**
 * Tells the service manager, if there is one.
 *
 * @param name NOTIFY_SOCKET
 * @returns takes assignments separated by newlines, as in `READY=1\nSTATUS=…`; never throws
 */
export function notifier(name: string | undefined): Notify {
  const address = name === undefined ? undefined : unixAddress(name);
  if (address === undefined) return () => {};
  return (state) => {
    let fd: number | undefined;
    try {
      fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      const data = Buffer.from(state);
      sendto(fd, data, data.length, MSG_NOSIGNAL | MSG_DONTWAIT, address, address.length);
    } catch {
      // A manager that does not listen is no reason to stop serving.
    } finally {
      if (fd !== undefined) fs.closeSync(fd);
    }
  };
}

export interface PassedSocket {
  readonly fd: number;
  readonly type: 'tcp' | 'udp';
  /** FileDescriptorName= of the socket unit; `unknown` if there is none. */
  readonly name: string;
}

const FIRST_FD = 3;

function socketType(fd: number): PassedSocket['type'] {
  const value = new Int32Array(1);
  getsockopt(fd, SOL_SOCKET, SO_TYPE, value, Int32Array.of(4));
  if (value[0] === SOCK_STREAM) return 'tcp';
  if (value[0] === SOCK_DGRAM) return 'udp';
  throw new Error(`socket ${fd} is neither a stream nor a datagram socket`);
}

/**
 * Sockets that the service manager opened for this process.
 *
 * @throws Error for descriptors that are no sockets of a kind that we serve
 */
export function passedSockets(env: NodeJS.ProcessEnv, pid = process.pid): PassedSocket[] {
  const { LISTEN_PID, LISTEN_FDS = '', LISTEN_FDNAMES = '' } = env;
  if (LISTEN_PID !== String(pid) || !/^[1-9]\d{0,2}$/.test(LISTEN_FDS)) return [];
  const names = LISTEN_FDNAMES.split(':');
  return Array.from({ length: Number(LISTEN_FDS) }, (_, index) => ({
    fd: FIRST_FD + index,
    type: socketType(FIRST_FD + index),
    name: names[index] || 'unknown',
  }));
}
