/** A register map of an odd size. */
import { registerMap } from '../../../src/index.ts';

registerMap({ name: 'dma', doc: '', bytes: 12, registers: {} });
