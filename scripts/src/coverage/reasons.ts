import type { Point } from './points.ts';

/** Why some points cannot, or need not, be exercised. */
export interface Reason {
  /** Files below the project's root. */
  readonly file: RegExp;
  readonly kinds: readonly Point['kind'][];
  /** Points of these lines only. */
  readonly what?: RegExp;
  readonly text: string;
}

export const reasons: readonly Reason[] = [];
