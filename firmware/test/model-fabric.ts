import {
  Bar0,
  CapabilityId,
  carriesData,
  completion,
  configTarget,
  dwCount,
  Engine,
  FirmwareEvent,
  FirmwareMap,
  identification,
  memoryWrite,
  type Packet,
  PortType,
  packetName,
  Status,
} from '@hdl/pcie-rtl';
import type { FirmwareDevice, HostMemory, RootPort, Scheduler } from '../ports.ts';

/**
 * A fabric for tests of host and firmware alone, where something has to go wrong that the hardware does not do by itself: the same registers and packets,
 * no clock. An engine's run takes as many cycles as it has words.
 */

/** Simulated time: whatever waits longest runs next. */
export class ModelScheduler implements Scheduler {
  now = 0;
  private readonly timers: { readonly at: number; readonly wake: () => void }[] = [];
  private failure: { readonly error: unknown } | undefined;

  delay(cycles: number): Promise<void> {
    return new Promise(resolve => {
      const at = this.now + cycles;
      const behind = this.timers.findIndex(timer => timer.at > at);
      this.timers.splice(behind < 0 ? this.timers.length : behind, 0, { at, wake: resolve });
    });
  }

  spawn(_name: string, task: () => Promise<unknown>): void {
    task().catch(error => {
      this.failure = { error };
    });
  }

  /** Runs until `main` ends. */
  async run<T>(main: () => Promise<T>): Promise<T> {
    let done = false;
    const result = main().finally(() => {
      done = true;
    });
    result.catch(() => {});
    for (;;) {
      await new Promise(setImmediate);
      if (this.failure) throw this.failure.error;
      if (done) return result;
      const next = this.timers.shift();
      if (!next) throw new Error('everything waits, and nothing will happen');
      this.now = next.at;
      next.wake();
    }
  }
}

/** Values in the order in which they were put, for one reader. */
class Mailbox<T> {
  private readonly values: T[] = [];
  private reader: ((value: T) => void) | undefined;

  put(value: T): void {
    const { reader } = this;
    this.reader = undefined;
    if (reader) reader(value);
    else this.values.push(value);
  }

  take(): Promise<T> {
    const [value] = this.values.splice(0, 1);
    if (value !== undefined) return Promise.resolve(value);
    return new Promise(resolve => {
      this.reader = resolve;
    });
  }
}

/** A configuration space: DW values, and which bits can be written. */
export class ModelFunction {
  readonly registers = new Map<number, number>();
  readonly writable = new Map<number, number>();
  /** Functions on the secondary bus by device number, if this is a bridge. */
  readonly below = new Map<number, ModelFunction>();

  constructor(registers: { readonly [offset: number]: readonly [value: number, writable?: number] }) {
    for (const [offset, [value, writable = 0]] of Object.entries(registers)) {
      this.registers.set(Number(offset), value >>> 0);
      this.writable.set(Number(offset), writable >>> 0);
    }
  }

  register(offset: number): number {
    return this.registers.get(offset) ?? 0;
  }

  write(offset: number, value: number, byteEnables: number): void {
    let mask = this.writable.get(offset) ?? 0;
    for (let byte = 0; byte < 4; byte++) if (!(byteEnables & (1 << byte))) mask &= ~(0xff << (8 * byte));
    this.registers.set(offset, ((this.register(offset) & ~mask) | (value & mask)) >>> 0);
  }
}

const expressAt = 0x40;
const msixAt = 0x80;

/** A switch port. */
export function modelBridge(portType: number): ModelFunction {
  return new ModelFunction({
    0: [0x5100_1d1d],
    4: [1 << 20, 0b110],
    8: [0x0604_0001],
    12: [1 << 16],
    24: [0, 0xff_ffff],
    32: [0, 0xfff0_fff0],
    36: [0x0001_0001, 0xfff0_fff0],
    40: [0, ~0],
    44: [0, ~0],
    52: [expressAt],
    [expressAt]: [(portType << 20) | (2 << 16) | CapabilityId.pciExpress],
    [expressAt + 4]: [2],
    [expressAt + 8]: [0, 0x70e0],
  });
}

/** An endpoint with the registers of the real one. */
export class ModelEndpoint implements FirmwareDevice {
  readonly config: ModelFunction;
  readonly name: string;
  readonly width = 256;
  readonly memory: Uint8Array;
  readonly mailbox = new Uint32Array(Bar0.mailbox_bytes / 4);
  readonly table = new Uint32Array(32);
  readonly mediaIn = { write: (bytes: Uint8Array) => this.takeMedia(bytes) };
  readonly mediaOut = { read: (bytes: number) => this.giveMedia(bytes) };
  /** Commands that the engines were given. */
  readonly runs: { readonly engine: number; readonly address: bigint; readonly length: number }[] = [];
  private readonly fabric: ModelFabric;
  private readonly port = new Map<number, number>();
  /** Media words that wait for an engine, and that wait for the firmware. */
  private pending: Uint8Array = new Uint8Array(0);
  private media: Uint8Array = new Uint8Array(0);
  private wake: (() => void)[] = [];

