import { describe, expect, test } from 'vitest';
import { simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import { bool, elaborate, input, Module, output, RegisterSlice, stream, u, uint } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import type { EndpointParams } from '../src/endpoint/endpoint.ts';
import { FirmwareRequest } from '../src/endpoint/interfaces.ts';
import { Fabric } from '../src/fabric/fabric.ts';
import { ObservedFabric } from '../src/fabric/observed-fabric.ts';
import { type Topology, topology } from '../src/fabric/topology.ts';
import { configWrite, memoryWrite } from '../src/tlp/packet.ts';
import { Fmt, tlpBeat } from '../src/tlp/tlp.ts';
import { PacketSink, PacketSource, runEnds } from './tlp-model.ts';

/** The smallest device: a firmware write of 1 DW leaves as a memory write to that address; the payload of what arrives goes to the media. */
class Device extends Module<EndpointParams> {
  readonly rx = input(stream(tlpBeat(this.p.width)));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  readonly firmware_request = input(stream(FirmwareRequest));
  readonly firmware_response = output(stream(uint(32)));
  readonly firmware_interrupt = output(bool);
  readonly media_in = input(stream(uint(this.p.width)));
  readonly media_out = output(stream(uint(this.p.width)));
  private readonly slice = new RegisterSlice({ type: tlpBeat(this.p.width) });

  protected override logic() {
    const { valid, ready, payload } = this.firmware_request;
    this.slice.in.valid.set(valid);
    ready.set(this.slice.in.ready);
    const zero = { tc: 0, attr: 0, th: 0, td: 0, ep: 0, at: 0, requester_id: 0, tag: 0, last_be: 0 };
    const header = { ...zero, fmt: Fmt.data3, type: 0, length: 1, first_be: 0xf, address: payload.data.zext(64) };
    this.slice.in.put({ header, data: payload.address.zext(this.p.width), first: u(1, 1), last: u(1, 1) });
    this.tx.from(this.slice.out);
    this.media_out.valid.set(this.rx.valid);
    this.media_out.put(this.rx.payload.data);
    this.rx.ready.set(this.media_out.ready);
    this.firmware_response.valid.set(0);
    this.firmware_response.put(0);
    this.firmware_interrupt.set(this.rx.valid);
    this.media_in.ready.set(1);
  }
}

const endpoint = (p: EndpointParams) => new Device(p);
/** root - outer - { inner - { a, b }, c } */
const nested = topology({
  switches: [
    { name: 'outer', parent: 'root' },
    { name: 'inner', parent: 'outer' },
  ],
  endpoints: [
    { name: 'a', parent: 'inner', memory_bytes: 4096 },
    { name: 'b', parent: 'inner', memory_bytes: 4096 },
    { name: 'c', parent: 'outer', memory_bytes: 4096 },
  ],
});

describe('instances have the names of the topology', () => {
  test.each([Fabric, ObservedFabric])('%o', Kind => {
    const { design } = elaborate(() => new Kind({ topology: nested, width: 128, endpoint }));
    expect(design.top.instances.map(i => i.name).filter(n => !n.startsWith('monitor'))).toEqual([
      'outer',
      'inner',
      'a',
      'b',
      'c',
    ]);
    expect(design.top.signals.some(s => s.name === 'counters_4_up_data_bytes')).toBe(Kind === ObservedFabric);
  });
});

test('an endpoint may hang directly below the root port', () => {
  const alone = topology({ endpoints: [{ name: 'only', parent: 'root', memory_bytes: 4096 }] });
  using sim = simulate(() => new Fabric({ topology: alone, width: 64, endpoint }));
  const source = new PacketSource(sim, sim.dut.root_rx, new Random(1));
  source.queue.push(memoryWrite({ requester_id: 0, tag: 0, address: 0n, data: Uint8Array.of(1, 2, 3, 4) }));
  sim.poke(at(sim.dut.media_out, 0).ready, 1);
  source.drive();
  expect(sim.peek(at(sim.dut.media_out, 0).valid)).toBe(1n);
  expect(sim.peek(at(sim.dut.media_out, 0).payload) & 0xffff_ffffn).toBe(0x04030201n);
});

/** Bus numbers and windows of the nested topology: each endpoint has a MiB at 0x80n0_0000. */
const bridges = [
  // type, bus, device, secondary, subordinate, first and last MiB
  [0, 1, 0, 2, 8, 0x800, 0x802], // outer, upstream
  [1, 2, 0, 3, 6, 0x800, 0x801], // outer, port 0: inner
  [1, 2, 1, 7, 7, 0x802, 0x802], // outer, port 1: c
  [1, 3, 0, 4, 6, 0x800, 0x801], // inner, upstream
  [1, 4, 0, 5, 5, 0x800, 0x800], // inner, port 0: a
  [1, 4, 1, 6, 6, 0x801, 0x801], // inner, port 1: b
] as const;
const places = { a: 0x8000_0000, b: 0x8010_0000, c: 0x8020_0000, host: 0x1000_0000 };

type Observed = TypedSimulation<ObservedFabric>;
function start(t: Topology) {
  const sim: Observed = simulate(() => new ObservedFabric({ topology: t, width: 256, endpoint }));
  const random = new Random(1);
  const source = new PacketSource(sim, sim.dut.root_rx, random);
  const sink = new PacketSink(sim, sim.dut.root_tx, random);
  for (const media of sim.dut.media_out) sim.poke(media.ready, 1);
  let tag = 0;
  const write = (kind: 0 | 1, bus: number, device: number, offset: number, data: number) => {
    const before = sink.received.length;
    source.queue.push(
      configWrite({ requester_id: 0, tag: tag++ % 256, kind, bus, device, function: 0, register: offset / 4, data: data >>> 0 }),
    );
    runEnds(sim, [source, sink], 200, () => sink.received.length > before);
    expect(Number(at(sink.received, before).address >> 45n) & 7, `configuration of bus ${bus} device ${device}`).toBe(0);
  };
  for (const [kind, bus, device, secondary, subordinate, first, last] of bridges) {
    write(kind, bus, device, 0x18, (subordinate << 16) | (secondary << 8) | bus);
    write(kind, bus, device, 0x20, (last << 20) | (first << 4));
    write(kind, bus, device, 0x04, 6);
  }
  return { sim, source, sink };
}

test('C20 C21 C34: the host configures switches behind switches, and a write between endpoints takes the shortest way', () => {
  const { sim, source, sink } = start(nested);
  using _ = sim;
  const { dut } = sim;
  const names = nested.endpoints.map(e => e.name);
  const order = dut.links;
  expect(order).toEqual(['root', 'inner', 'c', 'a', 'b']);
  sim.poke(at(dut.ranges, 0).base, 0x8000_0000);
  sim.poke(at(dut.ranges, 0).limit, 0x8010_0000);

  /** Sends 1 DW by the firmware of an endpoint. @returns where payload appeared, and the links that carried a posted TLP. */
  const send = (from: string, to: keyof typeof places, value: number) => {
    sim.poke(dut.clear, 1);
    sim.step(3);
    sim.poke(dut.clear, 0);
    const request = at(dut.firmware_request, names.indexOf(from));
    sim.poke(request.valid, 1);
    sim.poke(request.payload.address, value);
    sim.poke(request.payload.data, places[to]);
    const before = sink.received.length;
    const seen: string[] = [];
    for (let cycle = 0; cycle < 30; cycle++) {
      runEnds(sim, [source, sink], 1);
      sim.poke(request.valid, 0);
      names.forEach((name, i) => {
        const media = at(dut.media_out, i);
        if (sim.peek(media.valid)) seen.push(`${name} ${sim.peek(media.payload)}`);
      });
    }
    for (const packet of sink.received.slice(before)) seen.push(`host ${packet.payload[0]}`);
    const carried = order.flatMap((name, i) => {
      const { down, up } = at(dut.counters, i);
      return [sim.peek(down.posted) ? `${name} down` : '', sim.peek(up.posted) ? `${name} up` : ''].filter(Boolean);
    });
    const data = order.map((_, i) => Number(sim.peek(at(dut.counters, i).down.data_bytes)));
    return { seen, carried, data };
  };

  expect(send('b', 'a', 11)).toEqual({ seen: ['a 11'], carried: ['a down', 'b up'], data: [0, 0, 0, 4, 0] });
  expect(send('a', 'c', 12)).toEqual({ seen: ['c 12'], carried: ['inner up', 'c down', 'a up'], data: [0, 0, 0, 0, 0] });
  expect(send('c', 'a', 13)).toEqual({ seen: ['a 13'], carried: ['inner down', 'c up', 'a down'], data: [0, 4, 0, 4, 0] });
  expect(send('a', 'host', 14)).toEqual({ seen: ['host 14'], carried: ['root up', 'inner up', 'a up'], data: [0, 0, 0, 0, 0] });
});
