import type { Expr, Instance, Memory, Signal } from '../ir/ir.ts';
import { ones } from '../ir/visit.ts';
import type { Possible } from './possible-bits.ts';

/** Told of what a value is made of: bits of nodes, of signals, of outputs of children and of memories' words. */
export interface Readers {
  readonly node: (expr: Expr, bits: bigint) => void;
  readonly signal: (signal: Signal, bits: bigint) => void;
  readonly output: (instance: Instance, port: Signal, bits: bigint) => void;
  readonly words: (memory: Memory, bits: bigint) => void;
  /** What a node can be. */
  readonly value: (expr: Expr) => Possible;
}

/** Bits that are always 0, and bits that are always 1. */
const always0 = ({ zero, one }: Possible): bigint => zero & ~one;
const always1 = ({ zero, one }: Possible): bigint => one & ~zero;

/** Bits of a value that are always the same. */
export const fixedBits = (value: Possible): bigint => always0(value) | always1(value);

const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);
/** All bits up to the highest one of a mask. */
const upTo = (bits: bigint): bigint => ones(bitLength(bits));
/** All bits of a width from the lowest one of a mask. */
const from = (bits: bigint, width: number): bigint => ones(width) & ~((bits & -bits) - 1n);

/** Tells of which bits of its operands the `bits` of a node depend. Bits may be told of that make no difference; none that makes one is left out. */
export function readBy(expr: Expr, bits: bigint, readers: Readers): void {
  const { node, value } = readers;
  switch (expr.kind) {
    case 'const':
      return;
    case 'signal':
      readers.signal(expr.signal, bits);
      return;
    case 'instance':
      readers.output(expr.instance, expr.port, bits);
      return;
    case 'memory-read':
      readers.words(expr.memory, bits);
      node(expr.address, ones(expr.address.width));
      return;
    case 'unary':
      node(expr.value, expr.op === 'not' ? bits : ones(expr.value.width));
      return;
    case 'slice':
      node(expr.value, bits << BigInt(expr.low));
      return;
    case 'extend': {
      const { width } = expr.value;
      const sign = expr.signed && bits >> BigInt(width) !== 0n ? 1n << BigInt(width - 1) : 0n;
      node(expr.value, (bits & ones(width)) | sign);
      return;
    }
    case 'concat': {
      let low = expr.width;
      for (const part of expr.parts) {
        low -= part.width;
        node(part, (bits >> BigInt(low)) & ones(part.width));
      }
      return;
    }
    case 'mux': {
      const { zero, one } = value(expr.condition);
      node(expr.condition, 1n);
      if (one !== 0n) node(expr.whenTrue, bits);
      if (zero !== 0n) node(expr.whenFalse, bits);
      return;
    }
    case 'binary':
      readByBinary(expr, bits, readers);
  }
}

function readByBinary(expr: Expr & { kind: 'binary' }, bits: bigint, readers: Readers): void {
  const { op, left, right } = expr;
  const { value } = readers;
  const both = (ofLeft: bigint, ofRight = ofLeft) => {
    readers.node(left, ofLeft);
    readers.node(right, ofRight);
  };
  switch (op) {
    case 'and':
      both(bits & ~always0(value(right)), bits & ~always0(value(left)));
      break;
    case 'or':
      both(bits & ~always1(value(right)), bits & ~always1(value(left)));
      break;
    case 'xor':
      both(bits);
      break;
    case 'add':
    case 'sub':
    case 'mul':
      both(upTo(bits));
      break;
    case 'shl':
    case 'shr': {
      const amount = value(right);
      if (fixedBits(amount) === ones(right.width)) readers.node(left, readByShift(expr, bits, amount.one));
      else both(op === 'shl' ? upTo(bits) : from(bits, left.width), ones(right.width));
      break;
    }
    default:
      both(ones(left.width));
  }
}

/** Of a shift by one number each bit is one of the operand's, a zero, or the sign. */
function readByShift({ op, signed, width }: Expr & { kind: 'binary' }, bits: bigint, amount: bigint): bigint {
  const by = amount < BigInt(width) ? amount : BigInt(width);
  if (op === 'shl') return bits >> by;
  const isSign = signed && bits >> (BigInt(width) - by) !== 0n;
  return ((bits << by) & ones(width)) | (isSign ? 1n << BigInt(width - 1) : 0n);
}
