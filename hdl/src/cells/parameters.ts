import { HdlError, type Help, quantity } from '../lang/errors.ts';
import type { Module } from '../lang/module.ts';
import { clog2 } from '../lang/widths.ts';

/** A cell in the making: errors tell where it is made. */
type Cell = Pick<Module<never>, '~site'>;

/** Bits that address `depth` words. @throws HdlError unless it is a power of two of at least 2. */
export function addressWidth(cell: Cell, depth: number): number {
  if (depth >= 2 && 2 ** clog2(depth) === depth) return clog2(depth);
  const help = `take ${2 ** clog2(Math.max(depth, 2))}; a ShowAheadFifo may have any depth`;
  throw new HdlError(`the depth of ${nameOf(cell)} is a power of two of at least 2, not ${depth}`, cell['~site'].creation, {
    help,
  });
}

/** `value`. @throws HdlError unless it is a whole number of at least `least`. */
export function atLeast(cell: Cell, least: number, what: string, value: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw refusal(cell, `${what} of ${nameOf(cell)} is a whole number of at least ${least}, not ${value}`, {
    help: 'state another number',
  });
}

/** What is wrong with a cell, told of the place where it is made. */
export function refusal(cell: Cell, message: string, advice: Help): HdlError {
  return new HdlError(message, cell['~site'].creation, advice);
}

const nameOf = (cell: Cell) => cell.constructor.name;

/** `lanes`. @throws HdlError unless they divide `width` bits. */
export function lanesOf<N extends number>(cell: Cell, width: number, lanes: N): N {
  if (Number.isInteger(lanes) && lanes >= 1 && width % lanes === 0) return lanes;
  const stated = Number.isInteger(lanes) ? quantity(lanes, 'lane') : `lanes of ${quantity(Math.round(width / lanes), 'bit')}`;
  throw refusal(cell, `${stated} do not divide a word of ${quantity(width, 'bit')}`, {
    help: 'lanes are equal parts of a word',
  });
}
