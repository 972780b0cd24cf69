import { registerMap } from '@hdl/ts-hdl';

/** Engines of an endpoint, as the firmware names them. */
export const engineNames = ['write_dma', 'read_dma', 'fill', 'drain'] as const;
export type EngineName = (typeof engineNames)[number];

/** Registers of one engine from an offset on, with its name before theirs. */
export function engineRegisters<const N extends EngineName>(name: N, offset: number): EngineRegisters<N> {
  const registers = Object.entries(registersAt(offset)).map(([register, given]) => [`${name}_${register}`, given] as const);
  return Object.fromEntries(registers) as unknown as EngineRegisters<N>;
}
export type EngineRegisters<N extends string> = {
  readonly [K in keyof ReturnType<typeof registersAt> as `${N}_${K}`]: ReturnType<typeof registersAt>[K];
};

/** What a request asks for, beside its address: bits of a control register. */
const attributes = {
  relaxed_ordering: { bits: 5, access: 'rw', doc: 'Asks for relaxed ordering; device control decides (C99).' },
  no_snoop: { bits: 6, access: 'rw', doc: 'Asks for no snoop; device control decides.' },
  address_type: {
    bits: [8, 7],
    access: 'rw',
    doc: 'Address type of the requests (C11).',
    values: { untranslated: 0, translated: 2 },
  },
} as const;

/** How a job ended, as `DmaOutcome` says it. */
const outcome = {
  bits: [3, 1],
  access: 'ro',
  values: { success: 0, unsupported: 1, abort: 4, poisoned: 5, timeout: 6, refused: 7 },
} as const;

const word = (doc: string) => ({ value: { bits: [31, 0], access: 'rw', doc } }) as const;
const given = (doc: string) => ({ value: { bits: [31, 0], access: 'ro', doc } }) as const;

function registersAt(offset: number) {
  return {
    address_low: {
      offset,
      doc: 'PCIe address of the remote side, lower half. Not of fill and drain.',
      fields: word('Address bits 31:0.'),
    },
    address_high: {
      offset: offset + 0x04,
      doc: 'PCIe address of the remote side, upper half.',
      fields: word('Address bits 63:32.'),
    },
    memory_offset: { offset: offset + 0x08, doc: 'Where the local side is in the BAR memory.', fields: word('Byte offset.') },
    length: { offset: offset + 0x0c, doc: 'How much is moved.', fields: word('Bytes.') },
    control: {
      offset: offset + 0x10,
      doc: 'Starts the engine.',
      fields: {
        start: { bits: 0, access: 'pulse', doc: 'Starts it with what the registers hold.' },
        memory: { bits: 1, access: 'rw', doc: 'The local side is the BAR memory (1) or the media stream (0).' },
        function: { bits: [4, 2], access: 'rw', doc: 'The function in whose name requests go out.' },
        ...attributes,
      },
    },
    status: {
      offset: offset + 0x14,
      doc: 'How it goes.',
      fields: {
        busy: { bits: 0, access: 'ro', doc: 'A run is under way.' },
        outcome: { ...outcome, doc: 'The worst that happened in the last run.' },
      },
    },
  } as const;
}

/** Registers of the channel that works off a ring of descriptors. */
const channelRegisters = {
  channel_ring_low: {
    offset: 0x0200,
    doc: 'Where the ring begins, lower half: a multiple of 64.',
    fields: word('Address bits 31:0.'),
  },
  channel_ring_high: { offset: 0x0204, doc: 'Where the ring begins, upper half.', fields: word('Address bits 63:32.') },
  channel_entries: {
    offset: 0x0208,
    doc: 'How long the ring is, and where.',
    fields: {
      count: { bits: [15, 0], access: 'rw', doc: 'Descriptors: a power of two from 2 to 32,768.' },
      local: { bits: 16, access: 'rw', doc: 'The ring lies in the BAR memory, and its address is a byte offset there.' },
    },
  },
  channel_completion_low: {
    offset: 0x020c,
    doc: 'Where the ring of completion entries begins, lower half: a multiple of 8.',
    fields: word('Address bits 31:0.'),
  },
  channel_completion_high: {
    offset: 0x0210,
    doc: 'Where the ring of completion entries begins, upper half.',
    fields: word('Address bits 63:32.'),
  },
  channel_owner: {
    offset: 0x0214,
    doc: 'For whom the channel works.',
    fields: {
      vector: { bits: [10, 0], access: 'rw', doc: 'MSI-X vector of its interrupts.' },
      function: { bits: [18, 16], access: 'rw', doc: 'The function in whose name everything goes out.' },
    },
  },
  channel_tail: {
    offset: 0x0218,
    doc: 'How far the ring is filled.',
    fields: { index: { bits: [15, 0], access: 'rw', doc: 'Number of the descriptor behind the last one that is filled.' } },
  },
  channel_control: {
    offset: 0x021c,
    doc: 'Runs the channel. The registers above, but for the tail, stay as they are until the channel is idle again.',
    fields: {
      run: {
        bits: 0,
        access: 'rw_hwclr',
        doc: 'Works off the ring, from descriptor 0 on. Writing 0 ends what is under way, a reset of the function does too (C84).',
      },
    },
  },
  channel_status: {
    offset: 0x0220,
    doc: 'How far the channel is.',
    fields: {
      head: { bits: [15, 0], access: 'ro', doc: 'Number of the descriptor behind the last one that ended.' },
      failed: { bits: 16, access: 'ro', doc: 'Descriptors could not be fetched: the channel stands until `run` was 0.' },
      idle: { bits: 17, access: 'ro', doc: 'Nothing is under way, and `run` is 0.' },
    },
  },
} as const;

