/** A value that a program stores; the root of a tree of operations. */
export interface Root {
  /** Node that must be 1 for the store to happen; -1: always. */
  readonly guard: number;
  readonly address: number;
  /** Bits of the limb, which decide the bytes stored. */
  readonly width: number;
  readonly value: number;
  /** Node that needs no store, because the place has its value already; -1: none. */
  readonly hold: number;
  readonly watch?: Watch;
}

/** A store that tells whether it changes something. */
export interface Watch {
  /** Address of the value to compare with. */
  readonly before: number;
  /** Names what changes. */
  readonly source: number;
}

/** One step of a scheduled program. */
export type Item =
  /** Computes a node that is used more than once. */
  | { readonly kind: 'define'; readonly node: number }
  /** Gives a member of a branch its value in one arm. */
  | { readonly kind: 'assign'; readonly member: number; readonly value: number }
  | {
      readonly kind: 'store';
      readonly address: number;
      readonly width: number;
      readonly value: number;
      readonly watch: Watch | undefined;
    }
  /** Members are select nodes that have their value after the branch. */
  | {
      readonly kind: 'branch';
      readonly condition: number;
      readonly whenTrue: readonly Item[];
      readonly whenFalse: readonly Item[];
      readonly members: readonly number[];
    }
  /** Runs a function of the program. */
  | { readonly kind: 'call'; readonly target: ProgramFunction };

/** A piece of a program that is small enough for the machine's compiler to optimise well. */
export interface ProgramFunction {
  readonly items: readonly Item[];
}

/** What happens at the clock edge to a memory, out of a staging area that the cycle's program fills. */
export interface WritePort {
  readonly memory: number;
  /** One byte, set when a write is pending. */
  readonly flag: number;
  /** 4 bytes: the word's number. */
  readonly index: number;
  /** 8 bytes per limb. */
  readonly data: number;
  /** 8 bytes per limb, a bit per lane; `undefined`: the whole word. */
  readonly mask: number | undefined;
}
