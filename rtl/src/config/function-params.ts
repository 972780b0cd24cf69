import { HdlError } from '@hdl/ts-hdl';

/** A memory BAR (7.5.1.2.1). */
export interface BarParams {
  /** Number of the base address register, 0 to 5; a 64-bit BAR takes the next one too. */
  readonly slot: number;
  /** A power of two from 4 KiB; up to 2 GiB with 32 bits, 2^47 with 64. Of a resizable BAR the size after reset. */
  readonly bytes: number;
  readonly width: 32 | 64;
  readonly prefetchable: boolean;
  /** Sizes that software may choose (C94): powers of two from 1 MiB to 2^47, `bytes` among them. Fixed by default. */
  readonly resizable?: readonly number[];
}

/** Where in the function's BARs a structure lies. */
export interface BarPlace {
  readonly slot: number;
  /** A multiple of 8. */
  readonly offset: number;
}

/** One function of an endpoint: what its configuration space is made from. */
export interface FunctionParams {
  readonly vendor_id: number;
  readonly device_id: number;
  /** Those of the device by default. */
  readonly subsystem_vendor_id?: number;
  readonly subsystem_id?: number;
  /** 1 by default. */
  readonly revision?: number;
  /** Base class, sub-class and interface: 24 bits. */
  readonly class_code: number;
  readonly bars: readonly BarParams[];
  /** Largest payload in bytes: 128 to 4,096. */
  readonly max_payload: number;
  readonly msix?: { readonly vectors: number; readonly table: BarPlace; readonly pending: BarPlace };
  /** Whether it ever sends requests: without, bus master enable is 0 for good. True by default. */
  readonly requester?: boolean;
  /** 10-bit tags as a requester; as a completer they are always understood (C71a). False by default. */
  readonly ten_bit_tags?: boolean;
  /** AtomicOps in the function's memory, and by its own engines (C98). Both false by default. */
  readonly atomic_completer?: boolean;
  readonly atomic_requester?: boolean;
  /** Digests can be made and checked (C71c). True by default. */
  readonly ecrc?: boolean;
  /** Whether its state survives D3hot. True by default; else leaving D3hot resets the function. */
  readonly no_soft_reset?: boolean;
  /** 64 bits; no capability without. */
  readonly serial_number?: bigint;
  /** Address translation services in outline (C95): entries of the invalidation queue, 1 to 32. No capability without. */
  readonly ats?: { readonly queue_depth: number };
}

/** Where a function stands in its device. */
export interface FunctionPlace {
  /** 0 to 7. */
  readonly number: number;
  /** Functions of the device, numbered from 0 without a gap. */
  readonly of: number;
}

const isPowerOfTwo = (value: number) => Number.isInteger(Math.log2(value));

/** @throws HdlError for parameters that no function can have. */
export function checkFunction(p: FunctionParams): void {
  const wrong = (message: string, help: string) => {
    throw new HdlError(message, { help });
  };
  const taken = new Set<number>();
  for (const { slot, bytes, width, resizable } of p.bars) {
    const limit = width === 32 ? 2 ** 31 : 2 ** 47;
    if (!Number.isInteger(slot) || slot < 0 || slot + width / 32 > 6)
      wrong(`a BAR of ${width} bits stands in slot ${slot}`, 'slots are 0 to 5, and a 64-bit BAR takes two');
    for (const word of width === 32 ? [slot] : [slot, slot + 1]) {
      if (taken.has(word)) wrong(`two BARs want slot ${word}`, 'a 64-bit BAR takes the slot after its own too');
      taken.add(word);
    }
    for (const size of [bytes, ...(resizable ?? [])])
      if (!isPowerOfTwo(size) || size < 4096 || size > limit)
        wrong(`BAR ${slot} has ${size} bytes`, `a BAR of ${width} bits has a power of two from 4096 to ${limit} bytes`);
    if (resizable && (!resizable.includes(bytes) || resizable.some(size => size < 2 ** 20)))
      wrong(`BAR ${slot} cannot be resized to ${resizable.join(', ')}`, 'name sizes from 1 MiB, the size after reset among them');
  }
  if (!isPowerOfTwo(p.max_payload) || p.max_payload < 128 || p.max_payload > 4096)
    wrong(`the largest payload is ${p.max_payload} bytes`, 'use a power of two from 128 to 4096');
  if (p.msix) {
    const { vectors, table, pending } = p.msix;
    if (!Number.isInteger(vectors) || vectors < 1 || vectors > 2048)
      wrong(`a function has ${vectors} MSI-X vectors`, 'use 1 to 2048, or leave msix out');
    for (const { slot, offset } of [table, pending])
      if (!p.bars.some(bar => bar.slot === slot) || offset % 8 !== 0)
        wrong(`an MSI-X structure stands at ${offset} of BAR ${slot}`, 'name a BAR of the function and a multiple of 8');
  }
  if (p.ats && (p.ats.queue_depth < 1 || p.ats.queue_depth > 32))
    wrong(`the invalidation queue has ${p.ats.queue_depth} entries`, 'use 1 to 32');
}
