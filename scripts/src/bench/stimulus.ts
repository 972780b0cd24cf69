/**
 * The stimulus that all simulators of the benchmark get: one linear congruential generator of 32 bits, advanced once per input and cycle in the order of
 * the ports, whose value, its halves exchanged because the high bits are the random ones, fills the input, repeated if it is wide. And the signature that all of them must come to: after each edge the outputs, in
 * order, are folded into 32 bits.
 */
export const generator = { seed: 1, factor: 1664525, addend: 1013904223 } as const;

export const nextState = (state: number) => (Math.imul(state, generator.factor) + generator.addend) >>> 0;

/** What inputs get in a state. */
export const wordOf = (state: number) => ((state << 16) | (state >>> 16)) >>> 0;

/** One step of the signature: rotate left by one, then exclusive or with a word of 32 bits. */
export const fold = (signature: number, word: number) => (((signature << 1) | (signature >>> 31)) ^ word) >>> 0;

/** What a run came to. */
export interface PeerRun {
  readonly cycles: number;
  /** Of simulation alone, without elaboration and compilation. */
  readonly seconds: number;
  readonly signature: number;
}
