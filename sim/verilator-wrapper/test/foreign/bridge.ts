import { fileURLToPath } from 'node:url';
import type { VerilogOptions } from '../../src/index.ts';

/** A design in the style of somebody else: files, an include folder, a folder of cells, two clocks, asynchronous resets that are active low. */
export const bridge = {
  top: 'byte_bridge',
  files: ['rtl/async_fifo.v', 'rtl/byte_bridge.v', 'rtl/crc8.v', 'rtl/sync_2ff.v'],
  folder: fileURLToPath(new URL('.', import.meta.url)),
  includes: ['include'],
  libraries: ['vendor'],
  clocks: { clk_wr: { period: 10 }, clk_rd: { period: 7, phase: 3 } },
} satisfies VerilogOptions;

/** Which of the two clocks rise at the next instant, again and again. */
export function* edges(): Generator<{ readonly write: boolean; readonly read: boolean }, never> {
  for (let time = 1; ; time++) {
    const write = time % 10 === 0;
    const read = time % 7 === 3;
    if (write || read) yield { write, read };
  }
}

/** CRC-8 with the polynomial x^8 + x^2 + x + 1. */
export function crc8(bytes: readonly number[], start = 0): number {
  return bytes.reduce((crc, byte) => {
    let step = crc ^ byte;
    for (let bit = 0; bit < 8; bit++) step = ((step << 1) ^ (step & 0x80 ? 0x07 : 0)) & 0xff;
    return step;
  }, start);
}
