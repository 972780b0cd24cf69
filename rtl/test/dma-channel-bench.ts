/** A DMA engine with its channel, between host and peer memory and a BAR memory. */
import { expect } from 'vitest';
import { embedded } from '../../hdl/src/engine/embedded.ts';
import { type Engine, simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { DmaEngine } from '../src/endpoint/dma/dma-engine.ts';
import type { LocalRegion } from '../src/endpoint/dma/local-decoder.ts';
import { dwCount, type Packet } from '../src/tlp/packet.ts';
import { BundleSink, byteAt, runUntil, setControls } from './dma-bench.ts';
import { type Behaviour, Completer } from './dma-completer.ts';
import { type End, MemoryReader, MemoryWriter, setFields, setNumber, WordSink } from './dma-model.ts';
import { PacketSink, PacketSource } from './tlp-model.ts';

export const memoryBytes = 32_768;
/** The own BAR of function 0: the upper half of the BAR memory. */
export const bar = { base: 0x7_4000_0000n, offset: 16_384, bytes: 16_384 };
export const ringBase = 0x1_0000_0000n;
const completionBase = 0x1_0010_0000n;
export const dataBase = 0x2_0000_0000n;
const id = 0x0218;
/** Where a ring in the BAR memory begins. */
export const localRing = 1024;
const ownRegion: readonly LocalRegion[] = [{ function: 0, bar: 0, base: bar.offset }];

/** A descriptor; fields that are left out are 0. */
export interface Entry {
  readonly opcode: number;
  readonly length?: number;
  readonly address?: bigint;
  readonly offset?: number;
  readonly cookie?: number;
  readonly media?: boolean;
  readonly chain?: boolean;
  readonly fence?: boolean;
  readonly status?: boolean;
  readonly interrupt?: boolean;
  readonly read_back?: boolean;
  readonly relaxed_ordering?: boolean;
  readonly no_snoop?: boolean;
  readonly at?: number;
}

/** Reserved bits are random: nothing looks at them. */
function bytesOf(entry: Entry, random: Random): Uint8Array {
  const bytes = random.bytes(32);
  const view = new DataView(bytes.buffer);
  const bit = (on: boolean | undefined, position: number) => (on ? 1 << position : 0);
  view.setUint8(0, entry.opcode | bit(entry.media, 4) | bit(entry.chain, 5) | bit(entry.fence, 6) | bit(entry.status, 7));
  const wishes = bit(entry.relaxed_ordering, 2) | bit(entry.no_snoop, 3) | ((entry.at ?? 0) << 4);
  view.setUint8(1, bit(entry.interrupt, 0) | bit(entry.read_back, 1) | wishes | (random.below(4) << 6));
  view.setUint32(4, entry.length ?? 0, true);
  view.setBigUint64(8, entry.address ?? 0n, true);
  view.setUint32(16, entry.offset ?? 0, true);
  view.setUint32(20, entry.cookie ?? 0, true);
  return bytes;
}

export const lively: Behaviour = { rate: 0.9, latency: [2, 60], boundary: 64, split: 'random', order: 'random' };

interface Options {
  readonly engine?: Engine;
  readonly rate?: number;
  readonly entries?: number;
  readonly local?: boolean;
  readonly behaviour?: Behaviour;
  readonly functions?: number;
  readonly regions?: readonly LocalRegion[];
}

/** The whole engine, a host and peer behind one link, and the BAR memory. */
export function channelBench(
  width: number,
  seed: number,
  {
    rate = 1,
    entries = 32,
    local = false,
    behaviour = lively,
    functions = 2,
    regions = ownRegion,
    engine = embedded,
  }: Options = {},
) {
  const sim = simulate(
    () =>
      new DmaEngine({
        width,
        address_width: Math.log2(memoryBytes / (width / 8)),
        functions,
        bars: 1,
        tags: 32,
        buffer_bytes: 4096,
        max_read_request: 512,
        max_payload: 256,
        cycles_per_microsecond: 20,
        regions,
      }),
    { engine },
  );
  const { dut } = sim;
  const random = new Random(seed);
  const memory = random.bytes(memoryBytes);
  /** What was written over the link; elsewhere the remote memory is `byteAt`. */
  const remote = new Map<bigint, number>();
  const remoteByte = (address: bigint) => remote.get(address) ?? byteAt(address);
  const readers = [0, 1, 2].map(
    i =>
      new MemoryReader(
        sim,
        { request: at(dut.memory_request, i), data: at(dut.memory_data, i) },
        { bytes: memory, random, rate },
      ),
  );
  const writers = [0, 1].map(i => new MemoryWriter(sim, at(dut.memory_write, i), memory, random, rate));
  const posted = new PacketSink(sim, dut.posted, random, rate);
  const source = new PacketSource(sim, dut.completion, random, rate);
  const completer = new Completer(new PacketSink(sim, dut.non_posted, random, rate), source, random, behaviour);
  completer.byte = remoteByte;
  const interrupts = new BundleSink(
    sim,
    { ...dut.interrupts, payload: { payload: dut.interrupts.payload } } as never,
    ['payload'],
    random,
    rate,
  );
  const errors = new BundleSink(sim, dut.errors, ['functions', 'kind', 'advisory'], random, 1);
  const media = new WordSink(sim, dut.media_out, random, rate);
  const entriesSeen: { index: number; outcome: number; phase: number; cookie: number; posted: number; reads: number }[] = [];
  const writes: Packet[] = [];
  const places = { ring: local ? BigInt(localRing) : ringBase, completion: completionBase, local };
  const landing: End = {
    drive: () => undefined,
    sample: () => {
      for (const packet of posted.received.splice(0)) {
        const count = dwCount(packet);
        packet.payload.forEach((byte, i) => {
          const be = i < 4 ? packet.first_be : i >> 2 === count - 1 ? packet.last_be : 0xf;
          if ((be >> (i & 3)) & 1) remote.set(packet.address + BigInt(i), byte);
        });
        const place = packet.address - places.completion;
        if (place >= 0n && place < BigInt(8 * entries)) {
          expect(packet.attr, 'C64: no relaxed ordering for the flag').toBe(0);
          expect([packet.length, packet.first_be, packet.last_be]).toEqual([2, 15, 15]);
          const view = new DataView(packet.payload.buffer, packet.payload.byteOffset);
          const word = view.getUint32(0, true);
          const index = word & 0xffff;
          expect(BigInt(8 * index)).toBe(place);
          entriesSeen.push({
            index,
            outcome: (word >>> 28) & 7,
            phase: word >>> 31,
            cookie: view.getUint32(4, true),
            posted: writes.length,
            reads: completer.requests.length,
          });
        } else writes.push(packet);
      }
    },
  };
  setControls(sim, dut.controls, 0, {
    id,
    bus_master: 1,
    memory_enable: 1,
    mps: 1,
    mrrs: 1,
    relaxed_ordering: 1,
    timeout_value: 1,
  });
  if (functions > 1) setControls(sim, dut.controls, 1, { id: id + 1, bus_master: 1, timeout_value: 1 });
  const compare = ((1n << 52n) - 1n) ^ (BigInt(bar.bytes) / 4096n - 1n);
  setFields(sim, at(at(dut.controls, 0).bars, 0), { base: bar.base, compare });
  setFields(sim, dut.ring, { base: places.ring, local: local ? 1 : 0, entries });
  setNumber(sim.port(dut.completion_base), completionBase);
  setNumber(sim.port(dut.vector), 5);
  const ends: End[] = [...readers, ...writers, posted, landing, completer, interrupts, errors, media];
  let tail = 0;
  const put = (list: readonly Entry[]) => {
    for (const entry of list) {
      bytesOf(entry, random).forEach((byte, i) => {
        if (places.local) memory[Number(places.ring) + 32 * tail + i] = byte;
        else remote.set(places.ring + BigInt(32 * tail + i), byte);
      });
      tail = (tail + 1) % entries;
    }
    setNumber(sim.port(dut.tail), tail);
  };
  const run = (on: 0 | 1) => {
    setNumber(sim.port(dut.run), on);
    if (on === 0) {
      tail = 0;
      runUntil(sim, ends, undefined, 2);
    }
  };
  /** Begins anew with the ring, of `size` descriptors, and the completion entries at other addresses; the ring in the BAR memory if it is `inside`. */
  const move = (ring: bigint, completion: bigint, size = entries, inside = false) => {
    run(0);
    runUntil(sim, ends, () => Number(sim.peek(dut.idle)) === 1, 500);
    Object.assign(places, { ring, completion, local: inside });
    setFields(sim, dut.ring, { base: ring, local: inside ? 1 : 0, entries: size });
    setNumber(sim.port(dut.completion_base), completion);
    setNumber(sim.port(dut.tail), 0);
    run(1);
    runUntil(sim, ends, undefined, 40);
  };
  const head = () => Number(sim.peek(dut.head));
  run(1);
  runUntil(sim, ends, undefined, 40);
  const done = () => head() === tail;
  return {
    sim,
    width,
    dut,
    random,
    memory,
    remoteByte,
    completer,
    interrupts,
    errors,
    media,
    entriesSeen,
    writes,
    ends,
    put,
    run,
    move,
    head,
    done,
  };
}

export const remoteBytes = (b: ReturnType<typeof channelBench>, address: bigint, length: number) =>
  Uint8Array.from({ length }, (_, i) => b.remoteByte(address + BigInt(i)));
