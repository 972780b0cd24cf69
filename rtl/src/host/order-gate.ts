import { allOf, bool, input, Module, mux, output, reg, stream, uint, when } from '@hdl/ts-hdl';
import { tlpBeat } from '../tlp/tlp.ts';

/**
 * Holds a TLP until the posted beats that were on their way when it came are gone (2.4.1, rules C60 and C61): as many have to leave as were inside when its first beat was
 * seen, less those that left in that cycle. Later posted TLPs may pass. A TLP waits 1 cycle at least; its other beats wait for nothing. Combinational from `in` to `out`.
 */
export class OrderGate extends Module<{ /** Bits of a beat. */ readonly width: number }> {
  /** Posted beats that are on their way, at most 3; one of them leaves in this cycle. */
  readonly on_their_way = input(uint(2));
  readonly leaves = input(bool);
  readonly in = input(stream(tlpBeat(this.p.width)));
  readonly out = output(stream(tlpBeat(this.p.width)));
  /** The TLP at `in` was seen, and those before it are counted. */
  private readonly seen = reg(bool, { init: 0 });
  private readonly ahead = reg(uint(2));

  protected override logic() {
    const { in: incoming, out, seen, ahead } = this;
    const open = seen.and(ahead.any().not());
    out.valid.set(incoming.valid.and(open));
    out.put(incoming.payload);
    incoming.ready.set(out.ready.and(open));
    const count = mux(seen, ahead, this.on_their_way.add(0));
    when(incoming.valid, () => {
      seen.set(1);
      ahead.set(count.subSat(this.leaves.zext(2)));
    });
    when(allOf([incoming.fire, incoming.payload.last]), () => seen.set(0));
  }
}
