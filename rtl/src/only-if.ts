import { type Bool, mux, type UInt, u } from '@hdl/ts-hdl';

/** The value if the condition holds, else 0. */
export const onlyIf = <W extends number>(condition: Bool, value: UInt<W>): UInt<W> =>
  mux(condition, value, u(value.width, 0)) as UInt<W>;
