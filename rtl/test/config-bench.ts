/** What the tests of configuration spaces share: the hardware with an access port, error injection and a reader of messages. */
import { expect } from 'vitest';
import { type Engine, simulate } from '../../hdl/src/engine/simulate.ts';
import type { Readable } from '../../hdl/src/index.ts';
import type { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { ConfigSpaces, type ConfigSpacesParams } from '../src/config/config-spaces.ts';
import type { FunctionParams } from '../src/config/function-params.ts';
import type { PacketHeader } from '../src/tlp/packet.ts';
import { numberOf, one, setFields, setNumber } from './dma-model.ts';

export const noHeader: PacketHeader = {
  fmt: 0,
  type: 0,
  tc: 0,
  attr: 0,
  th: 0,
  td: 0,
  ep: 0,
  at: 0,
  length: 1,
  requester_id: 0,
  tag: 0,
  last_be: 0,
  first_be: 15,
  address: 0n,
};

/** An NVMe-like function with memory of several sizes and all that there is. */
export const drive: FunctionParams = {
  vendor_id: 0x1d1d,
  device_id: 0xe0a5,
  subsystem_vendor_id: 0x1af4,
  subsystem_id: 0x0042,
  revision: 7,
  class_code: 0x010802,
  max_payload: 512,
  bars: [
    { slot: 0, bytes: 0x4000, width: 32, prefetchable: false },
    { slot: 2, bytes: 2 ** 28, width: 64, prefetchable: true, resizable: [2 ** 28, 2 ** 31, 2 ** 34] },
    { slot: 4, bytes: 2 ** 20, width: 32, prefetchable: true, resizable: [2 ** 20, 2 ** 21] },
  ],
  msix: { vectors: 33, table: { slot: 0, offset: 0x2000 }, pending: { slot: 0, offset: 0x3000 } },
  serial_number: 0x0123_4567_89ab_cdefn,
  ten_bit_tags: true,
  atomic_completer: true,
  atomic_requester: true,
  ats: { queue_depth: 32 },
};
/** A network card that forgets its state in D3hot. */
export const card: FunctionParams = {
  vendor_id: 0x15b3,
  device_id: 0x1017,
  class_code: 0x020000,
  max_payload: 256,
  no_soft_reset: false,
  bars: [
    { slot: 0, bytes: 2 ** 33, width: 64, prefetchable: true },
    { slot: 5, bytes: 4096, width: 32, prefetchable: false },
  ],
  msix: { vectors: 1, table: { slot: 5, offset: 0 }, pending: { slot: 5, offset: 0x800 } },
};
/** Peer memory alone: it never asks for anything. */
export const memoryOnly: FunctionParams = {
  vendor_id: 0x1de5,
  device_id: 0x1000,
  class_code: 0x058000,
  max_payload: 128,
  requester: false,
  bars: [{ slot: 0, bytes: 2 ** 24, width: 64, prefetchable: true }],
};

export interface Answer {
  readonly data: number;
  readonly unsupported: boolean;
  readonly retry: boolean;
}

export class ConfigBench implements Disposable {
  readonly sim;
  readonly messages: { readonly requester_id: number; readonly code: number; readonly cycle: number }[] = [];
  /** Probability that a message is taken in a cycle. */
  takeRate = 1;
  private readonly random: Random;
  private readonly ports;

  constructor(p: Partial<ConfigSpacesParams> & Pick<ConfigSpacesParams, 'functions'>, random: Random, engine?: Engine) {
    this.random = random;
    this.sim = simulate(() => new ConfigSpaces({ width: 64, ...p }), engine ? { engine } : {});
    const { sim } = this;
    const { dut } = sim;
    const { header } = dut.messages.payload;
    this.ports = {
      valid: sim.port(dut.messages.valid),
      ready: sim.port(dut.messages.ready),
      requester_id: sim.port(header.requester_id),
      last_be: sim.port(header.last_be),
      first_be: sim.port(header.first_be),
      fixed: [
        header.fmt,
        header.type,
        header.length,
        header.tc,
        header.td,
        dut.messages.payload.first,
        dut.messages.payload.last,
      ].map(s => sim.port(s)),
      access: sim.port(dut.access.valid),
      answer: [sim.port(dut.answer.data), sim.port(dut.answer.unsupported), sim.port(dut.answer.retry)] as const,
      errors: sim.port(dut.errors.valid),
      errorsReady: sim.port(dut.errors.ready),
      correctable: sim.port(dut.correctable.valid),
    };
    setNumber(sim.port(dut.quiet), 2 ** p.functions.length - 1);
  }

  /** One cycle, with what stands at the inputs. */
  cycle(): void {
    const { sim, ports } = this;
    ports.ready.words[0] = this.random.chance(this.takeRate) ? 1 : 0;
    sim.settle();
    expect(ports.errorsReady.words[0]).toBe(1);
    if (one(ports.valid) && one(ports.ready)) {
      // A message to the root complex, 4 DW header, no data, one beat.
      expect(ports.fixed.map(port => port.words[0])).toEqual([1, 0b10000, 0, 0, 0, 1, 1]);
      const code = (ports.last_be.words[0] ?? 0) * 16 + (ports.first_be.words[0] ?? 0);
      this.messages.push({ requester_id: ports.requester_id.words[0] ?? 0, code, cycle: sim.cycle });
    }
    sim.step();
  }

  cycles(n: number): void {
    for (let i = 0; i < n; i++) this.cycle();
  }

  private access(of: number, write: number, offset: number, data: number, mask: number, device: number): Answer {
    const { sim, ports } = this;
    setFields(sim, sim.dut.access, { valid: 1, write, function: of, register: offset / 4, data: data >>> 0, mask, device });
    this.cycle();
    ports.access.words[0] = 0;
    sim.settle();
    const [answer, unsupported, retry] = ports.answer;
    return { data: answer.words[0] ?? 0, unsupported: one(unsupported), retry: one(retry) };
  }
  ask(of: number, offset: number): Answer {
    return this.access(of, 0, offset, 0, 0, 0);
  }
  read(of: number, offset: number): number {
    const { data, unsupported, retry } = this.ask(of, offset);
    expect([unsupported, retry]).toEqual([false, false]);
    return data;
  }
  write(of: number, offset: number, data: number, mask = 15, device = 0x100): Answer {
    return this.access(of, 1, offset, data, mask, device);
  }

  /** Puts an error at the input for the cycle that `cycle` runs next. */
  offerError(functions: number, kind: number, advisory: boolean, header: PacketHeader): void {
    const { sim, ports } = this;
    ports.errors.words[0] = 1;
    setFields(sim, sim.dut.errors.payload, { functions, kind, advisory: advisory ? 1 : 0 });
    setFields(sim, sim.dut.errors.payload.header, { ...header });
  }
  error(functions: number, kind: number, advisory = false, header = noHeader): void {
    this.offerError(functions, kind, advisory, header);
    this.cycle();
    this.ports.errors.words[0] = 0;
  }
  correctable(kind: number): void {
    const { sim, ports } = this;
    ports.correctable.words[0] = 1;
    setNumber(sim.port(sim.dut.correctable.payload), kind);
    this.cycle();
    ports.correctable.words[0] = 0;
  }
  event(of: number, name: 'received_unsupported' | 'received_abort' | 'poisoned_data'): void {
    const events = at(this.sim.dut.events, of);
    setFields(this.sim, events, { [name]: 1 });
    this.cycle();
    setFields(this.sim, events, { [name]: 0 });
  }

  control(of: number, name: string): bigint {
    this.sim.settle();
    const controls = at(this.sim.dut.controls, of) as unknown as { readonly [name: string]: Readable };
    const signal = controls[name];
    if (!signal) throw new Error(`no control ${name}`);
    return numberOf(this.sim.port(signal));
  }
  /** Base and compare of a BAR. */
  bar(of: number, index: number): { readonly base: bigint; readonly compare: bigint } {
    this.sim.settle();
    const bar = at(at(this.sim.dut.controls, of).bars, index);
    return { base: numberOf(this.sim.port(bar.base)), compare: numberOf(this.sim.port(bar.compare)) };
  }

  /** Lists of capabilities: offset by identifier. */
  capabilities(of: number): Map<number, number> {
    const found = new Map<number, number>();
    for (let offset = this.read(of, 0x34) & 0xff; offset !== 0; offset = (this.read(of, offset) >> 8) & 0xff) {
      expect(found.size).toBeLessThan(16);
      found.set(this.read(of, offset) & 0xff, offset);
    }
    return found;
  }
  extended(of: number): Map<number, number> {
    const found = new Map<number, number>();
    for (let offset = 0x100; offset !== 0; offset = this.read(of, offset) >>> 20) {
      expect(found.size).toBeLessThan(16);
      found.set(this.read(of, offset) & 0xffff, offset);
    }
    return found;
  }

  [Symbol.dispose](): void {
    this.sim[Symbol.dispose]();
  }
}
