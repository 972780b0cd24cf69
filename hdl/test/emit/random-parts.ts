import type { Design, Expr, Signal, Statement } from '../../src/ir/ir.ts';
import {
  arithmetic,
  assign,
  concat,
  constant,
  design,
  extend,
  ModuleBuilder,
  read,
  shift,
  slice,
  when,
} from '../engine/ir-builder.ts';
import { Random } from '../random.ts';

/**
 * A random module that sets and reads parts of registers and outputs at offsets of many forms: indices of any width, multiples of words, sums, parts
 * that lie half beyond the value, and bits that depend on others of the same vector.
 */
export function randomParts(seed: number): Design {
  const random = new Random(seed);
  const builder = new ModuleBuilder('Parts');
  const indices = [1, 2, 3, 5, 8].map(width => builder.input(`i${width}`, width));
  const values = [1, 4, 24].map(width => builder.input(`v${width}`, width));
  const value = (width: number) => {
    const from = random.pick(values);
    return from.width >= width ? slice(from, random.below(from.width - width + 1), width) : extend(from, width);
  };
  const offset = (): Expr => {
    const index = random.pick(indices);
    switch (random.below(5)) {
      case 0:
        return concat(index, constant(1 + random.below(3), 0));
      case 1:
        return arithmetic('mul', extend(index, index.width + 3), constant(index.width + 3, 1 + random.below(7)));
      case 2:
        return arithmetic('add', extend(index, 11), extend(concat(random.pick(indices), constant(2, 0)), 11));
      case 3:
        return constant(5, random.below(32));
      default:
        return index;
    }
  };
  const place = (target: Signal): Statement => {
    const width = 1 + random.below(Math.min(8, target.width));
    const low = random.below(target.width - width + 1);
    const set = { ...assign(target, value(width), low), offset: random.chance(0.85) ? offset() : undefined };
    return random.chance(0.3) ? when(value(1), [set]) : set;
  };
  for (let i = 0; i < 4; i++) {
    const width = 1 + random.below(40);
    const register = builder.register(`r${i}`, width, random.chance(0.5) ? random.bits(width) : undefined);
    for (let n = 1 + random.below(4); n > 0; n--) builder.body.push(place(register));
    builder.output(`q${i}`, read(register));
    values.push(read(register));
  }
  for (let i = 0; i < 3; i++) {
    const width = 2 + random.below(20);
    const signal = builder.signal('output', `w${i}`, width);
    builder.body.push(assign(signal, value(width)));
    for (let n = 1 + random.below(3); n > 0; n--) builder.body.push(place(signal));
    if (random.chance(0.4)) {
      // The top bit depends on the bottom bit of the same signal.
      builder.body.push(assign(signal, value(1)), assign(signal, slice(read(signal), 0, 1), width - 1));
    }
    values.push(read(signal));
  }
  for (let i = 0; i < 6; i++) {
    const from = random.pick(values);
    const width = 1 + random.below(Math.min(8, from.width));
    const shifted = shift('shr', from, offset());
    builder.output(`p${i}`, slice(shifted, random.below(from.width - width + 1), width));
  }
  return design(builder.build());
}
