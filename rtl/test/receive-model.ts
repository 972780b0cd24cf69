/** What the tests of the receive side share: the blocks joined as in an endpoint, and what a completer has to answer. */
import { expect } from 'vitest';
import type { TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import { clog2, connect, input, Module, memory, output, reg, stream, uint, when } from '../../hdl/src/index.ts';
import type { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { FunctionState } from '../src/config/function-state.ts';
import { BarMemory } from '../src/endpoint/bar-memory.ts';
import { Completer } from '../src/endpoint/completer.ts';
import { PostedWriter } from '../src/endpoint/posted-writer.ts';
import { RequestRouter } from '../src/endpoint/request-router.ts';
import { carriesData, completion, completionOf, configTarget, dwCount, type Packet, packetName } from '../src/tlp/packet.ts';
import { Status, TlpType, tlpBeat } from '../src/tlp/tlp.ts';
import { type End, setFields } from './dma-model.ts';

export const Bars = { bar0: 0xe000_0000n, bar2: 0x12_3400_0000n, bar0_bytes: 0x4000, bar2_bytes: 0x1_0000 } as const;
export const completerId = 0x4328;
export const requesterId = 0x0a18;

/** A function with its memory enabled. */
export const openState = (mps: number) => ({
  id: completerId,
  memory_enable: 1,
  bus_master: 1,
  mps,
  mrrs: 2,
  bar0: Bars.bar0,
  bar2: Bars.bar2,
  msix_enable: 0,
  msix_mask: 0,
});

/**
 * The receive side of an endpoint. The configuration space and the registers are plain memories with the latency that the
 * completer expects; the function keeps the ID that the last configuration write was sent to.
 */
export class ReceiveSide extends Module<{ width: number; request_depth: number }> {
  readonly rx = input(stream(tlpBeat(this.p.width)));
  readonly state = input(FunctionState);
  readonly tx = output(stream(tlpBeat(this.p.width)));
  readonly completion = output(stream(tlpBeat(this.p.width)));
  readonly dropped = output(uint(16));
  private readonly router = new RequestRouter({ ...this.p, bar0_bytes: Bars.bar0_bytes, bar2_bytes: Bars.bar2_bytes });
  private readonly writer = new PostedWriter({ width: this.p.width, address_width: this.addressWidth });
  private readonly completer = new Completer({ width: this.p.width, address_width: this.addressWidth });
  private readonly bar_memory = new BarMemory({ width: this.p.width, bytes: Bars.bar2_bytes, writers: 1, readers: 1 });
  private readonly config_space = memory(uint(32), { depth: 1024, lane: 8 });
  private readonly registers = memory(uint(32), { depth: 4096, lane: 8 });
  private readonly register_data = reg(uint(32));
  private readonly id = reg(uint(16), { init: completerId });

  private get addressWidth(): number {
    return clog2(Bars.bar2_bytes / (this.p.width / 8));
  }

  protected override logic() {
    const { router, writer, completer, bar_memory } = this;
    const state = { ...this.state, id: this.id };
    connect(router, { rx: this.rx, state });
    connect(writer, { posted: router.posted });
    connect(bar_memory, { write: [writer.memory_write], read: [completer.memory_request] });
    writer.register_write.ready.set(1);
    when(writer.register_write.valid, () => {
      const { address, data, mask } = writer.register_write.payload;
      this.registers.write(address.part(2, 12), data, mask);
    });
    this.register_data.set(this.registers.read(completer.register_address.part(2, 12), completer.register_valid));
    when(completer.config_valid.and(completer.config_write), () =>
      this.config_space.write(completer.config_register, completer.config_data, completer.config_mask),
    );
    when(completer.config_capture, () => this.id.set(completer.config_id));
    connect(completer, {
      request: router.request,
      state,
      config_read_data: this.config_space.read(completer.config_register, completer.config_valid),
      register_data: this.register_data,
      memory_data: at(bar_memory.data, 0),
    });
    this.tx.from(completer.tx);
    this.completion.from(router.completion);
    this.dropped.set(router.dropped);
  }
}

/** Sets the inputs of a function's state. */
export const setState = (sim: Pick<TypedSimulation<unknown>, 'port'>, state: object, values: ReturnType<typeof openState>) =>
  setFields(sim, state, values);

/** Runs for `cycles` cycles or until `done`. @returns cycles run. */
export function run(
  sim: Pick<TypedSimulation<unknown>, 'settle' | 'step' | 'cycle'>,
  ends: readonly End[],
  cycles: number,
  done: () => boolean = () => false,
): number {
  for (let i = 0; i < cycles; i++) {
    if (done()) return i;
    for (const end of ends) end.drive();
    sim.settle();
    for (const end of ends) end.sample(sim.cycle);
    sim.step();
  }
  return cycles;
}

const firstEnabled = (be: number): number => (be === 0 ? 0 : 31 - Math.clz32(be & -be));
const lastEnabled = (be: number): number => 31 - Math.clz32(be);

/** Bytes from the first enabled one to the last; 1 for a read of nothing. */
export function byteSpan(p: Packet): { readonly first: number; readonly count: number } {
  const first = firstEnabled(p.first_be);
  if (dwCount(p) === 1) return { first, count: p.first_be === 0 ? 1 : lastEnabled(p.first_be) - first + 1 };
  return { first, count: 4 * (dwCount(p) - 1) + lastEnabled(p.last_be) + 1 - first };
}

/** The function as plain memory: performs posted writes and says what is to be answered. */
export class FunctionModel {
  readonly memory = new Uint8Array(Bars.bar2_bytes);
  readonly registers = new Uint8Array(Bars.bar0_bytes);
  readonly config = new Uint8Array(4096);
  id = completerId;
  mps = 1;
  enabled = true;
  dropped = 0;

  /** The bytes that a memory request lies in. */
  private target(p: Packet): { readonly bytes: Uint8Array; readonly offset: number } | undefined {
    for (const [base, bytes] of [
      [Bars.bar0, this.registers],
      [Bars.bar2, this.memory],
    ] as const) {
      const offset = p.address - base;
      if (this.enabled && offset >= 0n && offset + BigInt(4 * dwCount(p)) <= BigInt(bytes.length))
        return { bytes, offset: Number(offset) };
    }
    return undefined;
  }

  /** Performs a request. @returns its completions, none for a posted one. */
  perform(p: Packet): Packet[] {
    const memory = p.type === TlpType.memory;
    const target = memory ? this.target(p) : undefined;
    if (p.type >= TlpType.message || (memory && carriesData(p))) {
      if (target) write(target.bytes, target.offset, p);
      else this.dropped++;
      return [];
    }
    if (target) return this.read(p, target.bytes.subarray(target.offset, target.offset + 4 * dwCount(p)));
    const { register, function: fn } = configTarget(p);
    if (p.type === TlpType.config0 && fn === 0) {
      const fields = { completer_id: this.id };
      if (!carriesData(p)) return [completion(p, fields, this.config.slice(4 * register, 4 * register + 4))];
      write(this.config, 4 * register, p);
      this.id = Number((p.address >> 16n) & 0xffffn);
      return [completion(p, { completer_id: this.id })];
    }
    const { first, count } = byteSpan(p);
    const fields = memory ? { byte_count: count, lower_address: (Number(p.address & 0x7cn) | first) & 0x7f } : {};
    return [completion(p, { completer_id: this.id, status: Status.unsupported, ...fields })];
  }

  private read(p: Packet, data: Uint8Array): Packet[] {
    const { first, count } = byteSpan(p);
    const size = 128 << this.mps;
    const base = Number(p.address & 0xfffn);
    const completions: Packet[] = [];
    for (let from = 0; from < data.length; ) {
      const to = Math.min(data.length, from + size - ((base + from) % size));
      const skip = from === 0 ? first : 0;
      const fields = {
        completer_id: this.id,
        byte_count: count - (from === 0 ? 0 : from - first),
        lower_address: (base + from + skip) & 0x7f,
      };
      completions.push(completion(p, fields, data.slice(from, to)));
      from = to;
    }
    return completions;
  }
}

function write(bytes: Uint8Array, offset: number, p: Packet): void {
  const count = dwCount(p);
  p.payload.forEach((byte, i) => {
    const dw = i >> 2;
    const be = dw === 0 ? p.first_be : dw === count - 1 ? p.last_be : 0xf;
    if ((be >> (i & 3)) & 1) bytes[offset + i] = byte;
  });
}

/**
 * Checks the completions of one read by the specification's rules alone: payload at most MPS (C57), splits only at multiples of
 * 128 bytes (C54), Byte Count and Lower Address (C55), and that together they are the whole request.
 */
export function checkReadCompletions(p: Packet, completions: readonly Packet[], mps: number): void {
  const { first, count } = byteSpan(p);
  let left = count;
  let byte = Number(p.address & 0xfffn) + first;
  completions.forEach((c, i) => {
    const fields = completionOf(c);
    const final = i === completions.length - 1;
    expect(c.payload.length).toBeLessThanOrEqual(128 << mps);
    expect(fields).toMatchObject({ status: Status.success, byte_count: left, lower_address: byte & 0x7f });
    const end = (byte & ~3) + c.payload.length;
    if (!final) expect(end % 128, `end of completion ${i} of ${packetName(p)}`).toBe(0);
    left -= Math.min(left, end - byte);
    byte = end;
    expect([c.tc, c.attr, c.requester_id, c.tag]).toEqual([p.tc, p.attr, p.requester_id, p.tag]);
  });
  expect(left).toBe(0);
  expect(completions.reduce((sum, c) => sum + c.payload.length, 0)).toBe(4 * dwCount(p));
}

/** Byte enables as rule C8 allows them. */
export function randomEnables(random: Random, dws: number): { readonly first_be: number; readonly last_be: number } {
  if (dws === 1) return { first_be: random.below(16), last_be: 0 };
  return { first_be: random.pick([0xf, 0xe, 0xc, 0x8]), last_be: random.pick([0xf, 7, 3, 1]) };
}

/** A memory request of `dws` DW with random byte enables, tag, traffic class and attributes. */
export function randomRequest(
  random: Random,
  where: { readonly address: bigint; readonly dws: number; readonly write: boolean },
): Packet {
  return {
    fmt: (where.write ? 2 : 0) | (where.address >> 32n === 0n ? 0 : 1),
    type: TlpType.memory,
    tc: random.below(8),
    attr: random.below(8),
    th: 0,
    td: 0,
    ep: 0,
    at: 0,
    length: where.dws & 0x3ff,
    requester_id: requesterId,
    tag: random.below(1024),
    ...randomEnables(random, where.dws),
    address: where.address,
    payload: where.write ? random.bytes(4 * where.dws) : new Uint8Array(0),
  };
}
