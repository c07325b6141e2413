import fs from 'node:fs';
import { expect, it } from 'vitest';
import { Epoll } from '../../src/system/epoll.ts';
import { SocketAddress } from '../../src/system/socket-address.ts';
import { localAddress, openUdp, Receiver, sendTo } from '../../src/system/udp.ts';

const ROUNDS = 10;

/** Milliseconds until Node tells of what was begun when a packet came: the shortest of some, as a loaded machine has it. */
async function patience(leaves: boolean): Promise<number> {
  const fd = openUdp(SocketAddress.of(Buffer.of(127, 0, 0, 1), 0));
  const own = localAddress(fd);
  const receiver = new Receiver(16);
  let told = (_milliseconds: number) => {};
  const epoll = new Epoll(() => {
    receiver.receive(fd);
    const begin = performance.now();
    fs.stat('/', () => told(performance.now() - begin));
    if (leaves) epoll.leave();
  });
  epoll.add(fd);
  try {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { promise, resolve } = Promise.withResolvers<number>();
      told = resolve;
      sendTo(fd, Buffer.of(0), own);
      times.push(await promise);
    }
    return Math.min(...times);
  } finally {
    epoll.close();
    fs.closeSync(fd);
  }
}

it('waits for packets itself, unless it is told that Node has something', async () => {
  expect(await patience(false)).toBeGreaterThan(15);
  expect(await patience(true)).toBeLessThan(15);
});
