/** The value after reset is none of the legal ones. */
import { registerMap } from '../../../src/index.ts';

registerMap({
  name: 'dma',
  doc: '',
  bytes: 16,
  registers: { control: { offset: 0, doc: '', fields: { mode: { bits: [1, 0], access: 'rw', doc: '', legal: [1, 2] } } } },
});
