import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { bool, connect, input, Module, output, RegisterSlice, stream, uint } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import { AtomicJob } from '../src/endpoint/dma/atomic-requester.ts';
import { DescriptorRing } from '../src/endpoint/dma/descriptor-fetch.ts';
import { DmaJob } from '../src/endpoint/dma/job.ts';
import { LocalJob } from '../src/endpoint/dma/local-copy.ts';
import { RegisterWrite } from '../src/endpoint/receive/interfaces.ts';
import { TransactionLayer, type TransactionLayerParams } from '../src/endpoint/transaction-layer.ts';
import { LinkEnd } from '../src/link/link-end.ts';
import { tlpBeat } from '../src/tlp/tlp.ts';
import { bus, hostCredits, LinkHost } from './link-host.ts';

const KiB = 1024;

/** A drive with registers and memory, and a function that has memory alone. */
const params = (width: number): TransactionLayerParams => ({
  width,
  memory_bytes: 64 * KiB,
  credits: { posted: { headers: 8, data: 32 }, non_posted: { headers: 4, data: 4 }, completion: 'infinite' },
  tags: 32,
  buffer_bytes: 8 * KiB,
  max_read_request: 512,
  cycles_per_microsecond: 20,
  functions: [
    {
      config: {
        vendor_id: 0x1d1d,
        device_id: 0xe001,
        class_code: 0x010802,
        max_payload: 256,
        bars: [
          { slot: 0, bytes: 16 * KiB, width: 32, prefetchable: false },
          { slot: 2, bytes: 32 * KiB, width: 64, prefetchable: true },
        ],
      },
      map: [
        { to: 'registers', base: 0, bytes: 16 * KiB },
        { to: 'memory', base: 0, bytes: 32 * KiB },
      ],
    },
    {
      config: {
        vendor_id: 0x1d1d,
        device_id: 0xe002,
        class_code: 0x058000,
        max_payload: 256,
        requester: false,
        bars: [{ slot: 0, bytes: 32 * KiB, width: 64, prefetchable: true }],
      },
      map: [{ to: 'memory', base: 32 * KiB, bytes: 32 * KiB }],
    },
  ],
});

/** An endpoint's transaction layer with a link to the other end of it. */
class Linked extends Module<TransactionLayerParams> {
  private readonly beat = tlpBeat(this.p.width);
  readonly posted = input(stream(this.beat));
  readonly non_posted = input(stream(this.beat));
  readonly completion = input(stream(this.beat));
  /** Never used here. */
  readonly from_registers = input(stream(this.beat));
  readonly write_job = input(stream(DmaJob));
  readonly read_job = input(stream(DmaJob));
  readonly fill_job = input(stream(LocalJob));
  readonly drain_job = input(stream(LocalJob));
  readonly atomic_job = input(stream(AtomicJob));
  readonly received_posted = output(stream(this.beat));
  readonly received_non_posted = output(stream(this.beat));
  readonly received_completion = output(stream(this.beat));
  readonly register_write = output(stream(RegisterWrite));
  readonly run = input(bool);
  readonly ring = input(DescriptorRing);
  readonly completion_base = input(uint(64));
  readonly tail = input(uint(16));
  readonly head = output(uint(16));
  readonly idle = output(bool);
  readonly interrupts = output(stream(uint(11)));
  private readonly port = new LinkEnd({ width: this.p.width, credits: hostCredits, max_payload: 256 });
  private readonly endpoint = new TransactionLayer(this.p);
  private readonly no_words = new RegisterSlice({ type: uint(this.p.width) });

