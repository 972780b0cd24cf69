import { endpointOf, nvmeFunction } from '../../rtl/src/endpoint/endpoint-params.ts';
import { EndpointBench, memoryOf, registersOf } from '../../rtl/test/endpoint-bench.ts';
import { Scheduler } from '../../sim/testbench/src/scheduler.ts';
import { MemoryBacking } from '../device/src/backing.ts';
import { EndpointHardware } from '../device/src/nvme/endpoint-hardware.ts';
import { NvmeController, type NvmeOptions } from '../device/src/nvme/index.ts';
import { HostMemoryPool } from '../host/src/host-memory-pool.ts';
import type { NvmePlatform } from '../host/src/nvme/index.ts';
import type { FirmwareDevice } from '../ports.ts';

const queues = 4;
const bufferBytes = 60 * 1024;
const interruptBase = 0xfee0_0000n;
const hostBase = 0x10_0000n;

/** The RTL of one endpoint with the controller's firmware, on a link whose other end is a host: its driver's platform is `platform`. */
export class EndpointComputer implements Disposable {
  readonly bench: EndpointBench;
  readonly scheduler: Scheduler;
  readonly media: MemoryBacking;
  readonly pool = new HostMemoryPool({ base: hostBase, bytes: 8n << 20n });
  readonly platform: NvmePlatform;
  private readonly handlers = new Map<number, () => void>();
  private readonly waits = new Set<{ readonly ready: () => boolean; readonly wake: () => void }>();
  private seen = 0;

  constructor(width: number, capacity: number) {
    const memory_bytes = 65_536;
    const described = nvmeFunction({ device_id: 0x10, memory_bytes, queues, max_payload: 256 });
    this.bench = new EndpointBench(endpointOf([described], { width, tags: 32 }), 7);
    const { bench } = this;
    this.media = new MemoryBacking(new Uint8Array(capacity));
    this.scheduler = new Scheduler({
      get cycle() {
        return bench.sim.cycle;
      },
      advance: cycles => this.advance(cycles),
    });
    this.platform = this.makePlatform();
  }

  /** Boots the firmware, and does what software does before a driver comes: addresses, bus mastering, interrupts. */
  async boot(options: NvmeOptions = {}): Promise<void> {
    const { bench, scheduler } = this;
    const { registers } = bench.params.functions[0] ?? {};
    if (!registers?.mailbox || !registers.doorbells || !registers.msix) throw new Error('the function is no controller');
    const hardware = await EndpointHardware.start(scheduler, this.device(), this.media, {
      vectors: registers.msix.vectors,
      doorbells: registers.doorbells,
      mailbox: registers.mailbox,
      memoryBuffer: { bar: 2, offset: 4096, bytes: bufferBytes },
      spare: 0,
    });
    NvmeController.start(hardware, options);
    bench.enumerate();
    bench.enableInterrupts(0, registersOf(0) + BigInt(registers.msix.table), interruptBase, 0x40, registers.msix.vectors);
    await scheduler.delay(2000);
  }

  [Symbol.dispose](): void {
    this.bench[Symbol.dispose]();
  }

  private device(): FirmwareDevice {
    const { bench } = this;
    const wordBytes = bench.params.width / 8;
    return {
      name: 'nvme0',
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

  private makePlatform(): NvmePlatform {
    const { bench, scheduler, pool, handlers } = this;
    const bar0 = registersOf(0);
    const store = (address: bigint, data: Uint8Array) => {
      for (const [i, byte] of data.entries()) bench.memory.set(address + BigInt(i), byte);
    };
    return {
      name: 'nvme0',
      scheduler,
      vectors: queues,
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
      bar: index => (index === 2 ? { base: memoryOf(0), bytes: 65_536n } : undefined),
      async writeBar(address, data) {
        for (let at = 0; at < data.length; at += 64) bench.write(address + BigInt(at), data.subarray(at, at + 64));
      },
    };
  }
}
