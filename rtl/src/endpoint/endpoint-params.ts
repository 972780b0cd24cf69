import { HdlError } from '@hdl/ts-hdl';
import type { BarParams, FunctionParams } from '../config/function-params.ts';
import type { LinkCredits } from '../link/fc-update.ts';
import type { BarMap, FunctionMap } from './receive/address-decoder.ts';
import { blockLayout, checkLayout, layoutBytes, msixOf, nvmeLayout, type RegisterLayout } from './register-layout.ts';

/** A function of an endpoint. */
export interface EndpointFunction {
  /** What its configuration space is made from; MSI-X is added from `registers`, ECRC from the endpoint's parameters. */
  readonly config: FunctionParams;
  /** What lies behind its BARs, in the order of `config.bars`. */
  readonly map: FunctionMap;
  /** Its registers; none by default. */
  readonly registers?: RegisterLayout;
}

export interface EndpointParams {
  /** Bits of a beat: 64, 128, 256 or 512. */
  readonly width: number;
  /** 1 to 8, function 0 first. */
  readonly functions: readonly EndpointFunction[];
  /** Bytes of the BAR memory that all functions share: a power of two of at least 4,096. */
  readonly memory_bytes: number;
  /** What the receive side advertises; an endpoint has infinite credits for completions (C70b). */
  readonly credits: LinkCredits;
  /** Tags of all requesters: 32 to 1,024, a power of two. */
  readonly tags: number;
  /** Bytes of the reorder buffer of reads: a power of two. */
  readonly buffer_bytes: number;
  /** Largest read request in bytes, whatever MRRS allows: 128 to 4,096, a power of two. */
  readonly max_read_request: number;
  /** Clock cycles per microsecond, for the completion timeout. */
  readonly cycles_per_microsecond: number;
  /** Digests are checked and made where the functions' AER enables it (C71c). */
  readonly ecrc: boolean;
}

/** What is taken where a description says nothing. */
export const endpointDefaults = {
  width: 256,
  vendor_id: 0x1d1d,
  class_code: 0x018000,
  max_payload: 512,
  credits: { posted: { headers: 32, data: 256 }, non_posted: { headers: 32, data: 32 }, completion: 'infinite' },
  tags: 64,
  max_read_request: 512,
  cycles_per_microsecond: 250,
  ecrc: false,
  doorbells: { count: 16, stride: 4 },
  vectors: 8,
} as const;

/** A function before it is told where its memory lies. */
export interface DescribedFunction {
  /** Bytes of BAR memory behind a 64-bit prefetchable BAR: a power of two of at least 4,096; 0 without. */
  readonly memory_bytes: number;
  /** The function whose memory begins at this offset of the BAR memory. */
  at(base: number): EndpointFunction;
}

/** What all constructors of functions take; everything but `device_id` has a default. */
export interface CommonOptions {
  readonly vendor_id?: number;
  readonly device_id: number;
  /** Base class, sub-class and interface: 24 bits. */
  readonly class_code?: number;
  /** Largest payload in bytes. */
  readonly max_payload?: number;
  readonly memory_bytes?: number;
  /** More of the configuration space: serial number, AtomicOps, 10-bit tags and the like. */
  readonly more?: Partial<FunctionParams>;
}

/** A function with registers in BAR0, and memory in BAR2 unless it has none. */
export function deviceFunction(
  o: CommonOptions & { readonly registers: RegisterLayout; readonly bar0?: 32 | 64 },
): DescribedFunction {
  const bytes = layoutBytes(o.registers);
  return described(o, o.registers, [
    { bar: { slot: 0, bytes, width: o.bar0 ?? 32, prefetchable: false }, map: { to: 'registers', base: 0, bytes } },
  ]);
}

/** A block device: registers of `bar0Map`, which firmware makes the device of, and memory. */
export const blockFunction = (
  o: CommonOptions & { readonly doorbells?: { readonly count: number; readonly stride: number }; readonly vectors?: number },
): DescribedFunction =>
  deviceFunction({
    ...o,
    registers: blockLayout(o.doorbells ?? endpointDefaults.doorbells, o.vectors ?? endpointDefaults.vectors),
  });

/** An NVMe controller with as many queue pairs, the admin queue's included; with memory it is a controller memory buffer in BAR2. */
export const nvmeFunction = (o: CommonOptions & { readonly queues?: number; readonly vectors?: number }): DescribedFunction => {
  const queues = o.queues ?? 16;
  return deviceFunction({
    class_code: 0x010802,
    bar0: 64,
    ...o,
    registers: nvmeLayout(queues, o.vectors ?? queues),
  });
};

/** A network card: registers like a block device's, with a doorbell per queue. */
export const nicFunction = (o: CommonOptions & { readonly queues?: number; readonly vectors?: number }): DescribedFunction =>
  blockFunction({
    class_code: 0x020000,
    ...o,
    doorbells: { count: o.queues ?? 64, stride: 4 },
    vectors: o.vectors ?? o.queues ?? 64,
  });

/** A GPU, as far as its bus goes: a 3D controller with registers like a block device's, and memory that its peers reach. */
export const gpuFunction = (o: CommonOptions & { readonly memory_bytes: number }): DescribedFunction =>
  blockFunction({ class_code: 0x030200, ...o, doorbells: { count: 4, stride: 4 }, vectors: 4 });

