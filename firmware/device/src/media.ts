import { Turns } from '../../semaphore.ts';
import type { Backing } from './backing.ts';
import type { MediaIn, MediaOut } from './ports.ts';

/** Bytes of the drive that are in memory at a time; a multiple of every data width. */
const bufferBytes = 16 * 1024;

/** Moves bytes between the drive's data and the endpoint's media streams. One transfer per direction at a time, in the order of asking. */
export class Media {
  readonly capacity: number;
  private readonly backing: Backing;
  private readonly input: MediaIn;
  private readonly output: MediaOut;
  private readonly inputTurns = new Turns();
  private readonly outputTurns = new Turns();

  constructor(backing: Backing, input: MediaIn, output: MediaOut) {
    this.capacity = backing.capacity;
    this.backing = backing;
    this.input = input;
    this.output = output;
  }

  /** Keeps others away from the stream towards the endpoint while `work` runs: an engine and who feeds it. */
  whileReading<T>(work: () => Promise<T>): Promise<T> {
    return this.inputTurns.run(work);
  }

  /** The same for the stream from the endpoint. */
  whileWriting<T>(work: () => Promise<T>): Promise<T> {
    return this.outputTurns.run(work);
  }

  /** Gives bytes of the drive to the endpoint. */
  async read(offset: number, bytes: number): Promise<void> {
    for (let at = 0; at < bytes; at += bufferBytes) {
      const buffer = new Uint8Array(Math.min(bufferBytes, bytes - at));
      this.backing.read(offset + at, buffer);
      await this.input.write(buffer);
    }
  }

  /** Stores bytes that the endpoint gives. */
  async write(offset: number, bytes: number): Promise<void> {
    for (let at = 0; at < bytes; at += bufferBytes)
      this.backing.write(offset + at, await this.output.read(Math.min(bufferBytes, bytes - at)));
  }
}
