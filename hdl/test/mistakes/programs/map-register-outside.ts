/** A register beyond the end of its map. */
import { registerMap } from '../../../src/index.ts';

registerMap({ name: 'dma', doc: '', bytes: 16, registers: { control: { offset: 16, doc: '', fields: {} } } });
