import { host } from '../lang/source-text.ts';
import { type ByteSink, FstWriter } from '../waves/fst.ts';
import type { WaveSignal, WaveWriter } from '../waves/signals.ts';
import { type TextSink, VcdWriter } from '../waves/vcd.ts';
import { SimulationError } from './simulation.ts';

/** What is written goes to the file in pieces of about this many characters or bytes. */
const PIECE = 1 << 20;

/**
 * Creates a file for a waveform of `signals`: FST if its name ends in `.fst`, else VCD.
 * @throws SimulationError if there is no file system or the file cannot be created.
 */
export function waveFile(path: string, signals: readonly WaveSignal[]): WaveWriter {
  return path.endsWith('.fst') ? new FstWriter(byteSink(path), signals) : new VcdWriter(textSink(path), signals);
}

/** Asks the runtime for its file system only here, so that the engine itself also runs in a browser. */
function create(path: string) {
  const fs = host?.getBuiltinModule?.('node:fs');
  if (fs === undefined) throw new SimulationError(`The waveform ${path} cannot be written: this runtime has no file system.`);
  try {
    return { fs, file: fs.openSync(path, 'w') };
  } catch (error) {
    throw new SimulationError(`The waveform ${path} cannot be created: ${error instanceof Error ? error.message : error}`);
  }
}

function textSink(path: string): TextSink {
  const { fs, file } = create(path);
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
      try {
        flush();
      } finally {
        fs.closeSync(file);
      }
    },
  };
}

function byteSink(path: string): ByteSink {
  const { fs, file } = create(path);
  let end = 0;
  return {
    write(bytes) {
      for (let done = 0; done < bytes.length; ) done += fs.writeSync(file, bytes, done, bytes.length - done, end + done);
      end += bytes.length;
    },
    replace(position, bytes) {
      fs.writeSync(file, bytes, 0, bytes.length, position);
    },
    close() {
      fs.closeSync(file);
    },
  };
}
