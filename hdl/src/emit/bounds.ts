import type { Expr } from '../ir/ir.ts';
import { ones } from '../ir/visit.ts';

type Bounds = readonly [least: bigint, greatest: bigint];

/** How many levels of an expression are looked at. */
const levels = 4;

/** Least and greatest value that an expression can have, read as unsigned, as far as its topmost levels show. */
export function bounds(expr: Expr, depth: number = levels): Bounds {
  if (expr.kind === 'const') return [expr.value, expr.value];
  const all: Bounds = [0n, ones(expr.width)];
  if (depth === 0) return all;
  if (expr.kind === 'extend' && !expr.signed) return bounds(expr.value, depth - 1);
  if (expr.kind === 'concat') {
    return expr.parts.reduce<Bounds>(
      ([low, high], part) => {
        const [least, greatest] = bounds(part, depth - 1);
        return [(low << BigInt(part.width)) | least, (high << BigInt(part.width)) | greatest];
      },
      [0n, 0n],
    );
  }
  if (expr.kind === 'binary' && (expr.op === 'add' || expr.op === 'mul')) {
    const [left, right] = [bounds(expr.left, depth - 1), bounds(expr.right, depth - 1)];
    const result: Bounds =
      expr.op === 'add' ? [left[0] + right[0], left[1] + right[1]] : [left[0] * right[0], left[1] * right[1]];
    return result[1] <= all[1] ? result : all;
  }
  return all;
}

/** The same, read as two's complement if `signed`. */
export function range(expr: Expr, signed: boolean): Bounds {
  const [least, greatest] = bounds(expr);
  const half = 1n << BigInt(expr.width - 1);
  if (!signed || greatest < half) return [least, greatest];
  return least < half ? [-half, half - 1n] : [least - 2n * half, greatest - 2n * half];
}
