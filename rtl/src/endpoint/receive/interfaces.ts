import { Bundle, type BundleType, bool, uint } from '@hdl/ts-hdl';
import { ErrorReport } from '../../config/error-report.ts';
import { TlpHeader } from '../../tlp/tlp.ts';
import { laneBits } from '../lane-rotator.ts';

/** What the blocks of the receive side say to each other. Streams are valid/ready; every block registers what it sends. */

/** Types that depend on numbers are made once, so that equal ones are the same. */
function cached<T>(make: (width: number, more: number) => T): (width: number, more?: number) => T {
  const known = new Map<string, T>();
  return (width, more = 0) => {
    const key = `${width},${more}`;
    const type = known.get(key) ?? make(width, more);
    known.set(key, type);
    return type;
  };
}

const checkedFields = (width: number) => ({ header: TlpHeader, data: uint(width), first: bool, last: bool, bad: bool });
export type CheckedBeatType = BundleType<ReturnType<typeof checkedFields>>;
/**
 * A beat of a TLP whose header is right, and that has no more beats than the header says. With `last`, `bad` tells that it had too many or too few:
 * it is malformed after all and its last beat must not be used.
 */
export const checkedBeat: (width: number) => CheckedBeatType = cached(
  width => class CheckedBeat extends Bundle(checkedFields(width)) {},
);

/** An error in this cycle: there is no ready. */
export class ErrorEvent extends Bundle({ valid: bool, report: ErrorReport }) {}

/** Where posted data goes. */
export const Place = { nowhere: 0, memory: 1, registers: 2 } as const;

const postedFields = (width: number) => ({
  data: uint(width),
  first: bool,
  last: bool,
  /** Must not be used. */
  bad: bool,
  /** One of `Place`; the same in all beats of a TLP, as what follows. */
  place: uint(2),
  function: uint(3),
  /** Byte offset of the TLP's first DW in the BAR memory, or in the function's registers. */
  offset: uint(32),
  length: uint(10),
  first_be: uint(4),
  last_be: uint(4),
});
export type PlacedBeatType = BundleType<ReturnType<typeof postedFields>>;
/** A beat of a posted TLP that knows where it goes. */
export const placedBeat: (width: number) => PlacedBeatType = cached(
  width => class PlacedBeat extends Bundle(postedFields(width)) {},
);

/** What the completer does with a request. */
export const Action = { refuse: 0, memory: 1, registers: 2, config: 3, atomic: 4 } as const;

/** Bits of the data that a non-posted request can carry: a CAS of 128 bits has two operands. */
export const operandBits = 256;

const requestFields = {
  header: TlpHeader,
  /** One of `Action`. */
  action: uint(3),
  /** Completion status of a refused one. */
  status: uint(3),
  function: uint(3),
  /** Byte offset of the first DW in the BAR memory, or in the function's registers. */
  offset: uint(32),
  /** Payload limit of the function, as in device control. */
  mps: uint(3),
  /** DW of payload that the answer has if nothing is wrong, less 1. */
  answer: uint(10),
};
/** What is known of a non-posted request with its first beat. */
export class RequestHead extends Bundle(requestFields) {}

/** A non-posted request that knows where it goes. */
export class PlacedRequest extends Bundle({
  ...requestFields,
  /** Payload of a configuration write or an AtomicOp, from bit 0. */
  data: uint(operandBits),
}) {}

/** A DW for a function's registers: `address` is a byte address with bits 1:0 = 0. */
export class RegisterWrite extends Bundle({ function: uint(3), address: uint(32), data: uint(32), mask: uint(4) }) {}

const windowFields = (width: number, addressWidth: number) => ({
  /** Word of the first DW. */
  address: uint(addressWidth),
  /** Lane of the first DW. The lanes below it are those of the next word. */
  start: uint(laneBits(width)),
});
export type WindowType = BundleType<ReturnType<typeof windowFields>>;
/** As many bytes of the BAR memory as a word has, from any DW on. */
export const memoryWindow: (width: number, addressWidth?: number) => WindowType = cached(
  (width, addressWidth) => class MemoryWindow extends Bundle(windowFields(width, addressWidth)) {},
);

const windowWriteFields = (width: number, addressWidth: number) => ({
  ...windowFields(width, addressWidth),
  data: uint(width),
  mask: uint(width / 8),
});
export type WindowWriteType = BundleType<ReturnType<typeof windowWriteFields>>;
/** A write to a window. Data and mask are by lane of the memory. */
export const windowWrite: (width: number, addressWidth?: number) => WindowWriteType = cached(
  (width, addressWidth) => class WindowWrite extends Bundle(windowWriteFields(width, addressWidth)) {},
);

/** Operations of `AtomicRequest`. */
export const AtomicOp = { fetchAdd: 0, swap: 1, compareSwap: 2 } as const;

const atomicFields = (addressWidth: number) => ({
  /** DW address in the BAR memory, a multiple of the operand. */
  address: uint(addressWidth),
  op: uint(2),
  /** Operand: 4 << size bytes. */
  size: uint(2),
  /** What is added, or the new value; of a CAS what is compared. */
  operand: uint(128),
  /** The new value of a CAS. */
  swap: uint(128),
});
export type AtomicRequestType = BundleType<ReturnType<typeof atomicFields>>;
/** An AtomicOp on the BAR memory; it is answered with the value before. */
export const atomicRequest: (addressWidth: number) => AtomicRequestType = cached(
  addressWidth => class AtomicRequest extends Bundle(atomicFields(addressWidth)) {},
);
