import type { Module } from '@hdl/ts-hdl';
import type { RuleNumber } from '../conformance/rules.ts';

/** What every proof module is built with. */
export interface ProofParams {
  /**
   * Claims the opposite of what the proof is about: that the situation in which its properties matter never comes. It has to be refuted, or the
   * assumptions are so strong that the proof says nothing.
   */
  readonly witness: boolean;
}

/** Properties of a block: a module that holds the block, what its surroundings promise (`assume`) and what it claims (`assert`). */
export interface Proof {
  /** Unique, in kebab case. */
  readonly name: string;
  /** The block, as people call it. */
  readonly block: string;
  /** What is proved, for people, with the parameters that the block has in the proof. */
  readonly claim: string;
  /** The rules that it proves (docs/conformance.md); empty where it is a promise of our own. */
  readonly rules: readonly RuleNumber[];
  readonly build: (params: ProofParams) => Module<never> | Module<unknown>;
  /** Steps of the longest induction that is tried. */
  readonly steps: number;
}

/** How a proof ended. */
export type Verdict =
  /** For all time: the base case and the step of an induction over so many cycles. */
  | { readonly kind: 'proved'; readonly steps: number }
  /** A run from reset breaks a claim: its waveform, as VCD. */
  | { readonly kind: 'refuted'; readonly waveform: string }
  /** No run of `steps` cycles breaks a claim, and no induction of that length proves them. */
  | { readonly kind: 'undecided'; readonly steps: number };
