/** Engines of an endpoint, as the firmware names them. */
export type EngineName = 'write_dma' | 'read_dma' | 'fill' | 'drain';

/** Registers of one engine from an offset on, with its name before theirs. */
export function engineRegisters<const N extends EngineName>(name: N, offset: number): EngineRegisters<N> {
  const registers = Object.entries(registersAt(offset)).map(([register, given]) => [`${name}_${register}`, given] as const);
  return Object.fromEntries(registers) as unknown as EngineRegisters<N>;
}
export type EngineRegisters<N extends string> = {
  readonly [K in keyof ReturnType<typeof registersAt> as `${N}_${K}`]: ReturnType<typeof registersAt>[K];
};

const word = (doc: string) => ({ value: { bits: [31, 0], access: 'rw', doc } }) as const;

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
        relaxed_ordering: { bits: 5, access: 'rw', doc: 'Asks for relaxed ordering; device control decides (C99).' },
        no_snoop: { bits: 6, access: 'rw', doc: 'Asks for no snoop; device control decides.' },
        address_type: {
          bits: [8, 7],
          access: 'rw',
          doc: 'Address type of the requests (C11).',
          values: { untranslated: 0, translated: 2 },
        },
      },
    },
    status: {
      offset: offset + 0x14,
      doc: 'How it goes.',
      fields: {
        busy: { bits: 0, access: 'ro', doc: 'A run is under way.' },
        outcome: {
          bits: [3, 1],
          access: 'ro',
          doc: 'The worst that happened in the last run.',
          values: { success: 0, unsupported: 1, abort: 4, poisoned: 5, timeout: 6, refused: 7 },
        },
      },
    },
  } as const;
}
