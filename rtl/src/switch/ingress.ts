import {
  Bundle,
  type BundleType,
  bool,
  HdlError,
  input,
  Module,
  mux,
  output,
  RegisterSlice,
  reg,
  stream,
  u,
  uint,
  when,
  wire,
} from '@hdl/ts-hdl';
import { type TlpBeatType, TlpType, tlpBeat } from '../tlp/tlp.ts';
import { type RouteType, routeType } from './routing.ts';

/** A beat with its way through the switch, the same in all beats of a packet. */
export const routedBeat = (width: number, ports: number): RoutedBeatType =>
  class RoutedBeat extends Bundle({ route: routeType(ports), beat: tlpBeat(width) }) {};
export type RoutedBeatType = BundleType<{ route: RouteType; beat: TlpBeatType }>;

/**
 * The receiving side of a switch port: fixes the way of a packet when its first beat arrives and keeps it to the last. 1 cycle of latency, a beat
 * per cycle; valid, payload and both readies come from registers. A packet without a way is taken at a beat per cycle and counted in `dropped`
 * (wraps). Reset empties it.
 */
export class Ingress extends Module<{ width: number; ports: number }> {
  readonly rx = input(stream(tlpBeat(this.p.width)));
  /** The way of the packet whose first beat is offered on `rx`. */
  readonly route = input(routeType(this.p.ports));
  /** A configuration request of type 1 that shall leave as type 0. */
  readonly convert = input(bool);
  readonly out = output(stream(routedBeat(this.p.width, this.p.ports)));
  readonly dropped = output(uint(32));
  private readonly current = wire(routeType(this.p.ports));
  private readonly held = reg(routeType(this.p.ports));
  private readonly drops = reg(uint(32), { init: 0 });
  private readonly slice = new RegisterSlice({ type: routedBeat(this.p.width, this.p.ports) });

  protected override logic() {
    const { ports } = this.p;
    if (ports < 2) throw new HdlError(`a switch has at least 2 ports, not ${ports}`);
    const { rx, current, slice } = this;
    const { header, data, first, last } = rx.payload;

    current.set(this.held);
    when(first, () => current.set(this.route));
    const drop = current.egress.any().or(current.config).or(current.unsupported).not();
    rx.ready.set(slice.in.ready);
    when(rx.valid.and(slice.in.ready), () => {
      this.held.set(current);
      when(first.and(drop), () => this.drops.set(this.drops.add(1)));
    });

    slice.in.valid.set(rx.valid.and(drop.not()));
    slice.in.put({
      route: current,
      beat: { header: { ...header, type: mux(this.convert, u(5, TlpType.config0), header.type) }, data, first, last },
    });
    this.out.from(slice.out);
    this.dropped.set(this.drops);
  }
}
