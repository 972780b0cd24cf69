import type { LogFormat, Site } from '../ir/ir.ts';
import { Bits, node } from './bits.ts';
import { noteReturned } from './discarded.ts';
import type { DomainChoice } from './domain.ts';
import { HdlError } from './errors.ts';
import type { Memory } from './memory.ts';
import { CallSite } from './site.ts';
import type { Bool } from './values.ts';

/** Statements as the surface records them; elaboration turns them into the IR's. */
export type Recorded =
  /** Bits `low` upward of a signal, or from `low + offset`; see `Assign` of the IR. */
  | {
      readonly kind: 'set';
      readonly target: Bits;
      readonly low: number;
      readonly offset: Bits | undefined;
      readonly value: Bits;
      readonly site: Site;
    }
  | { readonly kind: 'if'; readonly arms: RecordedArm[]; otherwise: Recorded[]; readonly site: Site }
  | {
      readonly kind: 'match';
      readonly subject: Bits;
      readonly arms: RecordedCase[];
      readonly otherwise: Recorded[];
      readonly site: Site;
    }
  | {
      readonly kind: 'memory-write';
      readonly memory: Memory;
      readonly address: Bits;
      readonly data: Bits;
      readonly mask: Bits | undefined;
      /** Undefined: that of the module. */
      readonly domain: DomainChoice | undefined;
      readonly site: Site;
    }
  | {
      readonly kind: 'property';
      readonly property: 'assert' | 'assume' | 'cover';
      readonly condition: Bits;
      readonly message: string;
      readonly domain: DomainChoice | undefined;
      readonly site: Site;
    }
  | {
      readonly kind: 'log';
      readonly parts: readonly (string | { readonly value: Bits; readonly format: LogFormat })[];
      readonly domain: DomainChoice | undefined;
      readonly site: Site;
    };
interface RecordedArm {
  readonly condition: Bits;
  readonly body: Recorded[];
}
interface RecordedCase {
  readonly value: bigint;
  readonly label: string;
  readonly body: Recorded[];
}

let block: Recorded[] | undefined;

/** The list that statements are recorded in. @throws HdlError outside `logic()`. */
export function currentBlock(): Recorded[] {
  if (!block) throw new HdlError('statements belong in logic()', { help: 'move it into logic() of a module' });
  return block;
}

/** Records what `body` states. */
export function record(body: () => unknown): Recorded[] {
  const outer = block;
  const mine: Recorded[] = [];
  block = mine;
  try {
    const value: unknown = body();
    if (value instanceof Bits) noteReturned(value);
  } finally {
    block = outer;
  }
  return mine;
}

/** What may follow a `when`. */
export interface When {
  /** Taken if no earlier condition was 1 and this one is. */
  elsewhen(condition: Bool, body: () => void): When;
  /** Taken if no condition was 1. */
  otherwise(body: () => void): void;
}

/** Conditional statements: `body` takes effect while `condition` is 1. */
export function when(condition: Bool, body: () => void): When {
  const statement: Recorded = { kind: 'if', arms: [arm(condition, body)], otherwise: [], site: new CallSite() };
  currentBlock().push(statement);
  const chain: When = {
    elsewhen(next, nextBody) {
      statement.arms.push(arm(next, nextBody));
      return chain;
    },
    otherwise(rest) {
      statement.otherwise = record(rest);
    },
  };
  return chain;
}

function arm(condition: Bool, body: () => void): RecordedArm {
  const bits = node(condition);
  if (bits.width !== 1)
    throw new HdlError(`a condition has 1 bit, this one has ${bits.width}`, { help: 'compare it, or use any()' });
  return { condition: bits, body: record(body) };
}
