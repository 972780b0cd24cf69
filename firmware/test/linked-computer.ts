import type { EndpointParams } from '../../rtl/src/endpoint/endpoint-params.ts';
import { EndpointBench, memoryOf, registersOf } from '../../rtl/test/endpoint-bench.ts';
import { Scheduler } from '../../sim/testbench/src/scheduler.ts';
import type { EndpointDescription } from '../device/src/endpoint/index.ts';
import type { DevicePlatform } from '../host/src/device-platform.ts';
import { HostMemoryPool } from '../host/src/host-memory-pool.ts';
import type { FirmwareDevice } from '../ports.ts';

const interruptBase = 0xfee0_0000n;
const hostBase = 0x10_0000n;

/** The RTL of one endpoint on a link whose other end is a host: what its firmware sees is `device`, what its driver sees `platform`. */
export class LinkedComputer implements Disposable {
  readonly bench: EndpointBench;
  readonly scheduler: Scheduler;
  readonly device: FirmwareDevice;
  readonly platform: DevicePlatform;
  readonly pool = new HostMemoryPool({ base: hostBase, bytes: 8n << 20n });
  /** What the firmware must know of the endpoint, whose BAR memory but for its first 4096 bytes is for peers. */
  readonly description: EndpointDescription;
  private readonly handlers = new Map<number, () => void>();
  private readonly waits = new Set<{ readonly ready: () => boolean; readonly wake: () => void }>();
  private seen = 0;

  constructor(name: string, params: EndpointParams) {
    this.bench = new EndpointBench(params, 7);
    const { bench } = this;
    const { registers } = bench.params.functions[0] ?? {};
    if (!registers?.mailbox || !registers.doorbells || !registers.msix)
      throw new Error('the function has no registers for firmware');
    this.description = {
      vectors: registers.msix.vectors,
      doorbells: registers.doorbells,
      mailbox: registers.mailbox,
      memoryBuffer: { bar: 2, offset: 4096, bytes: params.memory_bytes - 4096 },
      spare: 0,
    };
    this.scheduler = new Scheduler({
      get cycle() {
        return bench.sim.cycle;
      },
      advance: cycles => this.advance(cycles),
    });
    this.device = this.makeDevice(name);
    this.platform = this.makePlatform(name);
  }

  /** Does what software does before a driver comes: addresses, bus mastering, interrupts. */
  enumerate(): void {
    const { bench } = this;
    const { msix } = bench.params.functions[0]?.registers ?? {};
    bench.enumerate();
    if (msix) bench.enableInterrupts(0, registersOf(0) + BigInt(msix.table), interruptBase, 0x40, msix.vectors);
  }

  [Symbol.dispose](): void {
    this.bench[Symbol.dispose]();
  }

  private makeDevice(name: string): FirmwareDevice {
    const { bench } = this;
    const wordBytes = bench.params.width / 8;
    return {
      name,
      width: bench.params.width,
      read: async offset => bench.peek(offset) >>> 0,
      write: async (offset, value) => bench.poke(offset, value),
      interrupt: () => this.when(() => bench.interrupt),
      mediaIn: {
        write: async bytes => {
          for (let at = 0; at < bytes.length; at += wordBytes) {
            const word = new Uint8Array(wordBytes);
            word.set(bytes.subarray(at, at + wordBytes));
            bench.mediaIn.queue.push(word);
          }
          await this.when(() => bench.mediaIn.queue.length < 64);
        },
      },
      mediaOut: {
        read: async bytes => {
          const words = Math.ceil(bytes / wordBytes);
          await this.when(() => bench.mediaOut.received.length >= words);
          return Uint8Array.from(Buffer.concat(bench.mediaOut.received.splice(0, words)).subarray(0, bytes));
        },
      },
    };
  }

  private when(ready: () => boolean): Promise<void> {
    return new Promise(wake => this.waits.add({ ready, wake }));
  }

  private advance(cycles: number): boolean {
    for (let i = 0; i < cycles; i++) {
      this.bench.step();
      let woken = this.takeInterrupts();
      for (const wait of this.waits)
        if (wait.ready()) {
          this.waits.delete(wait);
          wait.wake();
          woken = true;
        }
      if (woken) return true;
    }
    return false;
  }

  /** Messages among the writes of the endpoint. */
  private takeInterrupts(): boolean {
    const { written } = this.bench;
    let any = false;
    for (; this.seen < written.length; this.seen++) {
      const { address } = written[this.seen] ?? { address: 0n };
      if (address < interruptBase || address >= interruptBase + 4096n) continue;
      this.handlers.get(Number(address - interruptBase) / 4)?.();
      any = true;
    }
    return any;
  }

  private makePlatform(name: string): DevicePlatform {
    const { bench, scheduler, pool, handlers } = this;
    const bar0 = registersOf(0);
    const store = (address: bigint, data: Uint8Array) => {
      for (const [i, byte] of data.entries()) bench.memory.set(address + BigInt(i), byte);
    };
    return {
      name,
      scheduler,
      vectors: this.description.vectors,
      memory: {
        allocate: (bytes, alignment) => pool.allocate(bytes, alignment),
        release: range => pool.release(range),
        read: (address, bytes) => bench.bytes(address, bytes),
        write: store,
      },
      readRegister: async offset => bench.readDword(bar0 + BigInt(offset)),
      writeRegister: async (offset, value) => bench.writeDword(bar0 + BigInt(offset), value),
      async connect(vector, handler) {
        handlers.set(vector, handler);
      },
      bar: index => (index === 2 ? { base: memoryOf(0), bytes: BigInt(bench.params.memory_bytes) } : undefined),
      async writeBar(address, data) {
        for (let at = 0; at < data.length; at += 64) bench.write(address + BigInt(at), data.subarray(at, at + 64));
      },
    };
  }
}
