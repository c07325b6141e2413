/** A map from inode numbers to numbers in 16 bytes an entry: for trees of a million files. */

const EMPTY = 0;
const FIRST_CAPACITY = 1024;
const TWO_32 = 0x1_0000_0000;

/** Open addressing with linear probing; at most two thirds full. No inode has number 0. */
export class InodeTable {
  private keys = new Float64Array(FIRST_CAPACITY);
  private values = new Float64Array(FIRST_CAPACITY);
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(key: number): number | undefined {
    const slot = this.slotOf(key);
    return this.keys[slot] === key ? this.values[slot] : undefined;
  }

  set(key: number, value: number): void {
    let slot = this.slotOf(key);
    if (this.keys[slot] === EMPTY) {
      if ((this.count + 1) * 3 > this.keys.length * 2) {
        this.grow();
        slot = this.slotOf(key);
      }
      this.count += 1;
      this.keys[slot] = key;
    }
    this.values[slot] = value;
  }

  /** Its value becomes 0; the slot stays taken until the table grows. */
  unset(key: number): void {
    const slot = this.slotOf(key);
    if (this.keys[slot] === key) this.values[slot] = 0;
  }

  /** The same for all that have one of these values. */
  unsetValues(gone: ReadonlySet<number>): void {
    for (const [slot, value] of this.values.entries()) if (gone.has(value)) this.values[slot] = 0;
  }

  private slotOf(key: number): number {
    const mask = this.keys.length - 1;
    // Inode numbers count up, on some file systems in large steps: all their bits are to reach the low ones.
    const mixed = Math.imul((key % TWO_32) ^ (key / TWO_32), 0x9e3779b1);
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    while (this.keys[slot] !== EMPTY && this.keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  /** Not by those that were unset: where numbers are never used again, they would fill any table. */
  private grow(): void {
    const { keys, values } = this;
    this.count = values.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
    const capacity = this.count * 3 > keys.length ? keys.length * 2 : keys.length;
    this.keys = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    for (const [index, value] of values.entries()) {
      if (value === 0) continue;
      const key = keys[index] as number;
      const slot = this.slotOf(key);
      this.keys[slot] = key;
      this.values[slot] = value;
    }
  }
}
