import { ones } from '../ir/visit.ts';

/** A sized constant: decimal while it is short, hexadecimal for wide values and patterns of ones. */
export function literal(width: number, value: bigint): string {
  if (width === 1) return `1'b${value}`;
  const pattern = width > 4 && value === ones(width);
  return value < 256n && !pattern ? `${width}'d${value}` : `${width}'h${value.toString(16)}`;
}

/** The same as a signed constant. */
export function signedLiteral(width: number, value: bigint): string {
  if (width === 1) return `1'sb${value}`;
  const negative = value >> BigInt(width - 1) === 1n;
  return negative ? `-${width}'sd${(1n << BigInt(width)) - value}` : `${width}'sd${value}`;
}

/** `[7:0] `, or nothing for a single bit. */
export function range(width: number): string {
  return width === 1 ? '' : `[${width - 1}:0] `;
}

/** Bits of an index that reaches `count` things, at least 1. */
export function indexWidth(count: number): number {
  return Math.max(1, (count - 1).toString(2).length);
}
