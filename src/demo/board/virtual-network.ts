/** The network of a virtual board: QEMU's user network (DHCP, TCP and UDP as this machine's own), behind our filter. */
import type { Duplex } from 'node:stream';
import { FrameFilter, type Services } from './frame-filter.ts';
import { relayFrames } from './frame-stream.ts';

/** QEMU's, for a user network whose frames are on a socket. @param fd the socket */
export function userNetworkArguments(fd: number): string[] {
  return [
    ...['-netdev', `socket,id=outside,fd=${fd}`, '-netdev', 'hubport,id=port1,hubid=0,netdev=outside'],
    ...['-netdev', 'user,id=user,ipv6=off', '-netdev', 'hubport,id=port2,hubid=0,netdev=user'],
  ];
}

/**
 * Joins a board with a user network.
 *
 * @param board the socket with the board's frames
 * @param outside that with the user network's
 * @param passed is called for each frame that the board is to get
 */
export function joinNetwork(
  board: Duplex,
  outside: Duplex,
  services: Services,
  passed: () => void = () => {},
): void {
  const filter = new FrameFilter(services);
  relayFrames(board, outside, filter.fromBoard);
  relayFrames(outside, board, (frame) => {
    const mayPass = filter.toBoard(frame);
    if (mayPass) passed();
    return mayPass;
  });
}