  protected override logic() {
    const { port, endpoint } = this;
    connect(port, {
      posted: this.posted,
      non_posted: this.non_posted,
      completion: this.completion,
      relaxed: 0,
      rx: endpoint.tx,
      rx_fc: endpoint.tx_fc,
    });
    // The ends of the media meet.
    connect(this.no_words, { in: endpoint.media_out });
    connect(endpoint, {
      rx: port.tx,
      rx_fc: port.tx_fc,
      hot_reset: 0,
      register_data: 0x1234_5678,
      posted: this.from_registers,
      quiet: 0b11,
      write_job: this.write_job,
      write_flush: 0,
      read_job: this.read_job,
      fill_job: this.fill_job,
      drain_job: this.drain_job,
      atomic_job: this.atomic_job,
      owner: 0,
      run: this.run,
      ring: this.ring,
      completion_base: this.completion_base,
      vector: 3,
      tail: this.tail,
      media_in: this.no_words.out,
      media_drop: 0,
    });
    this.received_posted.from(port.received_posted);
    this.received_non_posted.from(port.received_non_posted);
    this.received_completion.from(port.received_completion);
    port.overflow.ready.set(1);
    for (const result of ['write_result', 'read_result', 'fill_result', 'drain_result', 'atomic_result'] as const)
      endpoint[result].ready.set(1);
    this.register_write.from(endpoint.register_write);
    this.head.set(endpoint.head);
    this.idle.set(endpoint.idle);
    this.interrupts.from(endpoint.interrupts);
  }
}

const registers = 0x9000_0000n;
const memory0 = 0x40_0000_0000n;
const memory1 = 0x40_0001_0000n;

class Host extends LinkHost<Linked> {
  readonly registerWrites: { readonly address: number; readonly data: number; readonly mask: number }[] = [];
  interrupts = 0;

  constructor(width: number, seed: number, rate = 1) {
    super(
      simulate(() => new Linked(params(width))),
      seed,
      rate,
    );
    const { dut } = this.sim;
    for (const ready of [dut.register_write.ready, dut.interrupts.ready]) this.sim.poke(ready, 1);
  }

  protected override sample(): void {
    const { sim } = this;
    const { dut } = sim;
    if (sim.peek(dut.register_write.valid) === 1n) {
      const { address, data, mask } = dut.register_write.payload;
      const [a, d, m] = [address, data, mask].map(s => Number(sim.peek(s)));
      this.registerWrites.push({ address: a ?? -1, data: d ?? -1, mask: m ?? -1 });
    }
    if (sim.peek(dut.interrupts.valid) === 1n) this.interrupts++;
  }

  /** As software does it: addresses, then enables. */
  enumerate(): void {
    this.configure(0, 0x10, Number(registers));
    this.configure(0, 0x18, Number(memory0 & 0xffff_ffffn));
    this.configure(0, 0x1c, Number(memory0 >> 32n));
    this.configure(1, 0x10, Number(memory1 & 0xffff_ffffn));
    this.configure(1, 0x14, Number(memory1 >> 32n));
    for (const of of [0, 1]) {
      // Payloads of 256 bytes, read requests of 512.
      this.configure(of, 0x68, 0x2020);
      this.configure(of, 4, 6);
    }
  }
}

