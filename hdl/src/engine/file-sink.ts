import { SimulationError } from './simulation.ts';
import type { TextSink } from './vcd.ts';

/** Text is written in pieces of about this many characters. */
const PIECE = 1 << 20;

/**
 * Creates a file and writes text to it. Asks the runtime for its file system only here, so that the engine itself also runs in a browser.
 * @throws SimulationError if there is no file system or the file cannot be created.
 */
export function fileSink(path: string): TextSink {
  const fs = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:fs');
  if (fs === undefined) throw new SimulationError(`The waveform ${path} cannot be written: this runtime has no file system.`);
  let file: number;
  try {
    file = fs.openSync(path, 'w');
  } catch (error) {
    throw new SimulationError(`The waveform ${path} cannot be created: ${error instanceof Error ? error.message : error}`);
  }
  let pieces: string[] = [];
  let length = 0;
  const flush = () => {
    fs.writeSync(file, pieces.join(''));
    pieces = [];
    length = 0;
  };
  return {
    write(text) {
      pieces.push(text);
      length += text.length;
      if (length >= PIECE) flush();
    },
    close() {
      flush();
      fs.closeSync(file);
    },
  };
}
