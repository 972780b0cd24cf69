import type { ArithmeticOp, CompareOp } from '../ir/ir.ts';
import type { Bits, Operation } from './bits.ts';

/** A mask of `width` ones. */
export const ones = (width: number) => (1n << BigInt(width)) - 1n;

/** The bit pattern that `operation` gives where all that it needs is constant, else undefined. */
export function folded(width: number, operation: Operation): bigint | undefined {
  const value = evaluate(operation);
  return value === undefined ? undefined : BigInt.asUintN(width, value);
}

function evaluate(o: Operation): bigint | undefined {
  switch (o.kind) {
    case 'unary': {
      const value = constantOf(o.value);
      return value === undefined ? undefined : unary(o.op, value, ones(o.value.width));
    }
    case 'binary': {
      const left = constantOf(o.left);
      const right = constantOf(o.right);
      // A shift by a constant is made of slices and never comes here with two constants.
      if (left === undefined || right === undefined || o.op === 'shl' || o.op === 'shr') return undefined;
      const read = (value: bigint) => (o.signed ? BigInt.asIntN(o.left.width, value) : value);
      return binary(o.op, read(left), read(right));
    }
    case 'mux': {
      const condition = constantOf(o.condition);
      return condition === undefined ? undefined : constantOf(condition === 1n ? o.whenTrue : o.whenFalse);
    }
    case 'concat': {
      let whole = 0n;
      for (const part of o.parts) {
        const value = constantOf(part);
        if (value === undefined) return undefined;
        whole = (whole << BigInt(part.width)) | value;
      }
      return whole;
    }
    case 'slice': {
      const value = constantOf(o.value);
      return value === undefined ? undefined : value >> BigInt(o.low);
    }
    case 'extend': {
      const value = constantOf(o.value);
      return value === undefined || !o.signed ? value : BigInt.asIntN(o.value.width, value);
    }
    default:
      return undefined;
  }
}

function constantOf({ known }: Bits): bigint | undefined {
  return known;
}

function unary(op: (Operation & { kind: 'unary' })['op'], value: bigint, all: bigint): bigint {
  switch (op) {
    case 'not':
      return all ^ value;
    case 'reduce_and':
      return BigInt(value === all);
    case 'reduce_or':
      return BigInt(value !== 0n);
    case 'reduce_xor': {
      let odd = 0n;
      for (let rest = value; rest > 0n; rest >>= 1n) odd ^= rest & 1n;
      return odd;
    }
  }
}

function binary(op: ArithmeticOp | CompareOp, a: bigint, b: bigint): bigint {
  switch (op) {
    case 'add':
      return a + b;
    case 'sub':
      return a - b;
    case 'mul':
      return a * b;
    case 'and':
      return a & b;
    case 'or':
      return a | b;
    case 'xor':
      return a ^ b;
    case 'eq':
      return BigInt(a === b);
    case 'ne':
      return BigInt(a !== b);
    case 'lt':
      return BigInt(a < b);
    case 'le':
      return BigInt(a <= b);
    case 'gt':
      return BigInt(a > b);
    case 'ge':
      return BigInt(a >= b);
  }
}
