import {
  Fabric,
  type FabricParams,
  FirmwareRequest,
  type LinkCredits,
  portCredits,
  Switch,
  type Topology,
  tlpBeat,
} from '@hdl/pcie-rtl';
import {
  anyOf,
  bool,
  cat,
  connect,
  drive,
  input,
  Module,
  output,
  reg,
  type Stream,
  stream,
  type UIntType,
  uint,
  vec,
  wire,
} from '@hdl/ts-hdl';
import { Answer, at, Fault, TrafficAgent } from './agent.ts';
import { AgentControl, Tally } from './control.ts';
import { keepQuiet } from './stand-in.ts';
import { WatchedLink } from './watched-link.ts';

export interface FabricSoakParams {
  readonly topology: Topology;
  /** Bits of a beat. */
  readonly width: number;
  /** Largest payload in bytes: 128, 256 or 512. */
  readonly max_payload: number;
  /** `least`: every receiver advertises the minimum of the specification (C70b), also for completions; `usual`: what keeps links busy. */
  readonly credits: 'least' | 'usual';
}

/** Credits of all receivers of a soaked fabric. */
function creditsOf({ credits, max_payload }: FabricSoakParams) {
  const data = max_payload / 16;
  const least = {
    posted: { headers: 1, data },
    non_posted: { headers: 1, data: 2 },
    completion: { headers: 1, data },
  };
  return credits === 'least' ? least : portCredits(max_payload);
}

/** Cycles from one refresh of the credits to the next: short, so that the account is soon settled where traffic ends. */
const refresh_cycles = 512;

/** A fabric with agents for endpoints and watched links. */
class SoakedFabric extends Fabric {
  readonly control = input(vec(this.p.topology.endpoints.length, AgentControl));
  readonly fault = output(vec(this.p.topology.endpoints.length, Fault));
  readonly tally = output(vec(this.p.topology.endpoints.length, Tally));
  readonly sent = output(vec(this.p.topology.endpoints.length, vec(3, uint(32))));
  readonly idle = output(uint(this.p.topology.endpoints.length));
  readonly full = output(uint(this.p.topology.links.length));
  readonly broken = output(uint(this.p.topology.links.length));
  private readonly parts: { readonly agents: TrafficAgent[]; readonly links: Map<string, WatchedLink> };

  constructor(p: FabricParams & Parts) {
    super(p);
    this.parts = { agents: p.agents, links: p.watched };
  }

  protected override logic() {
    super.logic();
    const { agents, links } = this.parts;
    agents.forEach((agent, i) => {
      connect(agent as Module<unknown>, { control: at(this.control, i) } as never);
      at(this.fault, i).set(agent.fault);
      at(this.tally, i).set(agent.tally);
      at(this.sent, i).set(agent.sent);
    });
    const watched = this.p.topology.links.map(name => links.get(name)).filter(link => link !== undefined);
    this.idle.set(cat(...agents.map(a => a.idle).toReversed()));
    this.full.set(cat(...watched.map(l => l.full).toReversed()));
    this.broken.set(cat(...watched.map(l => l.broken).toReversed()));
  }
}
interface Parts {
  readonly agents: TrafficAgent[];
  readonly watched: Map<string, WatchedLink>;
}

function soakedFabric(p: FabricSoakParams): SoakedFabric {
  const { topology, width, max_payload } = p;
  const agents: TrafficAgent[] = [];
  const watched = new Map<string, WatchedLink>();
  return new SoakedFabric({
    topology,
    width,
    agents,
    watched,
    endpoint: () => {
      const agent = agentOf(p, agents.length + 1);
      agents.push(agent);
      return agent;
    },
    switch: params => new Switch({ ...params, max_payload, credits: creditsOf(p), refresh_cycles }),
    between: name => {
      const link = new WatchedLink({ width });
      watched.set(name, link);
      return link;
    },
  });
}

function agentOf(p: FabricSoakParams, own: number): TrafficAgent {
  const { width, max_payload, topology } = p;
  const credits: LinkCredits = creditsOf(p);
  return new TrafficAgent({ width, own, agents: topology.endpoints.length + 1, max_payload, credits, refresh_cycles });
}

/**
 * A fabric in which everything that is no switch and no link is a `TrafficAgent`: software sets it up, lets it run, and looks whether `attention` rose.
 * Lists have the root first, then the leaves in the order of the topology.
 */
export class FabricSoakHarness extends Module<FabricSoakParams> {
  private readonly count = this.p.topology.endpoints.length + 1;
  readonly control = input(vec(this.count, AgentControl));
  readonly fault = output(vec(this.count, Fault));
  readonly tally = output(vec(this.count, Tally));
  /** TLPs sent by each since the reset, by class. */
  readonly sent = output(vec(this.count, vec(3, uint(32))));
  readonly idle = output(uint(this.count));
  /** By link: all credits are back; something went against them, ever. */
  readonly full = output(uint(this.p.topology.links.length));
  readonly broken = output(uint(this.p.topology.links.length));
  readonly software = input(stream(tlpBeat(this.p.width)));
  readonly answered = output(Answer);
  /** Something is wrong. */
  readonly attention = output(bool);
  private readonly root = agentOf(this.p, 0);
  private readonly fabric = soakedFabric(this.p);
  /** What agents have only because endpoints have it. */
  private readonly no_request = Array.from({ length: this.count }, () => wire(stream(FirmwareRequest)));
  private readonly no_media = Array.from({ length: this.count }, () => wire(stream(uint(this.p.width) as UIntType<number>)));
  private readonly ever_broken = reg(uint(this.p.topology.links.length), { init: 0 });

  protected override logic() {
    const { root, fabric, ever_broken } = this;
    const [first, ...others] = this.control;
    const [end] = fabric.roots;
    if (!first || !end) throw new RangeError('there is a root');
    connect(
      root as Module<unknown>,
      {
        control: first,
        rx: end.tx,
        rx_fc: end.tx_fc,
        hot_reset: 0,
        software: this.software,
        firmware_request: at(this.no_request, 0),
        media_in: at(this.no_media, 0),
      } as never,
    );
    end.rx.from(root.tx);
    end.rx_fc.from(root.tx_fc);
    drive(end.hot_reset).set(0);
    connect(
      fabric as Module<unknown>,
      {
        pulled: 0,
        retrained: 0,
        link_faults: this.p.topology.links.map(() => ({ poison: 0, lose: 0, traffic: 0, least: 0 })),
        control: others,
        firmware_request: this.no_request.slice(1),
        media_in: this.no_media.slice(1),
      } as never,
    );
    keepQuiet({
      requests: this.no_request,
      media: this.no_media,
      unread: [...fabric.firmware_response, ...fabric.media_out, root.firmware_response, root.media_out] as Stream<
        UIntType<number>
      >[],
    });
    this.fault.set([root.fault, ...fabric.fault]);
    this.tally.set([root.tally, ...fabric.tally]);
    this.sent.set([root.sent, ...fabric.sent]);
    this.idle.set(cat(fabric.idle, root.idle));
    this.full.set(fabric.full);
    ever_broken.set(ever_broken.or(fabric.broken));
    this.broken.set(ever_broken);
    if (root.answered) this.answered.set(root.answered);
    this.attention.set(anyOf([ever_broken.any(), root.fault.code.any(), ...fabric.fault.map(fault => fault.code.any())]));
  }
}
