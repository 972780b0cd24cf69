/** What the tests of the endpoint share: the endpoint between a host at the other end of its link, its firmware, and its medium. */
import { accessors, bool, connect, input, Module, output, simulate, stream, uint } from '../../hdl/src/index.ts';
import { firmwareMap } from '../src/config/endpoint-maps.ts';
import { Endpoint } from '../src/endpoint/endpoint.ts';
import type { EndpointParams } from '../src/endpoint/endpoint-params.ts';
import { FirmwareRequest } from '../src/endpoint/firmware-port.ts';
import { LinkPort } from '../src/link/link-port.ts';
import { tlpBeat } from '../src/tlp/tlp.ts';
import { one, setFields, WordSink, WordSource } from './dma-model.ts';
import { hostCredits, LinkHost } from './link-host.ts';

/** The firmware's registers, as byte offsets. */
export const firmware = accessors(firmwareMap({ memory_bytes: 0, doorbells: { count: 1, stride: 4 }, vectors: 1 }));
/** Where a mailbox of up to 1 KiB stands on the firmware port. */
export const firmwareMailbox = 0x400;

/** Bits of `events`. */
export const Event = {
  doorbell: 1,
  write_dma: 2,
  read_dma: 4,
  fill: 8,
  drain: 0x10,
  post: 0x20,
  function_reset: 0x40,
  mailbox: 0x80,
  channel: 0x100,
  atomic: 0x200,
} as const;

class LinkedEndpoint extends Module<EndpointParams> {
  private readonly beat = tlpBeat(this.p.width);
  readonly posted = input(stream(this.beat));
  readonly non_posted = input(stream(this.beat));
  readonly completion = input(stream(this.beat));
  readonly received_posted = output(stream(this.beat));
  readonly received_non_posted = output(stream(this.beat));
  readonly received_completion = output(stream(this.beat));
  readonly hot_reset = input(bool);
  readonly firmware_request = input(stream(FirmwareRequest));
  readonly firmware_response = output(stream(uint(32)));
  readonly firmware_interrupt = output(bool);
  readonly media_in = input(stream(uint(this.p.width)));
  readonly media_out = output(stream(uint(this.p.width)));
  /** A beat moves at the endpoint's end of the link. */
  readonly rx_moves = output(bool);
  readonly tx_moves = output(bool);
  private readonly port = new LinkPort({ width: this.p.width, credits: hostCredits, max_payload: 512 });
  private readonly endpoint = new Endpoint(this.p);

  protected override logic() {
    const { port, endpoint } = this;
    connect(port, {
      link_up: this.hot_reset.not(),
      posted: this.posted,
      non_posted: this.non_posted,
      completion: this.completion,
      relaxed: 0,
      rx: endpoint.tx,
      rx_fc: endpoint.tx_fc,
    });
    connect(endpoint, {
      rx: port.tx,
      rx_fc: port.tx_fc,
      hot_reset: this.hot_reset,
      firmware_request: this.firmware_request,
      media_in: this.media_in,
    });
    this.received_posted.from(port.received_posted);
    this.received_non_posted.from(port.received_non_posted);
    this.received_completion.from(port.received_completion);
    port.overflow.ready.set(1);
    this.firmware_response.from(endpoint.firmware_response);
    this.firmware_interrupt.set(endpoint.firmware_interrupt);
    this.media_out.from(endpoint.media_out);
    this.rx_moves.set(port.tx.valid.and(endpoint.rx.ready));
    this.tx_moves.set(endpoint.tx.valid.and(port.rx.ready));
  }
}

interface Access {
  readonly write: 0 | 1;
  readonly address: number;
  readonly data: number;
}

/** What single jobs have in common. */
export interface Run {
  readonly address?: bigint;
  readonly offset?: number;
  readonly length: number;
  /** The local side is the BAR memory. */
  readonly memory?: boolean;
  readonly function?: number;
  /** More bits of the control register. */
  readonly control?: number;
}
export type EngineName = 'write_dma' | 'read_dma' | 'fill' | 'drain';

/** Addresses that the host gives to functions: their registers and their memory. */
export const registersOf = (f: number): bigint => 0x9000_0000n + BigInt(f) * 0x10_0000n;
export const memoryOf = (f: number): bigint => 0x40_0000_0000n + BigInt(f) * 0x100_0000n;

/** The endpoint with host, firmware and medium. */
export class EndpointBench extends LinkHost<LinkedEndpoint> {
  readonly params: EndpointParams;
  readonly mediaIn: WordSource;
  readonly mediaOut: WordSink;
  private readonly accesses: Access[] = [];
  private readonly responses: number[] = [];
  private readonly ports;

