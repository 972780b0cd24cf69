import { describe, expect, test } from 'vitest';
import { bool, connect, elaborate, input, Module, output, RegisterSlice, stream, uint, vec } from '../../hdl/src/index.ts';
import { at } from '../src/at.ts';
import type { EndpointParams } from '../src/endpoint/endpoint-params.ts';
import { FirmwareRequest } from '../src/endpoint/firmware-port.ts';
import { endpointParams } from '../src/fabric/endpoint-of.ts';
import { Fabric } from '../src/fabric/fabric.ts';
import { ObservedFabric } from '../src/fabric/observed-fabric.ts';
import { topology } from '../src/fabric/topology.ts';
import { FcUpdate } from '../src/link/fc-update.ts';
import type { SwitchParams } from '../src/switch/switch.ts';
import { tlpBeat } from '../src/tlp/tlp.ts';

/** An endpoint that does nothing: what it receives goes back. */
class Device extends Module<EndpointParams> {
  readonly rx = input(stream(tlpBeat(this.p.width)));
  readonly rx_fc = input(stream(FcUpdate));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  readonly tx_fc = output(stream(FcUpdate));
  readonly hot_reset = input(bool);
  readonly firmware_request = input(stream(FirmwareRequest));
  readonly firmware_response = output(stream(uint(32)));
  readonly firmware_interrupt = output(bool);
  readonly media_in = input(stream(uint(this.p.width)));
  readonly media_out = output(stream(uint(this.p.width)));

  protected override logic() {
    this.tx.from(this.rx);
    this.tx_fc.from(this.rx_fc);
    this.media_out.from(this.media_in);
    this.firmware_interrupt.set(this.hot_reset);
    const { valid, ready, payload } = this.firmware_request;
    this.firmware_response.valid.set(valid);
    this.firmware_response.put(payload.data);
    ready.set(this.firmware_response.ready);
  }
}

/** A switch that does nothing either; a hot reset goes on below where the link is up. */
class Joint extends Module<SwitchParams> {
  readonly upstream_rx = input(stream(tlpBeat(this.p.width)));
  readonly upstream_rx_fc = input(stream(FcUpdate));
  readonly upstream_tx = output(stream(tlpBeat(this.p.width)));
  readonly upstream_tx_fc = output(stream(FcUpdate));
  readonly downstream_rx = input(vec(this.p.ports, stream(tlpBeat(this.p.width))));
  readonly downstream_rx_fc = input(vec(this.p.ports, stream(FcUpdate)));
  readonly downstream_tx = output(vec(this.p.ports, stream(tlpBeat(this.p.width))));
  readonly downstream_tx_fc = output(vec(this.p.ports, stream(FcUpdate)));
  readonly hot_reset = input(bool);
  readonly downstream_hot_reset = output(vec(this.p.ports, bool));
  readonly link_up = input(vec(this.p.ports, bool));

  protected override logic() {
    this.upstream_tx.from(this.upstream_rx);
    this.upstream_tx_fc.from(this.upstream_rx_fc);
    this.link_up.forEach((up, i) => {
      at(this.downstream_tx, i).from(at(this.downstream_rx, i));
      at(this.downstream_tx_fc, i).from(at(this.downstream_rx_fc, i));
      at(this.downstream_hot_reset, i).set(this.hot_reset.and(up));
    });
  }
}

/** A link of one register each way. */
class Wire extends Module<{ readonly width: number }> {
  readonly a_tx = input(stream(tlpBeat(this.p.width)));
  readonly a_tx_fc = input(stream(FcUpdate));
  readonly a_rx = output(stream(tlpBeat(this.p.width)));
  readonly a_rx_fc = output(stream(FcUpdate));
  readonly b_tx = input(stream(tlpBeat(this.p.width)));
  readonly b_tx_fc = input(stream(FcUpdate));
  readonly b_rx = output(stream(tlpBeat(this.p.width)));
  readonly b_rx_fc = output(stream(FcUpdate));
  readonly hot_reset = input(bool);
  readonly down = input(bool);
  readonly retrain = input(bool);
  readonly a_up = output(bool);
  readonly b_up = output(bool);
  private readonly downward = new RegisterSlice({ type: tlpBeat(this.p.width) });
  private readonly upward = new RegisterSlice({ type: tlpBeat(this.p.width) });

