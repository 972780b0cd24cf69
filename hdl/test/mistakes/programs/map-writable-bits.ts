/** Writable bits beyond the field. */
import { registerMap } from '../../../src/index.ts';

registerMap({
  name: 'dma',
  doc: '',
  bytes: 16,
  registers: { control: { offset: 0, doc: '', fields: { mode: { bits: [1, 0], access: 'rw', doc: '', writable: 7 } } } },
});