const dwords = <const N extends string>(name: N, offset: number, doc: string) => {
  const entries = [0, 1, 2, 3].map(
    i =>
      [
        `${name}_${i}`,
        { offset: offset + 4 * i, doc: `${doc}, bits ${32 * i + 31}:${32 * i}.`, fields: word('The bits.') },
      ] as const,
  );
  return Object.fromEntries(entries) as unknown as {
    readonly [K in `${N}_${0 | 1 | 2 | 3}`]: {
      readonly offset: number;
      readonly doc: string;
      readonly fields: ReturnType<typeof word>;
    };
  };
};

/** Registers of the AtomicOps that the endpoint sends (C98). */
const atomicRegisters = {
  atomic_address_low: { offset: 0x0240, doc: 'Address of the operand, lower half.', fields: word('Address bits 31:0.') },
  atomic_address_high: { offset: 0x0244, doc: 'Address of the operand, upper half.', fields: word('Address bits 63:32.') },
  atomic_control: {
    offset: 0x0248,
    doc: 'Sends an AtomicOp.',
    fields: {
      start: { bits: 0, access: 'pulse', doc: 'Sends it with what the registers hold.' },
      function: { bits: [4, 2], access: 'rw', doc: 'The function in whose name it goes out.' },
      ...attributes,
      kind: {
        bits: [10, 9],
        access: 'rw',
        doc: 'What it does.',
        values: { fetch_add: 0, swap: 1, compare_swap: 2 },
      },
      size: { bits: [12, 11], access: 'rw', doc: 'The operand has 4 << size bytes; 16 are for compare_swap alone.' },
    },
  },
  atomic_status: {
    offset: 0x024c,
    doc: 'How it goes.',
    fields: {
      busy: { bits: 0, access: 'ro', doc: 'An AtomicOp is under way.' },
      outcome: { ...outcome, doc: 'How the last one ended.' },
    },
  },
  ...dwords('atomic_operand', 0x0250, 'What is added or written'),
  ...dwords('atomic_compare', 0x0260, 'What is compared'),
  atomic_result_0: { offset: 0x0270, doc: 'What was at the address, bits 31:0.', fields: given('The bits.') },
  atomic_result_1: { offset: 0x0274, doc: 'What was at the address, bits 63:32.', fields: given('The bits.') },
  atomic_result_2: { offset: 0x0278, doc: 'What was at the address, bits 95:64.', fields: given('The bits.') },
  atomic_result_3: { offset: 0x027c, doc: 'What was at the address, bits 127:96.', fields: given('The bits.') },
} as const;

const mediaRegisters = {
  media_control: {
    offset: 0x0280,
    doc: 'The media streams.',
    fields: {
      drop: {
        bits: 0,
        access: 'rw',
        doc: 'Words that come in and that no job of the write DMA wants are dropped, so that the stream can begin anew after a refused job.',
      },
    },
  },
} as const;

const writeRegisters = engineRegisters('write_dma', 0x0100);

/** All registers of engines, at 0x0100 to 0x017f and from 0x0200 on. */
export const allEngineRegisters = {
  ...writeRegisters,
  write_dma_control: {
    ...writeRegisters.write_dma_control,
    fields: {
      ...writeRegisters.write_dma_control.fields,
      flush: {
        bits: 9,
        access: 'rw',
        doc: 'Ends only when a read of nothing, behind the data to the same address, was answered: then the data has arrived (C63).',
      },
    },
  },
  ...engineRegisters('read_dma', 0x0120),
  ...engineRegisters('fill', 0x0140),
  ...engineRegisters('drain', 0x0160),
  ...channelRegisters,
  ...atomicRegisters,
  ...mediaRegisters,
} as const;

/** Bytes of a function's registers on the firmware port, those of the engines among them. */
export const firmwareRegisterBytes = 0x400;

/** The part of the firmware port that the engines answer. */
export const engineMap = registerMap({
  name: 'engines',
  doc: 'The registers of the engines on the firmware port.',
  bytes: firmwareRegisterBytes,
  registers: allEngineRegisters,
});
