import type { Module, Site, Statement, Target } from '../ir/ir.ts';
import { ones, targetName, walk } from '../ir/visit.ts';

/** A signal that combinational assignments drive: a wire, an output, or an input of a child. */
export interface Net {
  readonly target: Target;
  /** Bits that some assignment drives. */
  driven: bigint;
  /** The top-level statements that assign to it. */
  readonly statements: Set<Statement>;
}

const known = new WeakMap<Module, ReadonlyMap<string, Net>>();

/** The combinational nets of a module by `targetName`: those of its own in order of declaration, then the inputs of its children. */
export function netsOf(module: Module): ReadonlyMap<string, Net> {
  let nets = known.get(module);
  if (!nets) {
    nets = find(module);
    known.set(module, nets);
  }
  return nets;
}

function find(module: Module): Map<string, Net> {
  const nets = new Map<string, Net>();
  const add = (target: Target) => nets.set(targetName(target), { target, driven: 0n, statements: new Set() });
  for (const signal of module.signals) {
    if (signal.kind === 'wire' || signal.kind === 'output') add({ instance: undefined, signal });
  }
  for (const instance of module.instances) {
    for (const signal of instance.module.signals) if (signal.kind === 'input') add({ instance, signal });
  }
  for (const top of module.body) {
    walk([top], statement => {
      if (statement.kind !== 'assign') return;
      const net = nets.get(targetName(statement.target));
      if (!net) return;
      const { low, offset, value, target } = statement;
      net.driven |= ones(offset ? target.signal.width - low : value.width) << BigInt(low);
      net.statements.add(top);
    });
  }
  return nets;
}

/** A target as messages name it: `output 'count' of Counter`, or `input 'en' of 'counter' (Counter) in Top`. */
export function describeTarget(module: Module, { instance, signal }: Target): string {
  return instance
    ? `input '${signal.name}' of '${instance.name}' (${instance.module.name}) in ${module.name}`
    : `${signal.kind} '${signal.name}' of ${module.name}`;
}

/** `bit 3` or `bits 7 to 4, 1 to 0` of a mask. */
function describeBits(mask: bigint): string {
  const runs: string[] = [];
  const digits = mask.toString(2);
  let high: number | undefined;
  for (let i = 0; i <= digits.length; i++) {
    const bit = digits.length - 1 - i;
    if (digits[i] === '1') high ??= bit;
    else if (high !== undefined) {
      runs.push(high === bit + 1 ? `${high}` : `${high} to ${bit + 1}`);
      high = undefined;
    }
  }
  return `${runs.length === 1 && !runs[0]?.includes('to') ? 'bit' : 'bits'} ${runs.join(', ')}`;
}

/** All or a part of something, as the subject of a sentence. */
export interface Subject {
  readonly text: string;
  readonly is: 'is' | 'are';
  readonly has: 'has' | 'have';
}

/** `what`, or those `bits` of it that are not all. */
export function subjectOf(what: string, width: number, bits: bigint): Subject {
  if (bits === ones(width)) return { text: what, is: 'is', has: 'has' };
  const single = (bits & (bits - 1n)) === 0n;
  return { text: `${describeBits(bits)} of ${what}`, is: single ? 'is' : 'are', has: single ? 'has' : 'have' };
}

/** Where a target was declared, after where its child was made. */
export function sitesOf({ instance, signal }: Target): Site[] {
  return instance ? [instance.site, signal.site] : [signal.site];
}
