/** How eager producer and consumer are: the probability that they are active in a cycle. */
export const rates: readonly (readonly [produce: number, consume: number])[] = [
  [1, 1],
  [1, 0.3],
  [0.3, 1],
  [0.5, 0.5],
];
