import { anyOf, type Bool, cat, mux, type UInt, u } from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { ErrorMessageCode } from '../config/error-messages.ts';
import { messageContains } from '../config/port-containment.ts';
import type { PortControls } from '../config/port-controls.ts';
import { type Header, isMessage, MessageRoute } from '../tlp/tlp.ts';

/** What is known of a TLP that may be an error message to the root complex. */
interface ErrorMessage {
  /** It does not get there. */
  readonly swallowed: Bool;
  /** It is ERR_NONFATAL or ERR_FATAL; it contains the port; it is ERR_FATAL. */
  readonly severe: Bool;
  readonly contains: Bool;
  readonly fatal: Bool;
}

/**
 * Error messages that come by the port whose controls are `own`, with those of the upstream port where it is a downstream one: it ends those that it or the one above does not
 * pass on (C90), or that contain the port (C91), wherever they would go.
 */
export function errorMessage(header: Header, own: PortControls, above?: PortControls): ErrorMessage {
  const to_root = isMessage(header).and(header.type.part(0, 3).eq(MessageRoute.toRootComplex));
  const code = cat(header.last_be, header.first_be);
  const says = (which: number) => to_root.and(code.eq(which));
  const fatal = says(ErrorMessageCode.fatal);
  if (!above) return { swallowed: u(1, 0), severe: u(1, 0), contains: u(1, 0), fatal };
  const severe = fatal.or(says(ErrorMessageCode.nonfatal));
  const contained = messageContains(own.contains, fatal);
  const passes_severe = own.passes_severe.and(above.passes_severe);
  const passes_correctable = own.passes_correctable.and(above.passes_correctable);
  const correctable = says(ErrorMessageCode.correctable).and(passes_correctable.not());
  const swallowed = severe.and(passes_severe.not().or(contained)).or(correctable);
  return { swallowed, severe, contains: severe.and(contained), fatal };
}

/** A condition, and the kind of error that it is if none before it holds. */
export type ErrorCase = readonly [condition: Bool, kind: number];

/** What `of` gives for the kind of the first condition that holds, else for `otherwise`: a tree, for the conditions come late. */
export function firstOf<W extends number>(
  cases: readonly ErrorCase[],
  otherwise: number,
  of: (kind: number) => UInt<W>,
): UInt<W> {
  if (cases.length === 0) return of(otherwise);
  const half = Math.ceil(cases.length / 2);
  const [before, after] = [cases.slice(0, half), cases.slice(half)];
  const [, last] = at(before, half - 1);
  return mux(
    anyOf(before.map(([holds]) => holds)),
    firstOf(before.slice(0, -1), last, of),
    firstOf(after, otherwise, of),
  ) as UInt<W>;
}
