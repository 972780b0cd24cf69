import type { Site } from '../ir/ir.ts';
import { type Bits, concat, describe, literal } from './bits.ts';
import { HdlError } from './errors.ts';
import { currentBlock, record } from './statements.ts';

/** What a value is a part of, where the part is chosen by a signal. */
export type Place =
  /** Bits `index * size` upward of `base`; 0 beyond its end. */
  | { readonly kind: 'window'; readonly base: Bits; readonly index: Bits; readonly size: number }
  /** One of the elements, the last one for an index beyond them. */
  | { readonly kind: 'element'; readonly index: Bits; readonly elements: readonly Bits[] };

/** Records that bits `low` upward of `target`, or `low + offset` upward, get `value`: the way down to the signal that `target` is a part of. */
export function store(target: Bits, low: number, offset: Bits | undefined, value: Bits, site: Site): void {
  const { place } = target;
  if (place?.kind === 'element') {
    byIndex(place.index, place.elements.length, site, i => {
      const element = place.elements[i];
      if (element) store(element, low, offset, value, site);
    });
  } else if (place) {
    inside(place.base, place.index, place.size, site, () => {
      const start = scaled(place.index, place.size);
      store(place.base, low, offset ? sum(offset, start) : start, value, site);
    });
  } else if (target.operation.kind === 'slice') {
    store(target.operation.value, low + target.operation.low, offset, value, site);
  } else if (target.operation.kind === 'signal') {
    currentBlock().push({ kind: 'set', target, low, offset, value, site });
  } else {
    throw new HdlError(`${describe(target)} is the result of an operation`, {
      help: 'only wires, registers and ports can be set',
    });
  }
}

/** Records `set(i)` for the i that `index` has; nothing for one of `count` or more. */
export function byIndex(index: Bits, count: number, site: Site, set: (i: number) => void): void {
  const arms = Array.from({ length: count }, (_, i) => ({ value: BigInt(i), label: '', body: record(() => set(i)) }));
  currentBlock().push({ kind: 'match', subject: index, arms, otherwise: [], site });
}

/** Records `body` under the condition that the word lies in `base`, where it could lie beside it: beyond a signal nothing is written anyway. */
function inside(base: Bits, index: Bits, size: number, site: Site, body: () => void): void {
  const count = base.width / size;
  const canLeave = 2 ** index.width > count;
  if (base.operation.kind === 'signal' || !canLeave) body();
  else currentBlock().push({ kind: 'if', arms: [{ condition: index.lt(count), body: record(body) }], otherwise: [], site });
}

/** `index * size`, in as many bits as that needs. */
export function scaled(index: Bits, size: number): Bits {
  if (size === 1) return index;
  const shift = Math.log2(size);
  if (Number.isInteger(shift)) return concat([index, literal(shift, 0)]);
  return index.mul(literal(Math.floor(shift) + 1, size));
}

function sum(a: Bits, b: Bits): Bits {
  const width = Math.max(a.width, b.width) + 1;
  return a.zext(width).add(b.zext(width));
}
