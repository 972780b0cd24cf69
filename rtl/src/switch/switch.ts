import {
  anyOf,
  type Bool,
  connect,
  HdlError,
  input,
  Module,
  output,
  PacketArbiter,
  RegisterSlice,
  type Stream,
  stream,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { BridgeConfigSpace } from '../config/bridge-config-space.ts';
import { type TlpBeatType, tlpBeat } from '../tlp/tlp.ts';
import { ConfigCompleter, UnsupportedCompleter } from './completers.ts';
import { Ingress } from './ingress.ts';
import { routeFromAbove, routeFromBelow, routeType } from './routing.ts';

export interface SwitchParams {
  /** Bits of a beat: 64, 128, 256 or 512. */
  readonly width: number;
  /** Downstream ports, 1 to 32: downstream port j is device j of the internal bus. */
  readonly ports: number;
  readonly vendor_id: number;
  readonly device_id: number;
}

/**
 * A PCI Express switch at the transaction layer: an upstream port and `ports` downstream ports, each a bridge with its own type 1 configuration space
 * (1.3.3; rules C20 to C25, C30 to C36, C38, C40 to C44, C82, C83).
 *
 *     rx ─► Ingress ─┬─► PacketArbiter ─► RegisterSlice ─► tx     per port; arbiters see every other ingress
 *         way fixed  ├─► UnsupportedCompleter ─► arbiter of the same port
 *                    └─► ConfigCompleter (upstream port only) ─► arbiter of the upstream port
 *
 * A packet that passes takes 2 cycles from its first beat in to its first beat out when the egress is free, a beat per cycle and no idle
 * cycle between packets; port pairs that share no port do not slow each other. Egress is round robin between packets. Packets are neither
 * split nor joined, and the packets of one ingress keep their order on the way to any one egress (one queue per ingress for all classes,
 * rule C60). All `valid`, `ready` and payloads at the ports come from registers. Reset empties the switch and clears its configuration.
 */
export class Switch extends Module<SwitchParams> {
  readonly upstream_rx = input(stream(tlpBeat(this.p.width)));
  readonly upstream_tx = output(stream(tlpBeat(this.p.width)));
  readonly downstream_rx = input(vec(this.p.ports, stream(tlpBeat(this.p.width))));
  readonly downstream_tx = output(vec(this.p.ports, stream(tlpBeat(this.p.width))));

  /** Index 0 is the upstream port, j + 1 downstream port j. */
  private readonly total = this.p.ports + 1;
  private readonly space = this.each(
    i =>
      new BridgeConfigSpace({
        vendor_id: this.p.vendor_id,
        device_id: this.p.device_id,
        direction: i === 0 ? 'upstream' : 'downstream',
        port_number: i,
      }),
  );
  private readonly ingress = this.each(() => new Ingress({ width: this.p.width, ports: this.total }));
  private readonly unsupported = this.each(() => new UnsupportedCompleter({ width: this.p.width }));
  private readonly config_completer = new ConfigCompleter({ width: this.p.width, ports: this.total });
  /** Every other ingress, the port's own refusals, and for the upstream port the configuration completions. */
  private readonly arbiter = this.each(
    i => new PacketArbiter({ n: i === 0 ? this.total + 1 : this.total, type: tlpBeat(this.p.width) }),
  );
  private readonly egress = this.each(() => new RegisterSlice({ type: tlpBeat(this.p.width) }));
  private readonly route = this.each(() => wire(routeType(this.total)));
  private readonly convert = this.each(() => wire(uint(1)));
  private readonly refused = this.each(() => wire(stream(tlpBeat(this.p.width))));
  private readonly accesses = wire(stream(tlpBeat(this.p.width)));

  protected override logic() {
    const { ports, width } = this.p;
    if (ports > 32) throw new HdlError(`a switch has 1 to 32 downstream ports, not ${ports}`);
    if (![64, 128, 256, 512].includes(width)) throw new HdlError(`the width of a beat is 64, 128, 256 or 512 bits, not ${width}`);
    this.configure();
    this.decide();
    this.join();
  }

  private each<X>(make: (i: number) => X): X[] {
    return Array.from({ length: this.p.ports + 1 }, (_, i) => make(i));
  }

  private configure(): void {
    const { config_completer: config, space } = this;
    space.forEach((s, i) => {
      connect(s, {
        access_valid: config.access_valid.bit(i),
        access_write: config.access_write,
        access_register: config.access_register,
        access_data: config.access_data,
        access_mask: config.access_mask,
        capture: config.capture.bit(i),
        capture_id: config.capture_id,
        dropped: at(this.ingress, i).dropped,
      });
    });
  }

  /** The way of a packet, from the bridges' state at the moment when its first beat arrives. */
  private decide(): void {
    const upstream = at(this.space, 0).state;
    const downstream = this.space.slice(1).map(s => s.state);
    this.receivers().forEach((rx, i) => {
      const route = at(this.route, i);
      const convert = at(this.convert, i);
      route.set({ egress: 0, config: 0, unsupported: 0 });
      convert.set(0);
      when(rx.valid.and(rx.payload.first), () => {
        const { header } = rx.payload;
        const decision =
          i === 0 ? routeFromAbove(header, upstream, downstream) : routeFromBelow(header, upstream, downstream, i - 1);
        const { egress, config, unsupported } = decision;
        route.set({ egress, config, unsupported });
        convert.set(decision.convert);
      });
      connect(at(this.ingress, i), { rx, route, convert });
    });
  }

  /** Every arbiter gets its inputs, and every ingress hears from all who may take its beat. */
  private join(): void {
    const { config_completer: config } = this;
    const transmitters: readonly Stream<TlpBeatType>[] = [this.upstream_tx, ...this.downstream_tx];
    this.ingress.forEach((ingress, i) => {
      const { valid, payload, ready } = ingress.out;
      const { route, beat } = payload;
      const taken: Bool[] = [];
      const offer = (to: Stream<TlpBeatType>, chosen: Bool) => {
        to.valid.set(valid.and(chosen));
        to.put(beat);
        taken.push(chosen.and(to.ready));
      };
      offer(at(this.refused, i), route.unsupported);
      if (i === 0) offer(this.accesses, route.config);
      this.arbiter.forEach((arbiter, e) => {
        // Nothing leaves by its ingress (C44), so an arbiter needs no input for its own port and ingress i stands at i or i - 1.
        if (e !== i) offer(at(arbiter.in, i < e ? i : i - 1), route.egress.bit(e));
      });
      ready.set(anyOf(taken));
    });
    connect(config, {
      in: this.accesses,
      id: this.space.map(s => s.state.id),
      read_data: this.space.map(s => s.read_data),
    });
    this.arbiter.forEach((arbiter, e) => {
      const refusal = at(this.unsupported, e);
      connect(refusal, { in: at(this.refused, e), id: at(this.space, e).state.id });
      at(arbiter.in, this.p.ports).from(refusal.out);
      if (e === 0) at(arbiter.in, this.p.ports + 1).from(config.out);
      const egress = at(this.egress, e);
      connect(egress, { in: arbiter.out });
      at(transmitters, e).from(egress.out);
    });
  }

  private receivers(): readonly Stream<TlpBeatType>[] {
    return [this.upstream_rx, ...this.downstream_rx];
  }
}