  constructor(fabric: ModelFabric, name: string, memoryBytes: number) {
    this.config = new ModelFunction({
      0: [0xe000_1d1d],
      4: [1 << 20, 0b110],
      8: [0x0180_0001],
      16: [0, -Bar0.size],
      24: [0xc, -memoryBytes],
      28: [0, ~0],
      52: [expressAt],
      [expressAt]: [(PortType.endpoint << 20) | (2 << 16) | (msixAt << 8) | CapabilityId.pciExpress],
      [expressAt + 4]: [1],
      [expressAt + 8]: [0x100, 0x70e0],
      [msixAt]: [(7 << 16) | CapabilityId.msix, 0xc000_0000],
      [msixAt + 4]: [Bar0.msix_table],
    });
    this.fabric = fabric;
    this.name = name;
    this.memory = new Uint8Array(memoryBytes);
  }

  get bar0(): bigint {
    return BigInt((this.config.register(0x10) & ~0xf) >>> 0);
  }

  get bar2(): bigint {
    return (BigInt(this.config.register(0x1c)) << 32n) | BigInt((this.config.register(0x18) & ~0xf) >>> 0);
  }

  read(offset: number): Promise<number> {
    if (offset >= FirmwareMap.mailbox) return this.later(this.mailbox[(offset - FirmwareMap.mailbox) / 4] ?? 0);
    if (offset === FirmwareMap.bar2_low) return this.later(Number(this.bar2 & 0xffff_ffffn));
    if (offset === FirmwareMap.bar2_high) return this.later(Number(this.bar2 >> 32n));
    if (offset === FirmwareMap.memory_bytes) return this.later(this.memory.length);
    return this.later(this.port.get(offset) ?? 0);
  }

  async write(offset: number, value: number): Promise<void> {
    if (offset >= FirmwareMap.mailbox) this.mailbox[(offset - FirmwareMap.mailbox) / 4] = value;
    else if (offset === FirmwareMap.events) this.set(offset, this.get(offset) & ~(value & ~FirmwareEvent.doorbell));
    else if (offset === FirmwareMap.doorbell_pending) this.ring(this.get(offset) & ~value);
    else if (offset === FirmwareMap.post_data) this.fabric.store(this.address(FirmwareMap.post_low), Uint32Array.of(value));
    else if (offset === FirmwareMap.msix_trigger) this.interruptHost(value);
    else this.set(offset, value);
    for (const base of [FirmwareMap.write_dma, FirmwareMap.read_dma, FirmwareMap.fill, FirmwareMap.drain])
      if (offset === base + Engine.control) this.fabric.scheduler.spawn('engine', () => this.runEngine(base));
    await this.later(0);
  }

  async interrupt(): Promise<void> {
    if (this.get(FirmwareMap.events) & this.get(FirmwareMap.event_enable)) return this.fabric.scheduler.delay(1);
    await new Promise<void>(resolve => this.wake.push(resolve));
  }

  /** A memory request to BAR0. */
  writeRegister(offset: number, value: number): void {
    if (offset >= Bar0.mailbox && offset < Bar0.mailbox + Bar0.mailbox_bytes) this.mailbox[(offset - Bar0.mailbox) / 4] = value;
    else if (offset >= Bar0.msix_table) this.table[(offset - Bar0.msix_table) / 4] = value;
    else if (offset >= Bar0.doorbell) this.ring(this.get(FirmwareMap.doorbell_pending) | (1 << ((offset - Bar0.doorbell) / 4)));
  }

  readRegister(offset: number): number {
    if (offset === Bar0.id) return identification;
    return this.mailbox[(offset - Bar0.mailbox) / 4] ?? 0;
  }