/** Peer-to-peer memory alone: it never sends a request, and its bus master enable is 0 for good. */
export const memoryFunction = (o: CommonOptions & { readonly memory_bytes: number }): DescribedFunction =>
  described({ class_code: 0x058000, ...o, more: { requester: false, ...o.more } }, undefined, []);

interface Bar {
  readonly bar: BarParams;
  readonly map: BarMap;
}

function described(o: CommonOptions, registers: RegisterLayout | undefined, bars: readonly Bar[]): DescribedFunction {
  const memory_bytes = o.memory_bytes ?? 0;
  const slot = bars.length === 0 ? 0 : 2;
  return {
    memory_bytes,
    at: base => {
      const memory: Bar[] =
        memory_bytes === 0
          ? []
          : [
              {
                bar: { slot, bytes: memory_bytes, width: 64, prefetchable: true },
                map: { to: 'memory', base, bytes: memory_bytes },
              },
            ];
      const all = [...bars, ...memory];
      return {
        config: {
          vendor_id: o.vendor_id ?? endpointDefaults.vendor_id,
          device_id: o.device_id,
          class_code: o.class_code ?? endpointDefaults.class_code,
          max_payload: o.max_payload ?? endpointDefaults.max_payload,
          bars: all.map(({ bar }) => bar),
          ...o.more,
        },
        map: all.map(({ map }) => map),
        ...(registers ? { registers } : {}),
      };
    },
  };
}

/** Everything of `EndpointParams` but functions and memory may be left out. */
export type EndpointOptions = Partial<Omit<EndpointParams, 'functions' | 'memory_bytes'>>;

/**
 * An endpoint of functions in their order, whose memories lie in one BAR memory, each at a multiple of its size:
 * `endpointOf([nvmeFunction({ device_id: 1 }), memoryFunction({ device_id: 2, memory_bytes: 2 ** 20 })])`.
 */
export function endpointOf(functions: readonly DescribedFunction[], options: EndpointOptions = {}): EndpointParams {
  let next = 0;
  const bases = new Map<number, number>();
  // The largest first: so nothing is left free between them.
  for (const [i, { memory_bytes }] of [...functions.entries()].sort(([, a], [, b]) => b.memory_bytes - a.memory_bytes)) {
    bases.set(i, next);
    next += memory_bytes;
  }
  const { tags, max_read_request } = { ...endpointDefaults, ...options };
  return {
    width: endpointDefaults.width,
    functions: functions.map((each, i) => each.at(bases.get(i) ?? 0)),
    memory_bytes: Math.max(4096, 2 ** Math.ceil(Math.log2(Math.max(1, next)))),
    credits: endpointDefaults.credits,
    tags,
    buffer_bytes: Math.max(4 * max_read_request, 2 ** Math.floor(Math.log2(tags * max_read_request))),
    max_read_request,
    cycles_per_microsecond: endpointDefaults.cycles_per_microsecond,
    ecrc: endpointDefaults.ecrc,
    ...options,
  };
}

/** An endpoint that is one block device with memory. */
export const blockDevice = (
  o: Parameters<typeof blockFunction>[0] & { readonly memory_bytes: number },
  options: EndpointOptions = {},
): EndpointParams => endpointOf([blockFunction(o)], options);

/** The functions with MSI-X and ECRC in their configuration spaces. @throws HdlError for an endpoint that cannot be. */
export function checkedFunctions({ functions, memory_bytes, ecrc }: EndpointParams): readonly EndpointFunction[] {
  if (functions.length < 1 || functions.length > 8)
    throw new HdlError(`an endpoint has 1 to 8 functions, not ${functions.length}`, { help: 'describe 1 to 8 functions' });
  if (memory_bytes < 4096 || !Number.isInteger(Math.log2(memory_bytes)))
    throw new HdlError(`an endpoint's BAR memory is a power of two of at least 4096 bytes, not ${memory_bytes}`, {
      help: 'state a power of two; functions without memory need one all the same',
    });
  return functions.map(({ config: given, map, registers }, number) => {
    const config = { ...given, ecrc };
    if (map.length !== config.bars.length)
      throw new HdlError(`function ${number} has ${config.bars.length} BARs, and ${map.length} are mapped`, {
        help: 'say for each BAR what lies behind it',
      });
    map.forEach((bar, b) => {
      if (bar?.to === 'memory' && bar.base + bar.bytes > memory_bytes)
        throw new HdlError(`BAR ${b} of function ${number} ends behind the BAR memory of ${memory_bytes} bytes`, {
          help: 'make the memory larger, or the BAR smaller',
        });
    });
    if (!registers) return { config, map };
    checkLayout(registers, map, number);
    if (registers.msix && config.requester === false)
      throw new HdlError(`function ${number} has MSI-X and never sends a request`, {
        help: 'leave MSI-X out of its registers, or let it be a requester: an interrupt is a memory write',
      });
    const msix = msixOf(registers, config, map);
    return { config: msix ? { ...config, msix } : config, map, registers };
  });
}
