import { carriesData, type Packet, TlpType } from '@hdl/pcie-rtl';
import type { Scheduler } from '../../ports.ts';
import type { Requester } from './requester.ts';

/** Where message interrupts are written to: the host's interrupt controller. */
export const interruptAddress = 0xfee0_0000n;

/** Message data values that a controller tells apart. */
const vectorLimit = 0x1_0000;

/** The host's interrupt controller: memory writes to `interruptAddress` that reach the root port, told apart by their data. */
export class InterruptController {
  /** Messages that nobody had asked for. */
  spurious = 0;
  private readonly handlers: (() => void)[] = [];
  private readonly scheduler: Scheduler;
  private readonly latency: number;

  /** `latency` is in simulated cycles: from the message at the root port to the handler. */
  constructor(requester: Requester, scheduler: Scheduler, latency: number) {
    this.scheduler = scheduler;
    this.latency = latency;
    requester.onRequest(packet => this.take(packet));
  }

  /** Gives out a message data value; `handler` is called for every interrupt with it. */
  register(handler: () => void): number {
    if (this.handlers.length >= vectorLimit) throw new RangeError(`the interrupt controller has ${vectorLimit} vectors`);
    return this.handlers.push(handler) - 1;
  }

  private take(packet: Packet): void {
    if (packet.type !== TlpType.memory || !carriesData(packet) || packet.address !== interruptAddress) return;
    const data = new DataView(packet.payload.buffer, packet.payload.byteOffset).getUint32(0, true);
    const handler = this.handlers[data];
    if (!handler) {
      this.spurious++;
      return;
    }
    this.scheduler.spawn('interrupt handler', async () => {
      await this.scheduler.delay(this.latency);
      handler();
    });
  }
}