  constructor(params: EndpointParams, seed = 1, rate = 1) {
    super(
      simulate(() => new LinkedEndpoint(params)),
      seed,
      rate,
    );
    this.params = params;
    const { sim } = this;
    const { dut } = sim;
    this.mediaIn = new WordSource(sim, dut.media_in, this.random, rate);
    this.mediaOut = new WordSink(sim, dut.media_out, this.random, rate);
    const { firmware_request, firmware_response } = dut;
    this.ports = {
      valid: sim.port(firmware_request.valid),
      ready: sim.port(firmware_request.ready),
      answered: sim.port(firmware_response.valid),
      answer: sim.port(firmware_response.payload),
      interrupt: sim.port(dut.firmware_interrupt),
    };
    sim.poke(firmware_response.ready, 1);
  }

  protected override drive(): void {
    const access = this.accesses[0];
    this.ports.valid.words[0] = access ? 1 : 0;
    if (access) setFields(this.sim, this.sim.dut.firmware_request.payload, { ...access });
    this.mediaIn.drive();
    this.mediaOut.drive();
  }

  protected override sample(): void {
    const { ports } = this;
    if (one(ports.valid) && one(ports.ready)) this.accesses.shift();
    if (one(ports.answered)) this.responses.push(ports.answer.words[0] ?? 0);
    this.mediaIn.sample();
    this.mediaOut.sample(this.sim.cycle);
  }

  get interrupt(): boolean {
    this.sim.settle();
    return one(this.ports.interrupt);
  }

  /** Firmware writes a register of a function. */
  poke(address: number, data: number, of = 0): void {
    this.accesses.push({ write: 1, address: of * 0x1_0000 + address, data: data >>> 0 });
    this.until(() => this.accesses.length === 0);
  }
  /** Firmware reads one. */
  peek(address: number, of = 0): number {
    this.accesses.push({ write: 0, address: of * 0x1_0000 + address, data: 0 });
    this.until(() => this.responses.length > 0);
    return this.responses.shift() ?? -1;
  }

  /** Takes and clears the events of a function. */
  events(of = 0): number {
    const events = this.peek(firmware.events.offset, of);
    this.poke(firmware.events.offset, events, of);
    return events;
  }

  start(engine: EngineName, run: Run): void {
    const { address = 0n, offset = 0, length, memory = false, function: owner = 0, control = 0 } = run;
    this.poke(firmware[`${engine}_address_low`].offset, Number(address & 0xffff_ffffn));
    this.poke(firmware[`${engine}_address_high`].offset, Number(address >> 32n));
    this.poke(firmware[`${engine}_memory_offset`].offset, offset);
    this.poke(firmware[`${engine}_length`].offset, length);
    this.poke(firmware[`${engine}_control`].offset, 1 | (memory ? 2 : 0) | (owner << 2) | control);
  }
  busy(engine: EngineName): boolean {
    return (this.peek(firmware[`${engine}_status`].offset) & 1) === 1;
  }
  /** Waits for an engine. @returns its outcome. */
  finish(engine: EngineName): number {
    for (let i = 0; this.busy(engine); i++) {
      if (i === 10_000) throw new Error(`${engine} does not end (seed ${this.random.seed})`);
    }
    return this.peek(firmware[`${engine}_status`].offset) >> 1;
  }
  /** Runs an engine. @returns its outcome. */
  run(engine: EngineName, run: Run): number {
    this.start(engine, run);
    return this.finish(engine);
  }

  /** Gives every function its addresses and enables, as software does it: payloads of 256 bytes, reads of 512. */
  enumerate(): void {
    // TLPs are lost until the link is up after a reset.
    this.steps(8);
    this.params.functions.forEach(({ config }, f) => {
      for (const { slot, width, prefetchable } of config.bars) {
        const address = prefetchable ? memoryOf(f) : registersOf(f) + BigInt(slot) * 0x1_0000n;
        this.configure(f, 0x10 + 4 * slot, Number(address & 0xffff_ffffn));
        if (width === 64) this.configure(f, 0x14 + 4 * slot, Number(address >> 32n));
      }
      this.configure(f, 0x68, 0x2020);
      this.configure(f, 4, 6);
    });
  }

  /** Enables MSI-X of a function and gives its vectors addresses and data: vector v writes `base + v` to `address + 4 v`. @returns where its capability stands. */
  enableInterrupts(of: number, table: bigint, address: bigint, base: number, vectors: number): number {
    for (let v = 0; v < vectors; v++) {
      const entry = table + BigInt(16 * v);
      this.writeDword(entry, Number((address + BigInt(4 * v)) & 0xffff_ffffn));
      this.writeDword(entry + 4n, Number(address >> 32n));
      this.writeDword(entry + 8n, base + v);
      this.writeDword(entry + 12n, 0);
    }
    const capability = this.capability(of, 0x11);
    this.configure(of, capability, 0x8000_0000);
    return capability;
  }

  /** Offset of a capability. @throws if there is none. */
  capability(of: number, id: number): number {
    for (let at = this.config(of, 0x34).value & 0xff; at !== 0; ) {
      const { value } = this.config(of, at);
      if ((value & 0xff) === id) return at;
      at = (value >> 8) & 0xff;
    }
    throw new Error(`function ${of} has no capability ${id}`);
  }
}
