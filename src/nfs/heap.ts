/**
 * Keeps garbage from piling up. V8 lets the old generation double before it collects; a server that is one of many on
 * its machine has better use for a collection of some 10 ms now and then.
 */
import v8 from 'node:v8';

/** Bytes of garbage at most, as long as less is made in the time between two looks. */
const GROWTH = 4 * 1024 * 1024;
const LOOK_MS = 250;

function used(): number {
  const { used_heap_size, external_memory } = v8.getHeapStatistics();
  return used_heap_size + external_memory;
}

/** Works where Node was started with --expose-gc (confinement.ts). */
export function keepHeapSmall(): void {
  const { gc } = globalThis;
  if (gc === undefined) return;
  let least = used();
  setInterval(() => {
    const now = used();
    least = Math.min(least, now);
    if (now - least < GROWTH) return;
    void gc();
    least = used();
  }, LOOK_MS).unref();
}
