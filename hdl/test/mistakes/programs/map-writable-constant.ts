/** A field that software cannot write says what it may write. */
import { registerMap } from '../../../src/index.ts';

registerMap({
  name: 'dma',
  doc: '',
  bytes: 16,
  registers: { status: { offset: 0, doc: '', fields: { state: { bits: [3, 0], access: 'ro', doc: '', writable: 3 } } } },
});
