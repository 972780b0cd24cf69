import { firmwareMap } from '@hdl/pcie-rtl';
import { accessors, type Simulation } from '@hdl/ts-hdl';
import { RequestWriter, ResponseReader } from './rings.ts';

/** The registers on the firmware port; those of function f stand at f times 64 KiB. */
export const firmware = accessors(firmwareMap({ memory_bytes: 0, doorbells: { count: 1, stride: 4 }, vectors: 1 }));

/** The firmware's end of its port: accesses go in their order, and reads are answered in theirs, when time passes. */
export class FirmwarePort {
  private readonly requests: RequestWriter;
  private readonly responses: ResponseReader;
  private readonly waiting: ((value: number) => void)[] = [];
  private readonly queue: { readonly write: boolean; readonly address: number; readonly data: number }[] = [];

  constructor(simulation: Simulation) {
    this.requests = new RequestWriter(simulation, 'source_request', ['request_pointer', 'request_status']);
    this.responses = new ResponseReader(simulation, 'sink_response', ['response_pointer', 'response_status']);
  }

  reset(): void {
    this.requests.reset();
    this.responses.reset();
    this.waiting.length = 0;
    this.queue.length = 0;
  }

  /** Nothing waits to be accessed or answered. */
  get idle(): boolean {
    return this.waiting.length === 0 && this.queue.length === 0 && this.requests.room === this.requests.depth;
  }

  /** Writes a register of a function. */
  tell(f: number, offset: number, data: number): void {
    this.queue.push({ write: true, address: f * 0x1_0000 + offset, data });
    this.fill();
  }
  /** Reads one. */
  ask(f: number, offset: number, done: (value: number) => void): void {
    this.queue.push({ write: false, address: f * 0x1_0000 + offset, data: 0 });
    this.waiting.push(done);
    this.fill();
  }

  /** Time has passed. */
  passed(): void {
    this.responses.drain(value => this.waiting.shift()?.(value));
    this.fill();
  }

  private fill(): void {
    let room = this.requests.room;
    for (let next = this.queue[0]; next && room > 0; next = this.queue[0], room--) {
      this.requests.put(next.write, next.address, next.data);
      this.queue.shift();
    }
  }
}
