/** What is known of a device's content: what it held before, and what was written since. */
export class Scoreboard {
  /** Blocks that came back other than they may be. */
  wrong = 0;
  private readonly before: Uint8Array;
  private readonly blockBytes: number;
  private readonly seed: number;
  /** Blocks whose writing began, and those where it has ended. */
  private readonly begun = new Set<number>();
  private readonly ended = new Set<number>();

  constructor(before: Uint8Array, blockBytes: number, seed: number) {
    this.before = before;
    this.blockBytes = blockBytes;
    this.seed = seed;
  }

  /** What a write puts there: always the same for a block, so that writes may pass each other. */
  content(start: number, count: number): Uint8Array {
    const data = new Uint32Array((count * this.blockBytes) / 4);
    let state = 0;
    for (let i = 0; i < data.length; i++) {
      if (i % (this.blockBytes / 4) === 0)
        state = (this.seed * 0x9e37_79b1 + (start + (4 * i) / this.blockBytes) * 0x85eb_ca6b) | 1;
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      data[i] = state;
    }
    return new Uint8Array(data.buffer);
  }

  writing(start: number, count: number): void {
    for (let block = start; block < start + count; block++) this.begun.add(block);
  }
  written(start: number, count: number): void {
    for (let block = start; block < start + count; block++) this.ended.add(block);
  }

  /** Notes what a read may bring, before it begins. @returns the check of what it brought. */
  reading(start: number, count: number): (data: Uint8Array) => void {
    const sure = new Set<number>();
    for (let block = start; block < start + count; block++) if (this.ended.has(block)) sure.add(block);
    return data => {
      const written = this.content(start, count);
      for (let i = 0; i < count; i++) {
        const block = start + i;
        const at = i * this.blockBytes;
        const part = data.subarray(at, at + this.blockBytes);
        const isNew = this.begun.has(block) && same(part, written.subarray(at, at + this.blockBytes));
        const isOld =
          !sure.has(block) && same(part, this.before.subarray(block * this.blockBytes, (block + 1) * this.blockBytes));
        if (!isNew && !isOld) this.wrong++;
      }
    };
  }

  /** Compares all of the device with what it must hold when nothing is under way. @returns the number of wrong blocks, of this and of all reads. */
  check(media: Uint8Array): number {
    for (let block = 0; (block + 1) * this.blockBytes <= media.length; block++) {
      const at = block * this.blockBytes;
      const expected = this.ended.has(block) ? this.content(block, 1) : this.before.subarray(at, at + this.blockBytes);
      if (!same(media.subarray(at, at + this.blockBytes), expected)) this.wrong++;
    }
    return this.wrong;
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
