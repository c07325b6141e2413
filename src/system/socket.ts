/** Sockets: what Node does too slowly or cannot tell. */
import { define, defineRaw } from './libc.ts';

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_MORE = 0x8000;
const F_DUPFD_CLOEXEC = 1030;

const rawSend = defineRaw<[fd: number, bytes: Uint8Array, length: number, flags: number]>(
  'long send(int fd, const void *buf, size_t len, int flags)',
);
const fcntl = define<[fd: number, command: number, type: 'int', value: number]>(
  'int fcntl(int fd, int command, ...)',
);

/**
 * Sends the first `length` bytes, as far as the kernel takes them now. send(2)
 *
 * @param more the rest of the message follows at once
 * @returns the bytes that it took, or the negative errno
 */
export function send(fd: number, bytes: Uint8Array, length: number, more = false): number {
  return rawSend(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0));
}

/** Another descriptor of the same socket, close-on-exec. */
export function duplicate(fd: number): number {
  return fcntl(fd, F_DUPFD_CLOEXEC, 'int', 0);
}

const SOL_SOCKET = 1;
const SO_DOMAIN = 39;
const AF_INET6 = 10;
const INT_BYTES = 4;
const getsockopt = define<[fd: number, level: number, option: number, value: Buffer, length: Buffer]>(
  'int getsockopt(int fd, int level, int option, void *value, void *length)',
);

/** Whether a socket is of the family AF_INET6. socket(7) */
export function isIpv6Socket(fd: number): boolean {
  const value = Buffer.alloc(INT_BYTES);
  const length = Buffer.alloc(INT_BYTES);
  length.writeInt32LE(INT_BYTES);
  getsockopt(fd, SOL_SOCKET, SO_DOMAIN, value, length);
  return value.readInt32LE() === AF_INET6;
}
