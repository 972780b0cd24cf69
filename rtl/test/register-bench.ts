import { expect } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { RegisterBlock } from '../src/endpoint/register-block.ts';
import { numberOf, one, setFields } from './dma-model.ts';

export const doorbells = 16;
export const vectors = 8;
export const memory_bytes = 0x40_0000;

interface FirmwareAccess {
  readonly write: boolean;
  readonly address: number;
  readonly data: number;
}

/** The register block with a host on the one side and firmware on the other; every queue is worked off in order. */
export class RegisterBench implements Disposable {
  readonly sim = simulate(() => new RegisterBlock({ memory_bytes, doorbells, vectors }));
  readonly random: Random;
  /** Host accesses: a write moves in one cycle; a read pulse may come in the same cycle. */
  readonly hostWrites: { readonly address: number; readonly data: number; readonly mask: number }[] = [];
  readonly hostReads: number[] = [];
  readonly hostData: number[] = [];
  readonly firmware: FirmwareAccess[] = [];
  readonly firmwareData: number[] = [];
  /** Posted writes and messages that were taken. */
  readonly posted: {
    readonly from: 'post' | 'message';
    readonly address: bigint;
    readonly data: number;
    readonly cycle: number;
  }[] = [];
  /** Start pulses of the engines. */
  readonly starts: string[] = [];
  hostRate = 1;
  firmwareRate = 1;
  takeRate = 1;
  /** Cycles in which the answer to a host read is due. */
  private readonly due: number[] = [];
  private readonly ports;

  constructor(seed: number) {
    this.random = new Random(seed);
    const { sim } = this;
    const { dut } = sim;
    const stream = (s: { readonly valid: typeof dut.post.valid; readonly ready: typeof dut.post.ready }) => ({
      valid: sim.port(s.valid),
      ready: sim.port(s.ready),
    });
    this.ports = {
      write: stream(dut.register_write),
      read: sim.port(dut.register_valid),
      readAddress: sim.port(dut.register_address),
      readData: sim.port(dut.register_data),
      request: stream(dut.firmware_request),
      response: { ...stream(dut.firmware_response), data: sim.port(dut.firmware_response.payload) },
      post: stream(dut.post),
      message: stream(dut.message),
    };
    setFields(sim, dut.state, { id: 0x0428, bus_master: 1, memory_enable: 1, bar2: 0x12_3456_0000n, msix_enable: 1 });
  }

  cycle(): void {
    const { sim, ports, random } = this;
    const { dut } = sim;
    const write = this.hostWrites[0];
    const writes = write !== undefined && random.chance(this.hostRate);
    ports.write.valid.words[0] = writes ? 1 : 0;
    if (write) setFields(sim, dut.register_write.payload, { ...write });
    const read = this.hostReads[0];
    const reads = read !== undefined && random.chance(this.hostRate);
    ports.read.words[0] = reads ? 1 : 0;
    if (read !== undefined) ports.readAddress.words[0] = read;
    const access = this.firmware[0];
    const asks = access !== undefined && (one(ports.request.valid) || random.chance(this.firmwareRate));
    ports.request.valid.words[0] = asks ? 1 : 0;
    if (access) setFields(sim, dut.firmware_request.payload, { ...access, write: access.write ? 1 : 0 });
    for (const port of [ports.response, ports.post, ports.message]) port.ready.words[0] = random.chance(this.takeRate) ? 1 : 0;
    sim.settle();

    expect(one(ports.write.ready)).toBe(true);
    if (this.due[0] === sim.cycle) {
      this.due.shift();
      this.hostData.push(ports.readData.words[0] ?? 0);
    }
    if (one(ports.response.valid) && one(ports.response.ready)) this.firmwareData.push(ports.response.data.words[0] ?? 0);
    for (const from of ['post', 'message'] as const) {
      const { payload } = dut[from];
      if (!one(ports[from].valid) || !one(ports[from].ready)) continue;
      const address = numberOf(sim.port(payload.address));
      this.posted.push({ from, address, data: sim.port(payload.data).words[0] ?? 0, cycle: sim.cycle });
    }
    for (const engine of ['write_dma', 'read_dma', 'fill', 'drain'] as const)
      if (one(sim.port(dut[engine].start))) this.starts.push(engine);
    if (writes) this.hostWrites.shift();
    if (reads) {
      this.hostReads.shift();
      this.due.push(sim.cycle + 2);
    }
    const asked = asks && one(ports.request.ready);
    sim.step();
    if (asked) {
      this.firmware.shift();
      ports.request.valid.words[0] = 0;
    }
  }

  cycles(n: number): void {
    for (let i = 0; i < n; i++) this.cycle();
  }

  /** Runs until all queues are empty and all answers there. */
  drain(): void {
    let reads = this.hostReads.length + this.due.length + this.hostData.length;
    reads += this.firmwareData.length + this.firmware.filter(a => !a.write).length;
    for (let i = 0; i < 20_000; i++) {
      this.cycle();
      const idle = this.hostWrites.length + this.hostReads.length + this.firmware.length + this.due.length === 0;
      if (idle && this.hostData.length + this.firmwareData.length === reads) {
        this.cycles(3);
        return;
      }
    }
    throw new Error('accesses are stuck');
  }

  hostWrite(address: number, data: number, mask = 15): void {
    this.hostWrites.push({ address, data, mask });
    this.drain();
  }

  hostRead(address: number): number {
    this.hostReads.push(address);
    this.drain();
    return this.hostData.pop() ?? -1;
  }

  write(address: number, data: number): void {
    this.firmware.push({ write: true, address, data });
    this.drain();
  }

  read(address: number): number {
    this.firmware.push({ write: false, address, data: 0 });
    this.drain();
    return this.firmwareData.pop() ?? -1;
  }

  get interrupt(): boolean {
    this.sim.settle();
    return one(this.sim.port(this.sim.dut.firmware_interrupt));
  }

  /** A one-cycle pulse on the inputs of a status. */
  pulse(bundle: object, field: string): void {
    setFields(this.sim, bundle, { [field]: 1 });
    this.cycle();
    setFields(this.sim, bundle, { [field]: 0 });
    this.cycles(2);
  }

  [Symbol.dispose](): void {
    this.sim[Symbol.dispose]();
  }
}
