import { Bundle, bool, clog2, connect, input, output, uint, vec } from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { DataRange, DirectionCounts, dataRanges, LinkCounters } from '../link/link-counters.ts';
import { Fabric } from './fabric.ts';
import type { Link } from './link.ts';

/** Counts of both directions of a link. */
export class LinkCounts extends Bundle({ down: DirectionCounts, up: DirectionCounts }) {}

/**
 * A fabric with a monitor on every link, for measurement; the traffic is the same as without. `counters` has an element per name of `links`,
 * 2 cycles behind the link's senders. `cycle` is the time that the monitors note, `ranges` the addresses where user data lies.
 */
export class ObservedFabric extends Fabric {
  readonly cycle = input(uint(48));
  /** Zeroes all counters. */
  readonly clear = input(bool);
  readonly ranges = input(vec(dataRanges, DataRange));
  readonly counters = output(vec(this.links.length, LinkCounts));
  private readonly monitor = this.links.map(
    () =>
      new LinkCounters({
        // Bus 0 is the root complex; no fabric numbers more buses than this.
        bus_bits: clog2(2 + this.links.length + this.p.topology.switches.length),
        tag_bits: clog2(Math.max(256, this.p.topology.root_tags, ...this.p.topology.endpoints.map(e => e.params.tags))),
      }),
  );

  protected override joinLinks(): readonly Link[] {
    const { cycle, clear, ranges } = this;
    const joined = super.joinLinks();
    joined.forEach(({ down, up }, i) => {
      const tap = ({ producer, consumer }: typeof down) => ({
        fire: producer.valid.and(consumer.ready),
        first: producer.payload.first,
        header: producer.payload.header,
      });
      const monitor = connect(at(this.monitor, i), { down_tap: tap(down), up_tap: tap(up), ranges, cycle, clear });
      at(this.counters, i).set({ down: monitor.down, up: monitor.up });
    });
    return joined;
  }
}
