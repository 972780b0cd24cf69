import type { FirmwareDevice, Scheduler } from '../../../ports.ts';
import { Pool } from '../../../semaphore.ts';
import type { EndpointEngine, EngineJob, RunningJob } from './endpoint-engine.ts';

/** The engines, as their media streams go. */
export interface StreamEngines {
  /** Media to PCIe addresses, and back. */
  readonly writeDma: EndpointEngine;
  readonly readDma: EndpointEngine;
  /** Media to BAR memory, and back. */
  readonly fill: EndpointEngine;
  readonly drain: EndpointEngine;
}

/** Bytes that are on their way between software and a stream at a time; a multiple of every data width. */
const chunkBytes = 4096;
/** Cycles in which a word that an engine gave is surely at the processor. */
const arrivalCycles = 64;
/** Attempts to bring a stream back into step; a function that is being reset refuses them for a while. */
const mostAttempts = 10_000;

/**
 * Jobs of engines together with their media words: one job at a time in each direction, since words carry no name. Urgent jobs go before others that wait.
 *
 * A job that is refused in its middle, because the function was reset or may not send requests, leaves words behind: those that nobody took on the way in, or a
 * reader that waits for words on the way out. Then the stream is brought back into step by local moves to and from a spare word of the BAR memory.
 */
export class EndpointStreams {
  private readonly device: FirmwareDevice;
  private readonly scheduler: Scheduler;
  private readonly engines: StreamEngines;
  /** Byte offset of the spare word. */
  private readonly spare: number;
  private readonly wordBytes: number;
  private readonly inTurn = new Pool(['turn']);
  private readonly outTurn = new Pool(['turn']);
  private marks = 0;

  constructor(device: FirmwareDevice, scheduler: Scheduler, engines: StreamEngines, spare: number) {
    this.device = device;
    this.scheduler = scheduler;
    this.engines = engines;
    this.spare = spare;
    this.wordBytes = device.width / 8;
  }

  /** Runs a job that takes bytes; `source` gives each chunk of them. @returns the outcome. */
  give(
    engine: 'writeDma' | 'fill',
    job: EngineJob,
    source: (at: number, bytes: number) => Uint8Array,
    options: { readonly urgent: boolean },
  ): Promise<number> {
    return this.run(this.inTurn, options, async () => {
      const outcome = await this.engines[engine].run(job, async running => {
        for (let at = 0; at < job.bytes && !running.ended; at += chunkBytes)
          await Promise.race([this.device.mediaIn.write(source(at, Math.min(chunkBytes, job.bytes - at))), running.whenEnded]);
      });
      if (outcome !== 0) await this.skipLeftWords();
      return outcome;
    });
  }

  /** Runs a job that gives bytes; `target` takes each chunk of them. @returns the outcome. */
  take(
    engine: 'readDma' | 'drain',
    job: EngineJob,
    target: (at: number, data: Uint8Array) => void,
    options: { readonly urgent: boolean },
  ): Promise<number> {
    return this.run(this.outTurn, options, async () => {
      let pending: Promise<unknown> | undefined;
      const outcome = await this.engines[engine].run(job, async running => {
        for (let at = 0; at < job.bytes && !pending; at += chunkBytes) {
          const data = await this.chunk(Math.min(chunkBytes, job.bytes - at), running, late => {
            pending = late;
          });
          if (data) target(at, data);
        }
      });
      if (pending) await this.feedReader(pending);
      return outcome;
    });
  }

  /** Runs a task when its turn comes. Who waited for it has its next wishes told before the turn goes on, and so may be the next if they are urgent. */
  private async run<T>(turns: Pool<string>, options: { readonly urgent: boolean }, task: () => Promise<T>): Promise<T> {
    const turn = await turns.acquire(options);
    try {
      return await task();
    } finally {
      void this.scheduler.delay(0).then(() => turns.release(turn));
    }
  }

  /** The next bytes of a job; if it ended without them, the reader that still waits is told. */
  private async chunk(
    bytes: number,
    running: RunningJob,
    onLate: (reader: Promise<unknown>) => void,
  ): Promise<Uint8Array | undefined> {
    const reader = this.device.mediaOut.read(bytes);
    const ended = running.whenEnded.then(() => this.scheduler.delay(arrivalCycles));
    const data = await Promise.race([reader, ended.then(() => undefined)]);
    if (!data) onLate(reader);
    return data;
  }

  /** Gives a reader the words that it still waits for, one by one. */
  private async feedReader(reader: Promise<unknown>): Promise<void> {
    let done = false;
    const whenDone = reader.then(() => {
      done = true;
    });
    for (let i = 0; !done && i < mostAttempts; i++) {
      const nothing = async () => {};
      await this.engines.drain.run({ offset: this.spare, bytes: this.wordBytes }, nothing);
      await Promise.race([whenDone, this.scheduler.delay(arrivalCycles)]);
    }
  }

  /** Takes words out of the stream, one by one, until a mark comes that is put behind them. */
  private async skipLeftWords(): Promise<void> {
    const mark = this.nextMark();
    // The mark may find room only when words before it have gone.
    const marked = this.device.mediaIn.write(mark);
    const job = { offset: this.spare, bytes: this.wordBytes };
    const nothing = async () => {};
    for (let i = 0; i < mostAttempts; i++) {
      if ((await this.engines.fill.run(job, nothing)) !== 0) {
        await this.scheduler.delay(arrivalCycles);
        continue;
      }
      let found: Uint8Array | undefined;
      const look = (_: number, data: Uint8Array) => {
        found = data;
      };
      const outcome = await this.take('drain', job, look, { urgent: true });
      if (outcome === 0 && found && Buffer.compare(found, mark) === 0) return marked;
    }
  }

  /** A word that data hardly has. */
  private nextMark(): Uint8Array {
    this.marks++;
    return Uint8Array.from({ length: this.wordBytes }, (_, i) => (0xa5 ^ (i * 29) ^ (this.marks >> (8 * (i & 3)))) & 0xff);
  }
}
