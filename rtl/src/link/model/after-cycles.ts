import { type Bool, cat, type UInt, type Var } from '@hdl/ts-hdl';

/** `event` again, as many cycles later as `on_the_way` has bits: a register that holds an event per bit, which this sets in every cycle. */
export function afterCycles(on_the_way: Var<UInt<number>>, event: Bool): Bool {
  const { width } = on_the_way;
  on_the_way.set(width === 1 ? event : cat(on_the_way.trunc(width - 1), event).as(width));
  return on_the_way.bit(width - 1);
}
