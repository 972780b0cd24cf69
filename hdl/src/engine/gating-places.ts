import type { GatingPlan } from './gating-plan.ts';
import type { Layout } from './layout.ts';

/** What gated code keeps in the machine's memory. Sets of chunks are bits in 64-bit words; everything else has 4 bytes. */
export interface GatingPlaces {
  /** Chunks to compute in this cycle, and in the next. */
  readonly now: number;
  readonly next: number;
  /** Chunks whose registers have new values. */
  readonly commit: number;
  /** Chunks that are computed in the first cycle of each call: what reads memories that others may write. */
  readonly outside: number;
  /** Copies of inputs, 8 bytes each, by their addresses. */
  readonly inputs: ReadonlyMap<number, number>;
  /** 0 once the state was changed by anything but the gated code. */
  readonly valid: number;
  /** `Policy`. */
  readonly policy: number;
  /** 1 while gated code runs; it does so at first. */
  readonly gated: number;
  /** Cycles of plain code that are still to run, and how many there will be the next time; 0 before the first call. */
  readonly left: number;
  readonly plain: number;
  /** Cycles of the window that are still to run, and chunks computed in it. */
  readonly window: number;
  readonly computed: number;
}

/** Who decides between gated and plain code: measured activity, or nobody. */
export const Policy = { measured: 0, gated: 1, plain: 2 } as const;

/** Cycles over which activity is measured. */
export const WINDOW = 64;
/** Cycles of plain code after gated code did not pay, at first and at most; each is twice the one before. */
export const SHORTEST_PLAIN = 1024;
export const LONGEST_PLAIN = 16_384;

/** Chunks that are computed in a window if plain code would be faster: half of those that there are. */
export function busyFrom(plan: GatingPlan): number {
  const counted = plan.chunks.filter(chunk => chunk.number >= 64 * plan.leadingWords).length;
  return Math.ceil(0.5 * WINDOW * counted);
}

/** Reserves the places. */
export function placeGating(plan: GatingPlan, layout: Layout): GatingPlaces {
  const set = () => layout.reserve(8 * plan.words, 8);
  const word = () => layout.reserve(4, 4);
  return {
    now: set(),
    next: set(),
    commit: set(),
    outside: set(),
    inputs: new Map([...plan.inputs.keys()].map(address => [address, layout.reserve(8, 8)])),
    valid: word(),
    policy: word(),
    gated: word(),
    left: word(),
    plain: word(),
    window: word(),
    computed: word(),
  };
}

/** Chunks as bits, by the number of the 64-bit word. */
export function bitsOf(chunks: readonly number[]): Map<number, bigint> {
  const words = new Map<number, bigint>();
  for (const chunk of chunks) words.set(chunk >> 6, (words.get(chunk >> 6) ?? 0n) | (1n << BigInt(chunk & 63)));
  return words;
}

/** Adds to the set `outside`, in the machine's memory, what reads a memory that others may write from now on. */
export function noteShared(buffer: ArrayBuffer, outside: number, readers: readonly number[]): void {
  const sets = new Uint32Array(buffer, outside);
  for (const chunk of readers) sets[chunk >> 5] = (sets[chunk >> 5] ?? 0) | (1 << (chunk & 31));
}
