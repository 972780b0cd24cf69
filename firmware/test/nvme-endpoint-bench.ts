import { endpointOf, nvmeFunction } from '../../rtl/src/endpoint/endpoint-params.ts';
import { MemoryBacking } from '../device/src/backing.ts';
import { EndpointHardware } from '../device/src/nvme/endpoint-hardware.ts';
import { NvmeController, type NvmeOptions } from '../device/src/nvme/index.ts';
import { LinkedComputer } from './linked-computer.ts';

/** The RTL of one endpoint with the controller's firmware. */
export class EndpointComputer extends LinkedComputer {
  readonly media: MemoryBacking;

  constructor(width: number, capacity: number) {
    const described = nvmeFunction({ device_id: 0x10, memory_bytes: 65_536, queues: 4, max_payload: 256 });
    super('nvme0', endpointOf([described], { width, tags: 32 }));
    this.media = new MemoryBacking(new Uint8Array(capacity));
  }

  /** Boots the firmware, and prepares the function for a driver. */
  async boot(options: NvmeOptions = {}): Promise<void> {
    const { scheduler, device, media, description } = this;
    NvmeController.start(await EndpointHardware.start(scheduler, device, media, description), options);
    this.enumerate();
    await scheduler.delay(2000);
  }
}
