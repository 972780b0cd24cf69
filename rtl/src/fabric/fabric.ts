import {
  bool,
  type In,
  input,
  Module,
  output,
  type Sig,
  type Stream,
  stream,
  type UIntType,
  uint,
  type Var,
  vec,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import type { EndpointParams } from '../endpoint/endpoint.ts';
import { FirmwareRequest } from '../endpoint/interfaces.ts';
import { Switch } from '../switch/switch.ts';
import { type TlpBeatType, tlpBeat } from '../tlp/tlp.ts';
import { type Topology, TopologyError } from './topology.ts';

/** What the fabric needs of an endpoint. */
export type FabricEndpoint = Module<EndpointParams> & {
  readonly rx: In<Stream<TlpBeatType>>;
  readonly tx: Var<Stream<TlpBeatType>>;
  readonly firmware_request: In<Stream<typeof FirmwareRequest>>;
  readonly firmware_response: Var<Stream<UIntType<32>>>;
  readonly firmware_interrupt: Var<Sig<typeof bool>>;
  readonly media_in: In<Stream<UIntType<number>>>;
  readonly media_out: Var<Stream<UIntType<number>>>;
};

export interface FabricParams {
  readonly topology: Topology;
  /** Bits of a beat: 64, 128, 256 or 512. */
  readonly width: number;
  /** Makes an endpoint: `p => new Endpoint(p)`. */
  readonly endpoint: (params: EndpointParams) => FabricEndpoint;
}

/** One direction of a link: who sends and who receives, both of which say when a beat moves. */
export interface LinkDirection {
  readonly producer: Stream<TlpBeatType>;
  readonly consumer: Stream<TlpBeatType>;
}
export interface Link {
  readonly name: string;
  readonly down: LinkDirection;
  readonly up: LinkDirection;
}

/**
 * A fabric made from a topology: its switches and endpoints are instances of the names that the topology gives, joined by links. `root_rx` is what
 * comes down from the root complex, `root_tx` what goes up to it. Vectors have an element per endpoint in the topology's order. No logic of its
 * own: latency, throughput and reset are those of the parts.
 */
export class Fabric extends Module<FabricParams> {
  readonly root_rx = input(stream(tlpBeat(this.p.width)));
  readonly root_tx = output(stream(tlpBeat(this.p.width)));
  readonly firmware_request = input(vec(this.p.topology.endpoints.length, stream(FirmwareRequest)));
  readonly firmware_response = output(vec(this.p.topology.endpoints.length, stream(uint(32))));
  readonly firmware_interrupt = output(vec(this.p.topology.endpoints.length, bool));
  readonly media_in = input(vec(this.p.topology.endpoints.length, stream(uint(this.p.width))));
  readonly media_out = output(vec(this.p.topology.endpoints.length, stream(uint(this.p.width))));
  private readonly switches = new Map<string, Switch>();
  private readonly endpoints = new Map<string, FabricEndpoint>();

  constructor(p: FabricParams) {
    super(p);
    const { topology, width } = p;
    for (const { name, vendor_id, device_id, children } of topology.switches)
      this.switches.set(name, new Switch({ width, vendor_id, device_id, ports: children.length }));
    for (const { name, params } of topology.endpoints) this.endpoints.set(name, p.endpoint({ width, ...params }));
    // Own properties are what gives instances their names.
    Object.assign(this, Object.fromEntries([...this.switches, ...this.endpoints]));
  }

  /** Names of the links, the root's first. */
  get links(): readonly string[] {
    return this.p.topology.links;
  }

  protected override logic() {
    for (const { down, up } of this.joints()) {
      down.consumer.from(down.producer);
      up.consumer.from(up.producer);
    }
    this.p.topology.endpoints.forEach(({ name }, i) => {
      const endpoint = this.endpoint(name);
      at(this.firmware_response, i).from(endpoint.firmware_response);
      at(this.firmware_interrupt, i).set(endpoint.firmware_interrupt);
      at(this.media_out, i).from(endpoint.media_out);
      endpoint.firmware_request.from(at(this.firmware_request, i));
      endpoint.media_in.from(at(this.media_in, i));
    });
  }

  /** Every link of the fabric, in the order of `links`. */
  protected joints(): readonly Link[] {
    const { topology } = this.p;
    const top = this.lower(topology.top);
    const joints: Link[] = [
      {
        name: topology.root,
        down: { producer: this.root_rx, consumer: top.rx },
        up: { producer: top.tx, consumer: this.root_tx },
      },
    ];
    for (const { name, children } of topology.switches) {
      const device = this.switches.get(name);
      children.forEach((child, port) => {
        const { rx, tx } = this.lower(child);
        if (!device) return;
        joints.push({
          name: child,
          down: { producer: at(device.downstream_tx, port), consumer: rx },
          up: { producer: tx, consumer: at(device.downstream_rx, port) },
        });
      });
    }
    return joints;
  }

  private endpoint(name: string): FabricEndpoint {
    const found = this.endpoints.get(name);
    if (!found) throw new TopologyError(`there is no endpoint '${name}'`);
    return found;
  }

  /** The upper link of a device, as the device names it. */
  private lower(name: string): { readonly rx: Stream<TlpBeatType>; readonly tx: Stream<TlpBeatType> } {
    const device = this.switches.get(name);
    return device ? { rx: device.upstream_rx, tx: device.upstream_tx } : this.endpoint(name);
  }
}
