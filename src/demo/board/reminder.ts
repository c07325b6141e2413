/**
 * U-Boot returns the buffers of its network card without telling QEMU (U-Boot 2023.01, virtio_net_free_pkt): once all 32
 * have been full, QEMU delivers nothing any more, until it has a reason to look for free ones.
 */

const INTERVAL_MS = 50;
/** After the last frame: 5 seconds, in which a board on a busy machine may not have come to empty them. */
const ROUNDS = 100;

/** @param remind makes QEMU look @returns to be called for each frame that the board is to get */
export function makeReminder(remind: () => void): () => void {
  let left = 0;
  let timer: NodeJS.Timeout | undefined;
  function round(): void {
    if (left-- > 0) {
      remind();
    } else {
      clearInterval(timer);
      timer = undefined;
    }
  }
  return () => {
    left = ROUNDS;
    timer ??= setInterval(round, INTERVAL_MS).unref();
  };
}
