import { cat, clog2, HdlError, mux, type Readable, type Sig, select, type UInt } from '@hdl/ts-hdl';
import type { FunctionControlsType } from '../../config/function-controls.ts';

/** What the configuration spaces of all functions say. */
export type Controls = readonly Sig<FunctionControlsType>[];

/** A field of the function that `index` names; one beyond the last function stands for the last. @throws HdlError for no or more than 8 functions. */
export function ofFunction<X extends Readable>(
  controls: Controls,
  index: UInt<3>,
  field: (of: Sig<FunctionControlsType>, index: number) => X,
): X {
  if (controls.length < 1 || controls.length > 8) throw new HdlError(`an endpoint has 1 to 8 functions, not ${controls.length}`);
  return select(index.trunc(clog2(controls.length)), controls.map(field));
}

/** May the function send requests: bus master on, and neither being reset nor in `cancel`, a bit per function (C81, C84). */
export const mayRequest = (controls: Controls, index: UInt<3>, cancel: UInt<number>): UInt<1> =>
  ofFunction(controls, index, (of, i) => of.bus_master.and(of.resetting.not()).and(cancel.bit(i).not()));

/** The `attr` field for a request that would like these: ID-based ordering wherever enabled, the others only where enabled (C12, C64, C65, C99). */
export function requestAttributes(
  controls: Controls,
  request: { readonly function: UInt<3>; readonly relaxed_ordering: UInt<1>; readonly no_snoop: UInt<1> },
): UInt<3> {
  const enabled = ofFunction(controls, request.function, of => of.ido_request.cat(of.relaxed_ordering).cat(of.no_snoop));
  const wanted = request.relaxed_ordering.cat(request.no_snoop);
  return mux(enabled.bit(2), wanted.zext(3).or(0b100), wanted.zext(3)).and(enabled);
}

/** The functions whose ID this is, a bit each; all where it is nobody's: an error of which no function can be told the owner is told to all (6.2.4). */
export function ownersOf(controls: Controls, id: UInt<16>): UInt<8> {
  const owners = cat(...controls.map(of => of.id.eq(id)).toReversed());
  return mux(owners.any(), owners.zext(8), 0xff).as(8);
}
