import {
  Fabric,
  type FabricParams,
  FirmwareRequest,
  type LinkCredits,
  LinkModel,
  type LinkModelParams,
  LinkPort,
  Switch,
  TlpType,
  type Topology,
  tlpBeat,
} from '@hdl/pcie-rtl';
import {
  Bundle,
  bool,
  connect,
  drive,
  input,
  Module,
  output,
  PacketArbiter,
  reg,
  type Stream,
  stream,
  type UIntType,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { at } from './agent.ts';
import { keepQuiet, StandIn } from './stand-in.ts';
import { TlpMaker } from './tlp-streams.ts';

/** Writes that an agent sends, one after the other, as long as `send` is 1. */
export class SteadyControl extends Bundle({ send: bool, address: uint(64), dws: uint(10) }) {}

interface SteadyAgentParams {
  readonly width: number;
  readonly own: number;
  readonly credits: LinkCredits;
  readonly max_payload: number;
}

/** Stands at the end of a link: sends equal memory writes with 4 DW of header, and counts the payload of those that come. */
export class SteadyAgent extends StandIn<SteadyAgentParams> {
  readonly control = input(SteadyControl);
  /** DW of payload of the posted TLPs that have come, and those TLPs. */
  readonly dws = output(uint(32));
  readonly tlps = output(uint(32));
  /** Of agent 0: configuration requests of software, whose completions are thrown away. */
  readonly software = this.p.own === 0 ? input(stream(this.beat)) : undefined;
  private readonly link = new LinkPort(this.p);
  private readonly maker = new TlpMaker({ width: this.p.width });
  private readonly arbiter = this.p.own === 0 ? new PacketArbiter({ n: 1, type: this.beat }) : undefined;
  /** Classes that it does not send. */
  private readonly none = [wire(stream(this.beat)), wire(stream(this.beat))] as const;
  private readonly dw_count = reg(uint(32), { init: 0 });
  private readonly tlp_count = reg(uint(32), { init: 0 });

  protected override logic() {
    super.logic();
    const { link, maker, control, none, arbiter, software } = this;
    const [no_request, no_completion] = none;
    for (const nothing of none) {
      nothing.valid.set(0);
      nothing.put({ header: maker.out.payload.header, data: 0, first: 0, last: 0 });
    }
    maker.in.valid.set(control.send);
    maker.in.put({
      header: {
        fmt: 0b011,
        type: TlpType.memory,
        tc: 0,
        attr: 0,
        th: 0,
        td: 0,
        ep: 0,
        at: 0,
        length: control.dws,
        requester_id: this.p.own << 11,
        tag: 0,
        last_be: 15,
        first_be: 15,
        address: control.address,
      },
      key: 0,
      dws: control.dws,
    });
    link.posted.from(maker.out);
    link.completion.from(no_completion);
    if (arbiter && software) {
      connect(arbiter, { in: [software] });
      link.non_posted.from(arbiter.out);
      no_request.ready.set(0);
    } else link.non_posted.from(no_request);
    drive(link.relaxed).set(0);
    drive(link.link_up).set(this.hot_reset.not());
    link.rx.from(this.rx);
    link.rx_fc.from(this.rx_fc);
    this.tx.from(link.tx);
    this.tx_fc.from(link.tx_fc);
    for (const taken of [link.received_posted, link.received_non_posted, link.received_completion]) taken.ready.set(1);
    link.overflow.ready.set(1);
    const { header, last } = link.received_posted.payload;
    when(link.received_posted.valid.and(last), () => {
      this.dw_count.set(this.dw_count.add(header.length.zext(32)));
      this.tlp_count.set(this.tlp_count.add(1));
    });
    this.dws.set(this.dw_count);
    this.tlps.set(this.tlp_count);
  }
}

export interface SteadyParams {
  readonly topology: Topology;
  readonly width: number;
  /** Posted credits that every receiver advertises. */
  readonly posted: { readonly headers: number; readonly data: number };
  /** What all links are; nothing between the ends by default. */
  readonly link?: LinkModelParams;
}

const few = { headers: 8, data: 64 };
const largest = 512;

const agentOf = ({ width, posted }: SteadyParams, own: number): SteadyAgent =>
  new SteadyAgent({ width, own, max_payload: largest, credits: { posted, non_posted: few, completion: few } });

/** A fabric with agents that write steadily. */
class SteadyFabric extends Fabric {
  readonly control = input(vec(this.p.topology.endpoints.length, SteadyControl));
  readonly dws = output(vec(this.p.topology.endpoints.length, uint(32)));
  readonly tlps = output(vec(this.p.topology.endpoints.length, uint(32)));
  private readonly made: { readonly agents: readonly SteadyAgent[] };

  constructor(p: FabricParams & { readonly agents: readonly SteadyAgent[] }) {
    super(p);
    this.made = { agents: p.agents };
  }

  protected override logic() {
    super.logic();
    this.made.agents.forEach((agent, i) => {
      drive(agent.control).set(at(this.control, i));
      at(this.dws, i).set(agent.dws);
      at(this.tlps, i).set(agent.tlps);
    });
  }
}

function steadyFabric(p: SteadyParams): SteadyFabric {
  const { topology, width, posted, link } = p;
  const agents: SteadyAgent[] = [];
  return new SteadyFabric({
    topology,
    width,
    agents,
    endpoint: () => {
      const agent = agentOf(p, agents.length + 1);
      agents.push(agent);
      return agent;
    },
    switch: params => new Switch({ ...params, max_payload: largest, credits: { posted, non_posted: few, completion: few } }),
    ...(link && { between: () => new LinkModel(link) }),
  });
}

/** A fabric whose root and leaves write steadily where they are told, for rates: lists have the root first. */
export class SteadyHarness extends Module<SteadyParams> {
  private readonly count = this.p.topology.endpoints.length + 1;
  readonly control = input(vec(this.count, SteadyControl));
  readonly dws = output(vec(this.count, uint(32)));
  readonly tlps = output(vec(this.count, uint(32)));
  readonly software = input(stream(tlpBeat(this.p.width)));
  private readonly root = agentOf(this.p, 0);
  private readonly fabric = steadyFabric(this.p);
  private readonly no_request = Array.from({ length: this.count }, () => wire(stream(FirmwareRequest)));
  private readonly no_media = Array.from({ length: this.count }, () => wire(stream(uint(this.p.width) as UIntType<number>)));

  protected override logic() {
    const { root, fabric } = this;
    const end = at(fabric.roots, 0);
    drive(root.control).set(at(this.control, 0));
    root.rx.from(end.tx);
    root.rx_fc.from(end.tx_fc);
    drive(root.hot_reset).set(end.up.not());
    root.software?.from(this.software);
    root.firmware_request.from(at(this.no_request, 0));
    root.media_in.from(at(this.no_media, 0));
    end.rx.from(root.tx);
    end.rx_fc.from(root.tx_fc);
    drive(end.hot_reset).set(0);
    if (fabric.pulled) drive(fabric.pulled).set(0);
    if (fabric.retrained) drive(fabric.retrained).set(0);
    if (fabric.link_faults)
      drive(fabric.link_faults).set(this.p.topology.links.map(() => ({ poison: 0, lose: 0, traffic: 0, least: 0 })));
    fabric.firmware_request.forEach((request, i) => {
      request.from(at(this.no_request, i + 1));
    });
    fabric.media_in.forEach((media, i) => {
      media.from(at(this.no_media, i + 1));
    });
    connect(fabric as Module<unknown>, { control: this.control.slice(1) } as never);
    keepQuiet({
      requests: this.no_request,
      media: this.no_media,
      unread: [...fabric.firmware_response, ...fabric.media_out, root.firmware_response, root.media_out] as Stream<
        UIntType<number>
      >[],
    });
    this.dws.set([root.dws, ...fabric.dws]);
    this.tlps.set([root.tlps, ...fabric.tlps]);
  }
}
