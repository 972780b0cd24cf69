import { FcKind, FcUpdate, type LinkCredits, LinkModel, Switch } from '@hdl/pcie-rtl';
import { bool, connect, input, Module, mux, output, select, stream, u, uint, vec, wire } from '@hdl/ts-hdl';
import { at, lossy } from '../soak/harness.ts';
import { StallControl } from '../soak/stall.ts';
import { RingPointers, RingPort } from './ring-port.ts';

/** Links of the switch: the root port's, then those below; the first one below is the hostile one. */
export const links = 5;
export const hostile = 1;

/** What a port of the switch advertises, and its partner: little, so that credits matter. */
export const switchCredits = {
  posted: { headers: 8, data: 48 },
  non_posted: { headers: 8, data: 8 },
  completion: { headers: 8, data: 48 },
} as const;
const partnerCredits: LinkCredits = {
  posted: { headers: 6, data: 40 },
  non_posted: { headers: 4, data: 4 },
  completion: { headers: 6, data: 40 },
};

/**
 * A switch with software's `RingPort`s at all its links. On the hostile link lies a model that can take it down; and between model and partner limits of the
 * switch can be exaggerated, held up and lost. With `wire` what leaves the switch goes over wires, which carry the header of a TLP once.
 *
 *     RingPort 0 (root) ─► Switch ◄─► LinkModel ◄─► RingPort 1 (hostile)
 *                                 ◄─► RingPort 2, 3, 4
 */
export class SwitchFaultHarness extends Module<{ readonly width: number; readonly wire?: boolean }> {
  readonly pointers = input(vec(links, RingPointers));
  readonly status = output(vec(links, RingPointers));
  readonly stall = input(vec(links, StallControl));
  readonly salt = input(uint(32));
  /** Of the hostile link: pulled out; trained anew; limits from the switch (0) and to it (1) are lost, and those from it wait. */
  readonly pulled = input(bool);
  readonly retrain = input(bool);
  readonly lose_limits = input(uint(2));
  readonly hold_limits = input(bool);
  /** Credits that the hostile partner believes to have beyond those that it was granted, by class. */
  readonly beyond = input(vec(3, uint(8)));
  /** The hostile link is up for the partner. */
  readonly up = output(bool);
  private readonly device = new Switch({
    width: this.p.width,
    ports: links - 1,
    vendor_id: 0x1d1d,
    device_id: 0x5100,
    max_payload: 256,
    credits: switchCredits,
  });
  private readonly port = Array.from(
    { length: links },
    (_, i) =>
      new RingPort({ width: this.p.width, credits: partnerCredits, seed: 0x2345_6789 + 0x1111 * i, wire: this.p.wire ?? false }),
  );
  private readonly model = new LinkModel({
    width: this.p.width,
    clock_mhz: 250,
    generation: 3,
    lanes: 2,
    max_payload: 256,
    latency_ns: 24,
    training_cycles: 40,
    recovery_cycles: 40,
  });
  private readonly limits_down = wire(stream(FcUpdate));
  private readonly limits_up = wire(stream(FcUpdate));

  protected override logic() {
    const { device, model } = this;
    this.port.forEach((port, i) => {
      connect(port, {
        pointers: at(this.pointers, i),
        stall: at(this.stall, i),
        salt: this.salt,
        link_up: i === hostile ? model.b_up : 1,
        rx: i === 0 ? device.upstream_tx : i === hostile ? model.b_rx : at(device.downstream_tx, i - 1),
        rx_fc: i === 0 ? device.upstream_tx_fc : i === hostile ? this.limits_down : at(device.downstream_tx_fc, i - 1),
      });
      at(this.status, i).set(port.status);
    });
    const below = this.port.slice(1);
    connect(device, {
      upstream_rx: at(this.port, 0).tx,
      upstream_rx_fc: at(this.port, 0).tx_fc,
      downstream_rx: below.map((port, j) => (j + 1 === hostile ? model.a_rx : port.tx)),
      downstream_rx_fc: below.map((port, j) => (j + 1 === hostile ? model.a_rx_fc : port.tx_fc)),
      hot_reset: 0,
      link_up: below.map((_, j) => (j + 1 === hostile ? model.a_up : 1)),
    });
    const partner = at(this.port, hostile);
    connect(model, {
      a_tx: at(device.downstream_tx, hostile - 1),
      a_tx_fc: at(device.downstream_tx_fc, hostile - 1),
      b_tx: partner.tx,
      b_tx_fc: this.limits_up,
      hot_reset: at(device.downstream_hot_reset, hostile - 1),
      down: this.pulled,
      retrain: this.retrain,
    });
    this.up.set(model.b_up);
    this.changeLimits();
  }

  /** Limits on the hostile link are lost, held up and exaggerated. */
  private changeLimits(): void {
    const { limits_up, limits_down, hold_limits } = this;
    const up = lossy(at(this.port, hostile).tx_fc, this.lose_limits.bit(1));
    limits_up.valid.set(up.valid);
    limits_up.put(up.payload);
    up.ready.set(limits_up.ready);

    const down = lossy(this.model.b_rx_fc, this.lose_limits.bit(0));
    const { kind, traffic, headers, data } = down.payload;
    const beyond = mux(kind.eq(FcKind.update), select(traffic, [...this.beyond, u(8, 0)]).as(8), 0);
    limits_down.valid.set(down.valid.and(hold_limits.not()));
    limits_down.put({ kind, traffic, headers: headers.add(beyond), data: data.add(beyond.zext(12)) });
    down.ready.set(limits_down.ready.and(hold_limits.not()));
  }
}
