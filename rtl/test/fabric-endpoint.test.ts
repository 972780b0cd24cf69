import { expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { Bar0, identification } from '../src/config/register-map.ts';
import { Endpoint } from '../src/endpoint/endpoint.ts';
import { ObservedFabric } from '../src/fabric/observed-fabric.ts';
import { defaultTopology } from '../src/fabric/topology.ts';
import { completionOf, configRead, configWrite, memoryRead, memoryWrite, type Packet } from '../src/tlp/packet.ts';
import { PacketSink, PacketSource, runEnds } from './tlp-model.ts';

const high = 0x40;
const memoryBase = (d: number) => BigInt(high) * 0x1_0000_0000n + BigInt(d) * 0x10_0000n;
const bar0Base = (d: number) => 0x8000_0000 + d * 0x10_0000;

test('the default fabric with its endpoints: configured from above, then read and written through the switch at full rate', () => {
  const topology = defaultTopology();
  using sim = simulate(() => new ObservedFabric({ topology, width: 256, endpoint: p => new Endpoint(p) }));
  const { dut } = sim;
  const random = new Random(1);
  const source = new PacketSource(sim, dut.root_rx, random);
  const sink = new PacketSink(sim, dut.root_tx, random);
  const run = (cycles: number, done?: () => boolean) => runEnds(sim, [source, sink], cycles, done);
  const ask = (packet: Packet) => {
    const before = sink.received.length;
    source.queue.push(packet);
    run(500, () => sink.received.length > before);
    const answer = at(sink.received, before);
    const value = answer.payload.length < 4 ? undefined : new DataView(answer.payload.buffer).getUint32(0, true);
    return { ...completionOf(answer), value };
  };
  const from = { requester_id: 0, tag: 1 };
  const target = (bus: number, device: number, offset: number) => ({
    ...from,
    kind: bus === 1 ? (0 as const) : (1 as const),
    bus,
    device,
    function: 0,
    register: offset / 4,
  });
  const write = (bus: number, device: number, offset: number, data: number) =>
    expect(ask(configWrite({ ...target(bus, device, offset), data: data >>> 0 })).status).toBe(0);
  /** Windows of `size` devices from device `first` on, each with a MiB of both kinds. */
  const bridge = (bus: number, device: number, secondary: number, first: number, size: number) => {
    write(bus, device, 0x18, ((secondary + (size > 1 ? size : 0)) << 16) | (secondary << 8) | bus);
    write(bus, device, 0x20, ((0x8000 + 16 * (first + size - 1)) << 16) | (0x8000 + 16 * first));
    write(bus, device, 0x24, ((16 * (first + size - 1)) << 16) | (16 * first));
    write(bus, device, 0x28, high);
    write(bus, device, 0x2c, high);
    write(bus, device, 0x04, 6);
  };
  bridge(1, 0, 2, 0, 3);
  topology.endpoints.forEach(({ params }, d) => {
    bridge(2, d, 3 + d, d, 1);
    const bus = 3 + d;
    expect(ask(configRead(target(bus, 0, 0))).value).toBe(((params.device_id << 16) | params.vendor_id) >>> 0);
    expect(ask(configRead(target(bus, 1, 0))).status).toBe(1);
    write(bus, 0, 0x10, bar0Base(d));
    write(bus, 0, 0x18, Number(memoryBase(d) & 0xffff_ffffn));
    write(bus, 0, 0x1c, high);
    write(bus, 0, 0x04, 6);
    const register = (offset: number) => ask(memoryRead({ ...from, address: BigInt(bar0Base(d) + offset), bytes: 4 }));
    expect(register(Bar0.id)).toMatchObject({ value: identification, completer_id: bus << 8, status: 0 });
    expect(register(Bar0.memory_bytes).value).toBe(params.memory_bytes);
  });
  expect(ask(memoryRead({ ...from, address: BigInt(bar0Base(3)), bytes: 4 })).status).toBe(1);

  // 16 KiB into the BAR memory of the second drive, back to back, and back again.
  sim.poke(at(dut.ranges, 0).base, memoryBase(0));
  sim.poke(at(dut.ranges, 0).limit, memoryBase(3));
  const data = random.bytes(16 * 1024);
  for (let i = 0; i < 64; i++) {
    const address = memoryBase(1) + BigInt(256 * i);
    source.queue.push(memoryWrite({ ...from, address, data: data.subarray(256 * i, 256 * (i + 1)) }));
  }
  const cycles = run(1000, () => source.queue.length === 0);
  expect(cycles).toBe(64 * 8);
  const before = sink.received.length;
  for (let i = 0; i < 32; i++)
    source.queue.push(memoryRead({ requester_id: 0, tag: i, address: memoryBase(1) + BigInt(512 * i), bytes: 512 }));
  run(2000, () => sink.received.slice(before).reduce((sum, p) => sum + p.payload.length, 0) === data.length);
  const back = sink.received.slice(before).flatMap(p => [...p.payload]);
  expect(Uint8Array.from(back)).toEqual(data);

  run(4);
  const count = (link: string) => at(dut.counters, dut.links.indexOf(link));
  for (const link of ['root', 'drive1']) {
    expect(sim.peek(count(link).down.data_bytes)).toBe(16384n);
    expect(sim.peek(count(link).up.data_bytes)).toBe(16384n);
  }
  expect(sim.peek(count('drive0').down.data_bytes) + sim.peek(count('spare0').down.data_bytes)).toBe(0n);
});
