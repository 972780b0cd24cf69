import type { MediaIn, MediaOut } from '../../ports.ts';
import { Turns } from '../../semaphore.ts';
import { type Backing, BackingError } from './backing.ts';

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

  /**
   * Gives bytes of the drive to the endpoint. An engine waits for every word, so zeros stand for what the drive cannot read.
   * @returns whether all of it could be read.
   */
  async read(offset: number, bytes: number): Promise<boolean> {
    let good = true;
    for (let at = 0; at < bytes; at += bufferBytes) {
      const buffer = new Uint8Array(Math.min(bufferBytes, bytes - at));
      good = succeeds(() => this.backing.read(offset + at, buffer)) && good;
      await this.input.write(buffer);
    }
    return good;
  }

  /** Stores bytes that the endpoint gives, and takes all of them in any case. @returns whether all of it could be stored. */
  async write(offset: number, bytes: number): Promise<boolean> {
    let good = true;
    for (let at = 0; at < bytes; at += bufferBytes) {
      const buffer = await this.output.read(Math.min(bufferBytes, bytes - at));
      good = good && succeeds(() => this.backing.write(offset + at, buffer));
    }
    return good;
  }
}

/** Whether the drive did it. Errors that are not the drive's are thrown on. */
function succeeds(access: () => void): boolean {
  try {
    access();
    return true;
  } catch (error) {
    if (error instanceof BackingError) return false;
    throw error;
  }
}
