import {
  type Bool,
  bool,
  cat,
  connect,
  drive,
  HdlError,
  input,
  Module,
  mux,
  output,
  type Stream,
  stream,
  u,
  vec,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { PortConfigSpace } from '../config/port-config-space.ts';
import { beatsOfCredits } from '../link/class-buffer.ts';
import { FcUpdate } from '../link/fc-update.ts';
import { type TlpBeatType, tlpBeat } from '../tlp/tlp.ts';
import { Crossbar } from './crossbar.ts';
import { agentEgress, casterEgress, egressesOf } from './egresses.ts';
import { Multicaster } from './multicaster.ts';
import { PortEgress } from './port-egress.ts';
import { type PortCredits, PortIngress } from './port-ingress.ts';
import { agentMessages, SwitchAgent } from './switch-agent.ts';

export interface SwitchParams {
  /** Bits of a beat: 64, 128, 256 or 512. */
  readonly width: number;
  /** Downstream ports, 1 to 32: downstream port j is device j of the internal bus, and has port number j + 1. */
  readonly ports: number;
  readonly vendor_id: number;
  readonly device_id: number;
  /** Largest payload in bytes, 128 to 4,096; 512 by default. */
  readonly max_payload?: number;
  /** What each port advertises; `portCredits` of the largest payload by default. */
  readonly credits?: PortCredits;
  /** Beats that the buffer of a port holds: a power of two, as many as the credits can become. The least by default. */
  readonly slots?: number;
  /** Cycles from one refresh of all limits to the next; 4,096 by default. */
  readonly refresh_cycles?: number;
  /** What is below can be pulled out and put in while the system runs: the ports say so and interrupt. False by default. */
  readonly hot_plug?: boolean;
  /** Per port, the upstream one first: packets that may leave by each egress in a round of all ports that ask, 1 to 255. In turns without. */
  readonly weights?: readonly number[];
  /** Writes to multicast groups are copied (C97). False by default. */
  readonly multicast?: boolean;
}

/** Credits that keep a link busy: for two of the longest payloads, or 16 TLPs, of each class. */
export const portCredits = (max_payload: number): PortCredits => ({
  posted: { headers: 16, data: Math.max(32, max_payload / 8) },
  non_posted: { headers: 16, data: 16 },
  completion: { headers: 16, data: Math.max(32, max_payload / 8) },
});

/** Beats that TLPs of all classes can become together: what backs the credits, whatever mix of them comes (C70b, C70d). */
export const beatsOfPort = (credits: PortCredits, width: number): number =>
  [credits.posted, credits.non_posted, credits.completion].reduce((sum, each) => sum + beatsOfCredits(each, width), 0);

const directionOf = (port: number) => (port === 0 ? ('upstream' as const) : ('downstream' as const));

type Complete = Required<Omit<SwitchParams, 'weights'>> & Pick<SwitchParams, 'weights'>;

/** The parameters with their defaults. @throws HdlError for those that no switch can have. */
function complete(p: SwitchParams): Complete {
  const max_payload = p.max_payload ?? 512;
  const credits = p.credits ?? portCredits(max_payload);
  const beats = beatsOfPort(credits, p.width);
  const slots = p.slots ?? 2 ** Math.ceil(Math.log2(beats));
  if (![64, 128, 256, 512].includes(p.width))
    throw new HdlError(`the width of a beat is ${p.width} bits`, { help: 'use 64, 128, 256 or 512' });
  if (slots < beats)
    throw new HdlError(`the credits of a port can become ${beats} beats, and its buffer holds ${slots}`, {
      help: 'use more slots, or fewer credits',
    });
  for (const name of ['posted', 'completion'] as const)
    if (credits[name].data < max_payload / 16)
      throw new HdlError(`${credits[name].data} data credits for ${name} TLPs do not hold a payload of ${max_payload} bytes`, {
        help: `give at least ${max_payload / 16}, or state a smaller max_payload (C70b)`,
      });
  if (p.weights && p.weights.length !== p.ports + 1)
    throw new HdlError(`${p.weights.length} weights for ${p.ports + 1} ports`, {
      help: 'give one for each port, the upstream one first',
    });
  if (credits.non_posted.data < 2)
    throw new HdlError('a switch routes AtomicOps, and has 1 data credit for non-posted TLPs', {
      help: 'give at least 2 (C70b)',
    });
  if (agentMessages({ ...p, max_payload, slots }) < 1)
    throw new HdlError(`a buffer of ${slots} beats does not hold a message of ${max_payload} bytes`, { help: 'use more slots' });
  return {
    ...p,
    max_payload,
    credits,
    slots,
    refresh_cycles: p.refresh_cycles ?? 4096,
    hot_plug: p.hot_plug ?? false,
    multicast: p.multicast ?? false,
  };
}

/**
 * A PCI Express switch at the transaction layer: an upstream port and `ports` downstream ports, each a bridge with a configuration space of type 1
 * (1.3.3; C20 to C27, C30 to C38, C40 to C44, C60 to C62, C65, C70, C72 to C80, C82, C83, C85, C87 to C92, C98; with `multicast` C97).
 *
 *     rx ─► PortIngress ─► Crossbar ─► PortEgress ─► tx      per port; credits for rx go out by tx_fc, those for tx come in by rx_fc
 *                             ▲ │
 *                        SwitchAgent ◄─► PortConfigSpace × ports        with `multicast` two Multicasters beside the agent
 *
 * 4 cycles from the first beat in to the first beat out where nothing else wants the egress; a beat per cycle, also between packets; pairs of ports that share no port do not
 * slow each other, and what waits for one egress delays nothing that goes to another. A configuration access is answered 15 cycles after it came.
 *
 * `hot_reset` resets the configuration of all ports, but for what is sticky, and goes on to all links below. A link is down while it is in hot reset, disabled or contained, or its
 * `link_up` is 0: requests for it are refused, posted TLPs and completions dropped, those that were queued too, and both its ends exchange their credits anew
 * when it comes up. All outputs come from registers. `rst` empties the switch and clears its configuration.
 */
export class Switch extends Module<SwitchParams> {
  private readonly all = complete(this.p);
  private readonly beat = tlpBeat(this.p.width);
  readonly upstream_rx = input(stream(this.beat));
  readonly upstream_rx_fc = input(stream(FcUpdate));
  readonly upstream_tx = output(stream(this.beat));
  readonly upstream_tx_fc = output(stream(FcUpdate));
  readonly downstream_rx = input(vec(this.p.ports, stream(this.beat)));
  readonly downstream_rx_fc = input(vec(this.p.ports, stream(FcUpdate)));
  readonly downstream_tx = output(vec(this.p.ports, stream(this.beat)));
  readonly downstream_tx_fc = output(vec(this.p.ports, stream(FcUpdate)));
  /** From the link above. */
  readonly hot_reset = input(bool);
  /** To the devices below: hot reset, secondary bus reset, link disable or containment. */
  readonly downstream_hot_reset = output(vec(this.p.ports, bool));
  /** The links below are up. */
  readonly link_up = input(vec(this.p.ports, bool));

  /** Index 0 is the upstream port, j + 1 downstream port j. */
  private readonly space = this.each(port => new PortConfigSpace({ ...this.all, direction: directionOf(port) }));
  private readonly ingress = this.each(port => new PortIngress({ ...this.all, direction: directionOf(port) }));
  private readonly egress = this.each(() => new PortEgress(this.all));
  private readonly agent = new SwitchAgent(this.all);
  /** With multicast: for writes from above, and for those from below. */
  private readonly caster = this.all.multicast ? [new Multicaster(this.all), new Multicaster(this.all)] : [];
  /** Behind the ports it has the agent and what copies. */
  private readonly crossbar = new Crossbar({
    width: this.p.width,
    ports: egressesOf(this.all),
    slots: this.all.slots,
    // A turn is enough for what deals with one TLP at a time.
    ...(this.p.weights && { weights: Array.from({ length: egressesOf(this.all) }, (_, i) => this.p.weights?.[i] ?? 1) }),
    casters: 1 + this.caster.length,
  });

  protected override logic() {
    this.configure();
    this.join();
  }

  private each<X>(make: (port: number) => X): X[] {
    return Array.from({ length: this.p.ports + 1 }, (_, port) => make(port));
  }

  /** Whether a link is up: a link in hot reset is not. */
  private isUp(port: number): Bool {
    if (port === 0) return this.hot_reset.not();
    return at(this.link_up, port - 1).and(at(this.space, port).resets_below.not());
  }

  private configure(): void {
    const { agent, ingress } = this;
    const upstream = at(this.space, 0);
    this.space.forEach((space, port) => {
      const from = at(ingress, port);
      connect(space, {
        port,
        access_valid: agent.access_valid.bit(port),
        access_write: agent.access_write,
        access_register: agent.access_register,
        access_data: agent.access_data,
        access_mask: agent.access_mask,
        access_device: agent.access_device,
        hot_reset: port === 0 ? this.hot_reset : upstream.resets_below,
        link_up: port === 0 ? 1 : at(this.link_up, port - 1),
        error_valid: from.event_valid,
        error: from.event,
        error_contains: from.event_contains,
        dropped: from.dropped,
        aborted: agent.aborted.bit(port),
        system_error: from.system_error,
        system_error_fatal: from.system_error_fatal,
        system_error_source: from.system_error_source,
      });
      if (port > 0) at(this.downstream_hot_reset, port - 1).set(space.resets_below);
    });
  }

  private join(): void {
    const { crossbar } = this;
    const agent = agentEgress(this.all);
    const receive: readonly Stream<TlpBeatType>[] = [this.upstream_rx, ...this.downstream_rx];
    const send: readonly Stream<TlpBeatType>[] = [this.upstream_tx, ...this.downstream_tx];
    const limits: readonly Stream<typeof FcUpdate>[] = [this.upstream_rx_fc, ...this.downstream_rx_fc];
    const grants: readonly Stream<typeof FcUpdate>[] = [this.upstream_tx_fc, ...this.downstream_tx_fc];
    // To a partner that has no credits for the largest of them no AtomicOps go, as if software had blocked them (C98).
    const controls = this.space.map((space, port) => {
      const atomic_blocked = space.controls.atomic_blocked.or(at(this.egress, port).takes_atomics.not());
      return { ...space.controls, atomic_blocked };
    });
    this.ingress.forEach((ingress, port) => {
      const egress = at(this.egress, port);
      connect(ingress, {
        port,
        own: at(this.space, port).controls,
        containing: at(this.space, port).containing,
        rx: at(receive, port),
        partner: egress.partner,
        controls,
        link_up: this.isUp(port),
        contains: at(this.space, port).contains,
        gone: at(crossbar.gone, port),
      });
      at(grants, port).from(ingress.tx_fc);
      connect(egress, {
        in: at(crossbar.out, port),
        begun: at(crossbar.begun, port),
        rx_fc: at(limits, port),
        restart: ingress.restart,
      });
      at(send, port).from(egress.tx);
    });
    const begins = ({ payload: { beat, egress } }: typeof this.agent.out) => mux(beat.first, egress, 0);
    connect(crossbar, {
      in: [...this.ingress.map(ingress => ingress.out), this.agent.out, ...this.caster.map(caster => caster.out)],
      asks: [
        ...this.ingress.map(ingress => ingress.asks),
        begins(this.agent.out),
        ...this.caster.map(caster => begins(caster.out)),
      ],
      allowed: [...this.egress.map(egress => egress.allowed), this.agent.allowed, ...this.caster.map(caster => caster.allowed)],
    });
    this.joinCasters();
    connect(this.agent, {
      in: at(crossbar.out, agent),
      begun: at(crossbar.begun, agent),
      gone: at(crossbar.gone, agent),
      ids: this.space.map(space => space.controls.id),
      read_data: this.space.map(space => space.read_data),
      raise: this.space.map(space => space.message),
      links_up: cat(
        ...this.space
          .slice(1)
          .map(space => space.controls.link_up)
          .toReversed(),
      ),
      passes_correctable: at(this.space, 0).controls.passes_correctable,
      passes_severe: at(this.space, 0).controls.passes_severe,
      interrupts: this.space.map(space => space.interrupt),
      passes_writes: at(this.space, 0).controls.bus_master,
    });
  }

  /** What copies: the casters, and the agent for broadcasts. */
  private joinCasters(): void {
    const { crossbar, space } = this;
    this.caster.forEach((caster, i) => {
      const egress = casterEgress(this.all, directionOf(i));
      const { origin } = crossbar;
      if (!origin) throw new RangeError('a crossbar with casters tells origins');
      connect(caster, {
        in: at(crossbar.out, egress),
        begun: at(crossbar.begun, egress),
        origin: at(origin, egress).trunc(this.p.ports + 1),
        gone: at(crossbar.gone, egress),
        controls: space.map(({ multicast }) => some(multicast)),
        limits: space.map(port => port.controls.mps),
        // The upstream port passes requests from below only as a bus master (C82).
        open: cat(
          ...space
            .slice(1)
            .map(port => port.controls.link_up)
            .toReversed(),
          at(space, 0).controls.bus_master,
        ),
      });
    });
    const held = this.ingress.map(ingress => ingress.follows ?? u(1, 0));
    if (crossbar.held) drive(crossbar.held).set(cat(...held.toReversed()).zext(egressesOf(this.all)));
    this.ingress.forEach((ingress, port) => {
      if (ingress.groups) drive(ingress.groups).set(some(at(space, port).multicast));
      // An ingress that waits has one TLP that is copied.
      const done = this.caster[port === 0 ? 0 : 1]?.done.bit(port) ?? u(1, 0);
      if (ingress.copied) drive(ingress.copied).set(port === 0 ? done.or(this.agent.copied) : done);
    });
  }
}

/** What is there with multicast. */
function some<X>(value: X | undefined): X {
  if (value === undefined) throw new RangeError('a port of a switch with multicast has no multicast');
  return value;
}
