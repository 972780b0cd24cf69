/** Two fields that share a bit. */
import { registerMap } from '../../../src/index.ts';

registerMap({
  name: 'dma',
  doc: '',
  bytes: 16,
  registers: {
    control: {
      offset: 0,
      doc: '',
      fields: { start: { bits: [3, 0], access: 'rw', doc: '' }, stop: { bits: 3, access: 'rw', doc: '' } },
    },
  },
});
