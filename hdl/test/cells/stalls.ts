/** Random stalls for stream cells: seeded, so that a failure can be run again. */

/** A small generator of pseudo-random numbers (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How eager producer and consumer are: the probability that they are active in a cycle. */
export const rates: readonly (readonly [produce: number, consume: number])[] = [
  [1, 1],
  [1, 0.3],
  [0.3, 1],
  [0.5, 0.5],
];
