import { endpointOf, nicFunction } from '../../rtl/src/endpoint/endpoint-params.ts';
import { FirmwareEndpoint } from '../device/src/endpoint/index.ts';
import { RdmaFirmware, type RdmaOptions } from '../device/src/rdma/index.ts';
import { RemoteNic } from '../rdma/remote/index.ts';
import { Wire, type WireOptions } from '../rdma/wire.ts';
import { LinkedComputer } from './linked-computer.ts';

/** The RTL of one endpoint with a network card's firmware, and the remote end of its wire. */
export class NicComputer extends LinkedComputer {
  readonly wire: Wire;
  readonly remote: RemoteNic;

  constructor(width: number, wire: WireOptions = {}) {
    const described = nicFunction({ device_id: 0x20, memory_bytes: 65_536, queues: 32, vectors: 4, max_payload: 256 });
    super('nic0', endpointOf([described], { width, tags: 32 }));
    this.wire = new Wire(this.scheduler, wire);
    this.remote = new RemoteNic(this.scheduler, this.wire.ends[1]);
  }

  /** Boots the firmware, and prepares the function for a driver. */
  async boot(options: RdmaOptions = {}): Promise<void> {
    const { scheduler, device, description, wire } = this;
    RdmaFirmware.start(await FirmwareEndpoint.boot(scheduler, device, description), wire.ends[0], options);
    this.enumerate();
  }
}