  protected override logic() {
    connect(this.downward, { in: this.a_tx });
    connect(this.upward, { in: this.b_tx });
    this.b_rx.from(this.downward.out);
    this.a_rx.from(this.upward.out);
    this.b_rx_fc.from(this.a_tx_fc);
    this.a_rx_fc.from(this.b_tx_fc);
    this.a_up.set(this.down.or(this.retrain).not());
    this.b_up.set(this.hot_reset.or(this.down).not());
  }
}

/** root - outer - { inner - { a, b }, c } */
const nested = topology({
  switches: [
    { name: 'outer', parent: 'root' },
    {
      name: 'inner',
      parent: 'outer',
      credits: { posted: { headers: 8, data: 64 }, non_posted: { headers: 8, data: 8 }, completion: { headers: 8, data: 64 } },
    },
  ],
  endpoints: [
    { name: 'a', parent: 'inner', memory_bytes: 4096 },
    { name: 'b', parent: 'inner', memory_bytes: 4096, functions: [{ kind: 'memory', memory_bytes: 8192 }, { kind: 'nvme' }] },
    {
      name: 'c',
      parent: 'outer',
      memory_bytes: 4096,
      credits: { posted: { headers: 4, data: 32 }, non_posted: { headers: 2, data: 2 }, completion: 'infinite' },
    },
  ],
});
const devices = {
  topology: nested,
  width: 128,
  endpoint: (p: EndpointParams) => new Device(p),
  switch: (p: SwitchParams) => new Joint(p),
};

describe('instances have the names of the topology', () => {
  test.each([Fabric, ObservedFabric])('%o', Kind => {
    const { design } = elaborate(() => new Kind(devices));
    const names = design.top.instances.map(i => i.name).filter(n => !n.startsWith('monitor'));
    expect(names).toEqual(['outer', 'inner', 'a', 'b', 'c']);
    expect(design.top.signals.some(s => s.name === 'counters_4_up_data_bytes')).toBe(Kind === ObservedFabric);
  });

  test('what lies on a link has the name of the link', () => {
    const between = (link: string) => (link === 'root' || link === 'b' ? new Wire({ width: 128 }) : undefined);
    const { design } = elaborate(() => new Fabric({ ...devices, between }));
    expect(design.top.instances.map(i => i.name)).toEqual(['outer', 'inner', 'a', 'b', 'c', 'link_root', 'link_b']);
  });
});

test('devices are made from what the topology says, and what it leaves open', () => {
  const switches: SwitchParams[] = [];
  const endpoints: EndpointParams[] = [];
  elaborate(
    () =>
      new Fabric({
        topology: nested,
        width: 128,
        endpoint: p => {
          endpoints.push(p);
          return new Device(p);
        },
        switch: p => {
          switches.push(p);
          return new Joint(p);
        },
      }),
  );
  expect(switches).toEqual([
    { width: 128, ports: 2, vendor_id: 0x1d1d, device_id: 0x5100 },
    { width: 128, ports: 2, vendor_id: 0x1d1d, device_id: 0x5100, credits: nested.switches[1]?.credits },
  ]);
  expect(endpoints.map(p => [p.width, p.tags, p.functions.length, p.memory_bytes])).toEqual([
    [128, 32, 1, 4096],
    [128, 32, 3, 16_384],
    [128, 32, 1, 4096],
  ]);
  expect(endpoints[2]?.credits).toEqual(nested.endpoints[2]?.params.credits);
  const functions = endpoints[1]?.functions.map(({ config }) => [config.device_id, config.class_code, config.bars.length]);
  expect(functions).toEqual([
    [0xe000, 0x018000, 2],
    [0xe001, 0x058000, 1],
    [0xe002, 0x010802, 1],
  ]);
});

test('functions of an endpoint share its BAR memory without touching each other', () => {
  const [, b] = nested.endpoints;
  if (!b) throw new Error('there is an endpoint b');
  const ranges = endpointParams(b.params, 256).functions.flatMap(({ map }) =>
    map.flatMap(bar => (bar?.to === 'memory' ? [[bar.base, bar.base + bar.bytes] as const] : [])),
  );
  expect(ranges).toEqual([
    [8192, 12_288],
    [0, 8192],
  ]);
});