describe.each([64, 128, 256, 512])('transaction layer, %d bits', width => {
  test('C24 C26 C83: configuration, enables and functions that do not exist, through credits', () => {
    using host = new Host(width, width, 0.8);
    expect(host.config(0, 0).value).toBe(0xe001_1d1d);
    expect(host.config(1, 0).value).toBe(0xe002_1d1d);
    expect(host.config(2, 0)).toEqual({ status: 1, value: -1 });
    expect(host.read(memory0, 4).status).toBe(1);
    host.enumerate();
    const { status, from } = host.read(memory1, 4);
    expect([status, from]).toEqual([0, (bus << 8) | 1]);
    // The function without requests keeps bus mastering off.
    expect(host.config(1, 4).value & 4).toBe(0);
    expect(host.config(0, 4).value & 6).toBe(6);
  });

  test('C54 C55 C57: what is written to both memories is read back, whatever the alignment', () => {
    using host = new Host(width, 2 * width, 0.8);
    const random = new Random(width);
    host.enumerate();
    const known = [new Uint8Array(32 * KiB), new Uint8Array(32 * KiB)];
    for (let round = 0; round < 40; round++) {
      const of = random.below(2);
      const base = of === 0 ? memory0 : memory1;
      const bytes = 1 + random.below(random.pick([4, 64, 256]));
      const page = 4096 * random.below(8);
      const offset = page + random.below(4096 - bytes);
      // A TLP of 256 bytes begins at a DW.
      const data = random.bytes(Math.min(bytes, 253));
      host.write(base + BigInt(offset), data);
      known[of]?.set(data, offset);
      const from = Math.max(page, offset - random.below(100));
      const length = Math.min(data.length + random.below(300), page + 4096 - from);
      const got = host.read(base + BigInt(from), length);
      expect([got.status, [...got.data]]).toEqual([0, [...(known[of]?.slice(from, from + length) ?? [])]]);
    }
  });

  test('register writes come out DW by DW; register reads are answered', () => {
    using host = new Host(width, 3 * width);
    host.enumerate();
    host.write(registers + 0x1004n, Uint8Array.of(1, 2, 3, 4, 5, 6));
    expect([...host.read(registers + 0x20n, 4).data]).toEqual([0x78, 0x56, 0x34, 0x12]);
    expect(host.registerWrites).toEqual([
      { address: 0x1004, data: 0x0403_0201, mask: 0xf },
      { address: 0x1008, data: expect.any(Number), mask: 0x3 },
    ]);
  });

  test.each([
    1, 0.7,
  ])('C5 C63 C70f: descriptors move data in, on and out again, and the flag comes behind the data (rate %f)', rate => {
    using host = new Host(width, 4 * width, rate);
    const { sim } = host;
    const { dut } = sim;
    host.enumerate();
    const ring = 0x1_0000_0000n;
    const entries = 0x1_0001_0000n;
    const source = 0x2_0000_0123n;
    const target = 0x2_0010_0457n;
    const length = 5000;
    const descriptor = (opcode: number, flags: number, address: bigint, offset: number) => {
      const bytes = new Uint8Array(32);
      const view = new DataView(bytes.buffer);
      view.setUint8(0, opcode | 0x80 | 0x40);
      view.setUint8(1, flags);
      view.setUint32(4, length, true);
      view.setBigUint64(8, address, true);
      view.setUint32(16, offset, true);
      return bytes;
    };
    const list = [
      descriptor(1, 0, source, 0x101),
      // Inside the endpoint's own memory, from function 0's to function 1's: no TLP.
      descriptor(2, 0, memory1 + 0x203n, 0x101),
      descriptor(2, 1, target, 32 * KiB + 0x203),
    ];
    list.forEach((bytes, i) => {
      bytes.forEach((byte, j) => void host.memory.set(ring + BigInt(32 * i + j), byte));
    });
    const expected = host.bytes(source, length);
    sim.poke(dut.ring.base, ring);
    sim.poke(dut.ring.local, 0);
    sim.poke(dut.ring.entries, 16);
    sim.poke(dut.completion_base, entries);
    sim.poke(dut.run, 1);
    sim.poke(dut.tail, list.length);
    // The interrupt's message would leave behind the entry; when the entry is there, so is all data.
    host.until(() => host.memory.has(entries + 23n));
    expect([host.interrupts, sim.peek(dut.head)]).toEqual([1, 3n]);
    expect(host.bytes(target, length)).toEqual(expected);
    // Outcome 0, phase 1, in order, and the last entry behind all data.
    const entry = (i: number) => new DataView(host.bytes(entries + BigInt(8 * i), 8).buffer).getUint32(0, true);
    expect([0, 1, 2].map(i => entry(i))).toEqual([0, 1, 2].map(i => (0x8000_0000 | i) >>> 0));
    expect(host.written.at(-1)?.address).toBe(entries + 16n);
    const beyond = host.written.filter(p => p.address < entries || p.address >= entries + 24n);
    expect(beyond.every(p => p.address >= target - 3n && p.address < target + BigInt(length))).toBe(true);
    const inside = host.read(memory1 + 0x203n, 256);
    expect(inside.data).toEqual(expected.slice(0, 256));
    sim.poke(dut.run, 0);
    host.until(() => sim.peek(dut.idle) === 1n);
  });
});
