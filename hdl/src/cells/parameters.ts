import { HdlError } from '../lang/errors.ts';
import { clog2 } from '../lang/widths.ts';

/**
 * Checks of parameters. Cells call them where their fields are made, so that the error tells the line that makes the cell.
 */

/** Bits that address `depth` words. @throws HdlError unless it is a power of two of at least 2. */
export function addressWidth(cell: string, depth: number): number {
  if (depth >= 2 && 2 ** clog2(depth) === depth) return clog2(depth);
  throw new HdlError(`${cell}'s depth is a power of two of at least 2, not ${depth}`);
}

/** `value`. @throws HdlError unless it is a whole number of at least `least`. */
export function atLeast(least: number, what: string, value: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new HdlError(`${what} is a whole number of at least ${least}, not ${value}`);
}

/** `lanes`. @throws HdlError unless they divide `width` bits. */
export function lanesOf<N extends number>(width: number, lanes: N): N {
  if (Number.isInteger(lanes) && lanes >= 1 && width % lanes === 0) return lanes;
  throw new HdlError(`${lanes} lanes do not divide a word of ${width} bits`);
}
