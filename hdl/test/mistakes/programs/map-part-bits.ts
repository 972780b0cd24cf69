/** A part of a register that is not made of whole bytes. */
import { registerMap } from '../../../src/index.ts';

registerMap({
  name: 'dma',
  doc: '',
  bytes: 16,
  registers: {
    control: {
      offset: 0,
      doc: '',
      parts: { command: { bits: [11, 0], doc: '' } },
      fields: { start: { bits: 0, access: 'rw', doc: '' } },
    },
  },
});