  private async runEngine(base: number): Promise<void> {
    const address = this.address(base + Engine.address_low);
    const length = this.get(base + Engine.length);
    const offset = this.get(base + Engine.offset);
    const fromMemory = (this.get(base + Engine.control) & 2) !== 0;
    this.runs.push({ engine: base, address, length });
    this.set(base + Engine.status, 1);
    await this.fabric.scheduler.delay(3 + Math.ceil(length / 32));
    let result = 0;
    if (base === FirmwareMap.write_dma) {
      const data = fromMemory ? this.memory.slice(offset, offset + length) : await this.fromMedia(length);
      result = this.fabric.store(address, data) ? 0 : 1;
    } else if (base === FirmwareMap.read_dma) {
      const data = this.fabric.load(address, length);
      result = data ? 0 : 1;
      this.media = data ?? new Uint8Array(length);
    } else if (base === FirmwareMap.fill) this.memory.set(await this.fromMedia(length), offset);
    else this.media = this.memory.slice(offset, offset + length);
    while (this.media.length > 0) await this.fabric.scheduler.delay(1);
    this.set(base + Engine.status, result << 1);
    const event = {
      [FirmwareMap.write_dma]: FirmwareEvent.write_dma,
      [FirmwareMap.read_dma]: FirmwareEvent.read_dma,
      [FirmwareMap.fill]: FirmwareEvent.fill,
      [FirmwareMap.drain]: FirmwareEvent.drain,
    }[base];
    this.set(FirmwareMap.events, this.get(FirmwareMap.events) | (event ?? 0));
    this.rise();
  }

  /** Waits for the words of a run, and takes them. */
  private async fromMedia(length: number): Promise<Uint8Array> {
    while (this.pending.length < length) await this.fabric.scheduler.delay(1);
    const data = this.pending.slice(0, length);
    this.pending = this.pending.slice(length);
    return data;
  }

  private async takeMedia(bytes: Uint8Array): Promise<void> {
    this.pending = new Uint8Array(Buffer.concat([this.pending, bytes]));
    await this.fabric.scheduler.delay(1);
  }

  private async giveMedia(bytes: number): Promise<Uint8Array> {
    while (this.media.length < bytes) await this.fabric.scheduler.delay(1);
    const data = this.media.slice(0, bytes);
    this.media = this.media.slice(bytes);
    return data;
  }

  private interruptHost(vector: number): void {
    const [low = 0, high = 0, data = 0] = this.table.subarray(4 * vector);
    const address = (BigInt(high) << 32n) | BigInt(low);
    if (this.config.register(msixAt) >>> 31) this.fabric.store(address, Uint32Array.of(data));
  }

  private ring(pending: number): void {
    this.set(FirmwareMap.doorbell_pending, pending);
    const events = this.get(FirmwareMap.events) & ~FirmwareEvent.doorbell;
    this.set(FirmwareMap.events, pending ? events | FirmwareEvent.doorbell : events);
    this.rise();
  }

  private rise(): void {
    if (!(this.get(FirmwareMap.events) & this.get(FirmwareMap.event_enable))) return;
    for (const wake of this.wake.splice(0)) wake();
  }

  private address(low: number): bigint {
    return (BigInt(this.get(low + 4)) << 32n) | BigInt(this.get(low));
  }

  private get(offset: number): number {
    return this.port.get(offset) ?? 0;
  }

  private set(offset: number, value: number): void {
    this.port.set(offset, value >>> 0);
  }

  private async later(value: number): Promise<number> {
    await this.fabric.scheduler.delay(4);
    return value;
  }
}

/** Root port, host memory, and what hangs below: a tree of functions whose root is at bus 1, device 0. */
export class ModelFabric implements RootPort {
  readonly scheduler = new ModelScheduler();
  readonly hostMemory: HostMemory & { readonly content: Uint8Array };
  readonly endpoints: ModelEndpoint[] = [];
  /** Requests that are swallowed instead of answered. */
  swallow: (packet: Packet) => boolean = () => false;
  /** Every packet that the host sent. */
  readonly sent: Packet[] = [];
  private readonly up = new Mailbox<Packet>();
  private top: ModelFunction | undefined;

  constructor(hostBytes = 1 << 20) {
    const base = 0x1000_0000n;
    const content = new Uint8Array(hostBytes);
    const at = (address: bigint) => Number(address - base);
    this.hostMemory = {
      base,
      bytes: hostBytes,
      content,
      read: (address, bytes) => content.slice(at(address), at(address) + bytes),
      write: (address, data) => content.set(data, at(address)),
    };
  }

  /** A switch with an endpoint per size of BAR memory. */
  static withDrives(...memoryBytes: readonly number[]): ModelFabric {
    const fabric = new ModelFabric();
    const upstream = modelBridge(PortType.switchUpstream);
    memoryBytes.forEach((bytes, i) => {
      const downstream = modelBridge(PortType.switchDownstream);
      const endpoint = new ModelEndpoint(fabric, `drive${i}`, bytes);
      downstream.below.set(0, endpoint.config);
      upstream.below.set(i, downstream);
      fabric.endpoints.push(endpoint);
    });
    fabric.top = upstream;
    return fabric;
  }

