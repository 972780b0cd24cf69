/** Two registers at one place. */
import { registerMap } from '../../../src/index.ts';

registerMap({
  name: 'dma',
  doc: '',
  bytes: 16,
  registers: { control: { offset: 4, doc: '', fields: {} }, status: { offset: 4, doc: '', fields: {} } },
});
