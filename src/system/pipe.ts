/** Pipes (pipe(7)) for the standard streams of another program. Those of Node's spawn are sockets. */
import { define } from './libc.ts';

const O_CLOEXEC = 0o2000000;
const pipe2 = define<[fds: Int32Array, flags: number]>('int pipe2(_Out_ void *pipefd, int flags)');

export interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

/** No program inherits the ends by accident. */
export function openPipe(): Pipe {
  const fds = new Int32Array(2);
  pipe2(fds, O_CLOEXEC);
  return { readEnd: fds[0] as number, writeEnd: fds[1] as number };
}
