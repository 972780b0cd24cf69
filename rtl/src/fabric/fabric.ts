import {
  type Bool,
  bool,
  cat,
  drive,
  type In,
  input,
  Module,
  output,
  type Stream,
  stream,
  type UIntType,
  u,
  uint,
  vec,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { Endpoint } from '../endpoint/endpoint.ts';
import type { EndpointParams } from '../endpoint/endpoint-params.ts';
import { FirmwareRequest } from '../endpoint/firmware-port.ts';
import { FcUpdate } from '../link/fc-update.ts';
import { LinkFault } from '../link/model/tlp-faults.ts';
import { Switch, type SwitchParams } from '../switch/switch.ts';
import { tlpBeat } from '../tlp/tlp.ts';
import { endpointParams } from './endpoint-of.ts';
import { type Beats, type Credits, joinEnds, type Link, type LinkBetween, type PortStreams } from './link.ts';
import { type Topology, TopologyError } from './topology.ts';

/** What the fabric needs of an endpoint. */
export type FabricEndpoint = Module<unknown> &
  PortStreams & {
    readonly hot_reset: In<Bool>;
    readonly firmware_request: Stream<typeof FirmwareRequest>;
    readonly firmware_response: Stream<UIntType<32>>;
    readonly firmware_interrupt: Bool;
    readonly media_in: Stream<UIntType<number>>;
    readonly media_out: Stream<UIntType<number>>;
  };

/** What the fabric needs of a switch; lists are by downstream port. */
export type FabricSwitch = Module<unknown> & {
  readonly upstream_rx: Beats;
  readonly upstream_rx_fc: Credits;
  readonly upstream_tx: Beats;
  readonly upstream_tx_fc: Credits;
  readonly downstream_rx: readonly Beats[];
  readonly downstream_rx_fc: readonly Credits[];
  readonly downstream_tx: readonly Beats[];
  readonly downstream_tx_fc: readonly Credits[];
  readonly hot_reset: In<Bool>;
  readonly downstream_hot_reset: readonly Bool[];
  readonly link_up: readonly In<Bool>[];
};

export interface FabricParams {
  readonly topology: Topology;
  /** Bits of a beat: 64, 128, 256 or 512. */
  readonly width: number;
  /** Make the devices; `Endpoint` and `Switch` by default. */
  readonly endpoint?: (params: EndpointParams) => FabricEndpoint;
  readonly switch?: (params: SwitchParams) => FabricSwitch;
  /** Makes what lies on the link of this name; nothing by default: then the ends meet without delay, and the link is up but in a hot reset. */
  readonly between?: (link: string) => LinkBetween | undefined;
}

/** The upper end of a link, and what it says and hears of the link's state. */
interface UpperEnd {
  readonly port: PortStreams;
  readonly hot_reset: Bool;
  readonly setUp: (up: Bool) => void;
}

/** The ports of a fabric for the link of a root port, seen from below: `rx` comes down from it. */
export interface RootEnd extends PortStreams {
  readonly name: string;
  /** The root port holds its link in hot reset. */
  readonly hot_reset: In<Bool>;
  /** The link is up. */
  readonly up: Bool;
}

/**
 * A fabric made from a topology: its switches and endpoints are instances of the names that the topology gives, joined by links. Ports for a root port bear
 * its name: `root_rx` and `root_rx_fc` come down from it, `root_tx` and `root_tx_fc` go up to it, `root_hot_reset` holds its link in reset, and `root_up` says that the link is up;
 * `roots` lists them. Other lists have an element per endpoint in the topology's order. A hot reset goes down from a root port and from every port below a switch. No logic
 * of its own: latency, throughput and reset are those of the parts.
 */
export class Fabric extends Module<FabricParams> {
  private readonly ends = new Map(this.p.topology.roots.map(({ name }) => [name, this.rootEnd(name)] as const));
  private readonly count = this.p.topology.endpoints.length;
  /** With `between`, bit i: the device below link i is pulled out; the link is trained anew. Of no effect where nothing lies on the link. */
  readonly pulled = this.perLink();
  readonly retrained = this.perLink();
  /** With `between`: how the device below each link fails, and bit i: that below link i did. Of no effect where what lies on the link has no faults. */
  readonly link_faults = this.p.between && input(vec(this.p.topology.links.length, LinkFault));
  readonly link_faulted = this.p.between && output(uint(this.p.topology.links.length));
  readonly firmware_request = input(vec(this.count, stream(FirmwareRequest)));
  readonly firmware_response = output(vec(this.count, stream(uint(32))));
  readonly firmware_interrupt = output(vec(this.count, bool));
  readonly media_in = input(vec(this.count, stream(uint(this.p.width))));
  readonly media_out = output(vec(this.count, stream(uint(this.p.width))));
  private readonly switches = new Map<string, FabricSwitch>();
  private readonly endpoints = new Map<string, FabricEndpoint>();
  private readonly betweens = new Map<string, LinkBetween>();

  constructor(p: FabricParams) {
    super(p);
    const { topology, width, endpoint = params => new Endpoint(params), switch: makeSwitch = params => new Switch(params) } = p;
    for (const { name, vendor_id, device_id, children, credits } of topology.switches)
      this.switches.set(name, makeSwitch({ width, vendor_id, device_id, ports: children.length, ...(credits && { credits }) }));
    for (const { name, params } of topology.endpoints) this.endpoints.set(name, endpoint(endpointParams(params, width)));
    for (const name of topology.links) {
      const between = p.between?.(name);
      if (between) this.betweens.set(name, between);
    }
    // Own properties are what gives instances and ports their names.
    const links = [...this.betweens].map(([name, between]) => [`link_${name}`, between] as const);
    const ports = [...this.ends.values()].flatMap(({ name, ...end }) =>
      Object.entries(end).map(([port, signal]) => [`${name}_${port}`, signal] as const),
    );
    Object.assign(this, Object.fromEntries<unknown>([...this.switches, ...this.endpoints, ...links, ...ports]));
  }

  private rootEnd(name: string) {
    const beat = tlpBeat(this.p.width);
    return {
      name,
      rx: input(stream(beat)),
      rx_fc: input(stream(FcUpdate)),
      tx: output(stream(beat)),
      tx_fc: output(stream(FcUpdate)),
      hot_reset: input(bool),
      up: output(bool),
    };
  }

  private perLink() {
    return this.p.between && input(uint(this.p.topology.links.length));
  }

  /** The ends of the root ports' links, in the topology's order. */
  get roots(): readonly RootEnd[] {
    return [...this.ends.values()];
  }

  /** Names of the links, those of the root ports first. */
  get links(): readonly string[] {
    return this.p.topology.links;
  }

  protected override logic() {
    this.joinLinks();
    const faulted = this.links.map(name => this.betweens.get(name)?.faulted ?? u(1, 0));
    this.link_faulted?.set(cat(...faulted.toReversed()));
    this.p.topology.endpoints.forEach(({ name }, i) => {
      const endpoint = this.endpoint(name);
      at(this.firmware_response, i).from(endpoint.firmware_response);
      at(this.firmware_interrupt, i).set(endpoint.firmware_interrupt);
      at(this.media_out, i).from(endpoint.media_out);
      endpoint.firmware_request.from(at(this.firmware_request, i));
      endpoint.media_in.from(at(this.media_in, i));
    });
  }

  /** Joins every link of the fabric. @returns them in the order of `links`. */
  protected joinLinks(): readonly Link[] {
    const { topology } = this.p;
    const joined = topology.roots.map(({ name, top }) => {
      const end = this.ends.get(name);
      if (!end) throw new TopologyError(`there is no root port '${name}'`);
      // The fabric's own ports are the root port seen from below.
      const port = { rx: end.tx, rx_fc: end.tx_fc, tx: end.rx, tx_fc: end.rx_fc };
      return this.join(name, top, { port, hot_reset: end.hot_reset, setUp: up => end.up.set(up) });
    });
    for (const { name, children } of topology.switches)
      children.forEach((child, port) => {
        joined.push(this.join(child, child, this.below(name, port)));
      });
    return joined;
  }

  private join(name: string, device: string, { port, hot_reset, setUp }: UpperEnd): Link {
    const between = this.betweens.get(name);
    const lower = this.lower(device);
    if (between) {
      drive(between.hot_reset).set(hot_reset);
      const number = this.links.indexOf(name);
      drive(between.down).set(this.pulled?.bit(number) ?? 0);
      drive(between.retrain).set(this.retrained?.bit(number) ?? 0);
      if (between.fault && this.link_faults) drive(between.fault).set(at(this.link_faults, number));
      drive(lower.hot_reset).set(between.b_up.not());
      setUp(between.a_up);
    } else {
      drive(lower.hot_reset).set(hot_reset);
      setUp(hot_reset.not());
    }
    return joinEnds(name, port, lower, between);
  }

  private endpoint(name: string): FabricEndpoint {
    const found = this.endpoints.get(name);
    if (!found) throw new TopologyError(`there is no endpoint '${name}'`);
    return found;
  }

  /** The port of a switch that has a link below. */
  private below(name: string, port: number): UpperEnd {
    const device = this.switches.get(name);
    if (!device) throw new TopologyError(`there is no switch '${name}'`);
    return {
      port: {
        rx: at(device.downstream_rx, port),
        rx_fc: at(device.downstream_rx_fc, port),
        tx: at(device.downstream_tx, port),
        tx_fc: at(device.downstream_tx_fc, port),
      },
      hot_reset: at(device.downstream_hot_reset, port),
      setUp: up => drive(at(device.link_up, port)).set(up),
    };
  }

  /** The upper link of a device, as the device names it. */
  private lower(name: string): PortStreams & { readonly hot_reset: In<Bool> } {
    const device = this.switches.get(name);
    if (!device) return this.endpoint(name);
    return {
      rx: device.upstream_rx,
      rx_fc: device.upstream_rx_fc,
      tx: device.upstream_tx,
      tx_fc: device.upstream_tx_fc,
      hot_reset: device.hot_reset,
    };
  }
}