  async send(packet: Packet): Promise<void> {
    this.sent.push(packet);
    await this.scheduler.delay(1);
    if (this.swallow(packet)) return;
    if (packetName(packet).startsWith('Cfg')) this.configure(packet);
    else if (carriesData(packet)) this.store(packet.address, dwords(packet.payload));
    else this.answerRead(packet);
  }

  receive(): Promise<Packet> {
    return this.up.take();
  }

  /** Host memory here answers in completions of 64 bytes, whatever the limit. */
  setMaxPayload(): void {}

  /** Puts a packet in front of the host. */
  deliver(packet: Packet): void {
    this.up.put(packet);
  }

  /** A memory write from anywhere. @returns whether somebody claimed it. */
  store(address: bigint, data: Uint8Array | Uint32Array): boolean {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const place = this.place(address, bytes.length);
    if (address >> 20n === 0xfeen) this.deliver(memoryWrite({ requester_id: 0, tag: 0, address, data: bytes }));
    else if (place instanceof Uint8Array) place.set(bytes);
    else if (place) for (const [i, value] of dwords(bytes).entries()) place.endpoint.writeRegister(place.offset + 4 * i, value);
    else return false;
    return true;
  }

  /** A memory read from anywhere. */
  load(address: bigint, bytes: number): Uint8Array | undefined {
    const place = this.place(address, bytes);
    if (place instanceof Uint8Array) return place.slice();
    if (!place) return undefined;
    const values = Array.from({ length: bytes / 4 }, (_, i) => place.endpoint.readRegister(place.offset + 4 * i));
    return new Uint8Array(Uint32Array.from(values).buffer);
  }

  private place(
    address: bigint,
    bytes: number,
  ): Uint8Array | { readonly endpoint: ModelEndpoint; readonly offset: number } | undefined {
    const within = (base: bigint, size: number) => address >= base && address + BigInt(bytes) <= base + BigInt(size);
    const part = (memory: Uint8Array, base: bigint) => memory.subarray(Number(address - base), Number(address - base) + bytes);
    if (within(this.hostMemory.base, this.hostMemory.bytes)) return part(this.hostMemory.content, this.hostMemory.base);
    for (const endpoint of this.endpoints) {
      if ((endpoint.config.register(4) & 2) === 0) continue;
      if (within(endpoint.bar2, endpoint.memory.length)) return part(endpoint.memory, endpoint.bar2);
      if (within(endpoint.bar0, Bar0.size)) return { endpoint, offset: Number(address - endpoint.bar0) };
    }
    return undefined;
  }

  private configure(packet: Packet): void {
    const { bus, device, register } = configTarget(packet);
    const target = configTarget(packet).function === 0 ? find(this.top, bus, device) : undefined;
    const offset = 4 * register;
    if (!target) this.deliver(completion(packet, { completer_id: 0, status: Status.unsupported }));
    else if (carriesData(packet)) {
      target.write(offset, dwords(packet.payload)[0] ?? 0, packet.first_be);
      this.deliver(completion(packet, { completer_id: 0 }));
    } else this.deliver(completion(packet, { completer_id: 0 }, new Uint8Array(Uint32Array.of(target.register(offset)).buffer)));
  }

  /** Answers in completions of at most 64 bytes, to see that they are joined. */
  private answerRead(packet: Packet): void {
    const bytes = 4 * dwCount(packet);
    const data = this.load(packet.address, bytes);
    if (!data) this.deliver(completion(packet, { completer_id: 0, status: Status.unsupported }));
    for (let at = 0; data && at < bytes; at += 64) {
      const fields = { completer_id: 0, byte_count: bytes - at, lower_address: Number(packet.address & 0x7fn) };
      this.deliver(completion(packet, fields, data.subarray(at, at + 64)));
    }
  }
}

/** The function at a bus and device number, as the bridges route there. */
function find(top: ModelFunction | undefined, bus: number, device: number): ModelFunction | undefined {
  if (!top) return undefined;
  if (bus === 1) return device === 0 ? top : undefined;
  let bridge: ModelFunction | undefined = top;
  while (bridge) {
    const buses: number = bridge.register(0x18);
    if (((buses >>> 8) & 0xff) === bus) return bridge.below.get(device);
    bridge = [...bridge.below.values()].find(each => {
      const [secondary, subordinate] = [(each.register(0x18) >>> 8) & 0xff, (each.register(0x18) >>> 16) & 0xff];
      return each.below.size > 0 && secondary > 0 && bus >= secondary && bus <= subordinate;
    });
  }
  return undefined;
}

/** The DW of bytes. */
function dwords(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}
