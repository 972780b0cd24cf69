import { Register } from '../../../nvme/registers.ts';
import type { FirmwareDevice, Scheduler } from '../../../ports.ts';
import { BackingError } from '../backing.ts';
import { type EndpointDescription, FirmwareEndpoint } from '../endpoint/firmware-endpoint.ts';
import { DmaError, type MoveOutcome, type NvmeHardware, type NvmeMedia, type Place, type WriteOptions } from './hardware.ts';

export type { EndpointDescription };

/** An endpoint of the fabric, whose function 0 is the controller. Its shared registers stand in BAR0 from the start on. */
export class EndpointHardware extends FirmwareEndpoint implements NvmeHardware {
  readonly media: NvmeMedia;

  private constructor(scheduler: Scheduler, device: FirmwareDevice, media: NvmeMedia, description: EndpointDescription) {
    super(scheduler, device, description);
    this.media = media;
  }

  /** As `FirmwareEndpoint.boot`, with the drive's data. */
  static async start(
    scheduler: Scheduler,
    device: FirmwareDevice,
    media: NvmeMedia,
    description: EndpointDescription,
  ): Promise<EndpointHardware> {
    const hardware = new EndpointHardware(scheduler, device, media, description);
    await hardware.prepare();
    return hardware;
  }

  /** An engine waits for every word, so zeros stand for what the drive cannot read. */
  async moveFromMedia(offset: number, to: Place, bytes: number, options?: WriteOptions): Promise<MoveOutcome> {
    let good = true;
    const source = (at: number, length: number) => {
      const data = new Uint8Array(length);
      good = succeeds(() => this.media.read(offset + at, data)) && good;
      return data;
    };
    const outcome = await outcomeOf(() => this.give(to, bytes, source, options));
    return outcome === 'success' && !good ? 'media error' : outcome;
  }

  collect(from: Place, into: Uint8Array): Promise<void> {
    return this.take(from, into.length, (at, data) => into.set(data, at));
  }

  /** CC as the last, because what stands in the others is meant for it. */
  protected override inOrder(offsets: readonly number[]): readonly number[] {
    return [...offsets].sort((a, b) => Number(a === Register.cc) - Number(b === Register.cc));
  }
}

async function outcomeOf(move: () => Promise<void>): Promise<'success' | 'fabric error'> {
  try {
    await move();
    return 'success';
  } catch (error) {
    if (error instanceof DmaError) return 'fabric error';
    throw error;
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
