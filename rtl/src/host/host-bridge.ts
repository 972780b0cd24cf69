import {
  anyOf,
  type Bool,
  Bundle,
  bool,
  connect,
  input,
  Module,
  output,
  PacketArbiter,
  RegisterSlice,
  RoundRobinArbiter,
  type Stream,
  stream,
  uint,
  vec,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { type Header, isAtomic, isMemory, tlpBeat } from '../tlp/tlp.ts';
import { Iommu } from './iommu.ts';
import { OrderGate } from './order-gate.ts';
import { IommuFault, type IommuParams } from './translation-pipe.ts';
import { WriteSplitter } from './write-splitter.ts';

/** Memory windows that lead to a root port. */
export const windowsPerPort = 2;

/** Addresses in pages of 4 KiB: from `base` to `limit`, both inside; none if `base` is above `limit`. */
export class BridgeWindow extends Bundle({ base: uint(52), limit: uint(52) }) {}

/** What lies below a root port. */
export class BridgePort extends Bundle({
  windows: vec(windowsPerPort, BridgeWindow),
  /** Bus numbers, both inside. */
  secondary: uint(8),
  subordinate: uint(8),
}) {}

export interface HostBridgeParams extends IommuParams {
  /** Root ports. */
  readonly ports: number;
  /** Bytes of payload into which forwarded memory writes are split; they stay whole without. */
  readonly split?: number;
}

type Beats = Stream<ReturnType<typeof tlpBeat>>;

/**
 * What a host bridge does with that which comes up its root ports: the addresses are translated, then a request for what lies below a root port, be it another or the same,
 * goes down there if the bridge forwards such requests, and all else goes to the host (1.3.1, rule C39).
 *
 *     posted[i] ──────► Iommu ──┬─ a root port's windows, may ─► WriteSplitter ─► PacketArbiter ─► down_posted[j]
 *     non_posted[i] ─► gate ─┘  └─ else ─────────────────────────► PacketArbiter ─► up_posted, up_non_posted
 *     completion[i] ─► gate ──┬─ a root port's bus numbers ──────► PacketArbiter ─► down_completion[j]
 *                             └─ else ───────────────────────────► PacketArbiter ─► up_completion
 *
 * `forwards_posted` and `forwards_non_posted` say which requests the bridge passes from port to port: none, writes alone, or all. What it does not pass is the host's, which
 * owns no such address: it drops posted requests and answers others with Unsupported Request. Completions always find their requester.
 *
 * 3 cycles for posted requests, 5 for non-posted ones and 4 for completions, a beat per cycle; non-posted requests and completions stay behind the posted requests of their port that
 * came before them. A port whose partner gives no credits holds up what comes behind a request for it, also what is for the host: there are no queues by
 * destination. Messages are the host's. Reset forgets what is inside.
 */
export class HostBridge extends Module<HostBridgeParams> {
  private readonly beat = tlpBeat(this.p.width);
  private readonly each = vec(this.p.ports, stream(this.beat));
  readonly translates = input(bool);
  readonly forwards_posted = input(bool);
  readonly forwards_non_posted = input(bool);
  readonly below = input(vec(this.p.ports, BridgePort));
  /** What came up, by root port. */
  readonly posted = input(this.each);
  readonly non_posted = input(this.each);
  readonly completion = input(this.each);
  /** What goes down, by root port. */
  readonly down_posted = output(this.each);
  readonly down_non_posted = output(this.each);
  readonly down_completion = output(this.each);
  /** What is the host's. */
  readonly up_posted = output(stream(this.beat));
  readonly up_non_posted = output(stream(this.beat));
  readonly up_completion = output(stream(this.beat));
  readonly fault = output(stream(IommuFault));
  private readonly iommus = this.perPort(() => new Iommu(this.p));
  private readonly request_gates = this.perPort(() => new OrderGate(this.p));
  private readonly completion_gates = this.perPort(() => new OrderGate(this.p));
  /** A completion follows a posted beat 2 cycles after it or more: receivers of both count on that, as `LinkReceiver` gives it. */
  private readonly delays = this.perPort(() => [0, 1].map(() => new RegisterSlice({ type: this.beat })));
  private readonly fault_join = new RoundRobinArbiter({ n: this.p.ports, type: IommuFault });
  /** TLPs by where they go: to a root port, or behind those to the host. */
  private readonly sorted_posted = this.sorted();
  private readonly sorted_non_posted = this.sorted();
  private readonly sorted_completion = this.sorted();
  private readonly splitters = this.perPort(() =>
    this.p.split === undefined ? undefined : new WriteSplitter({ width: this.p.width, bytes: this.p.split }),
  );
  private readonly posted_joins = this.joins();
  private readonly non_posted_joins = this.joins();
  private readonly completion_joins = this.joins();
  private readonly split_posted = wire(this.each);

  private perPort<T>(make: () => T): T[] {
    return Array.from({ length: this.p.ports }, make);
  }

  private sorted() {
    return wire(vec(this.p.ports, vec(this.p.ports + 1, stream(this.beat))));
  }

  private joins() {
    return Array.from({ length: this.p.ports + 1 }, () => new PacketArbiter({ n: this.p.ports, type: this.beat }));
  }

  protected override logic() {
    const to_windows = this.below.map(({ windows }) => (header: Header): Bool => {
      const page = header.address.part(12, 52);
      const inside = anyOf(windows.map(({ base, limit }) => page.ge(base).and(page.le(limit))));
      return isMemory(header).or(isAtomic(header)).and(inside);
    });
    const to_buses = this.below.map(({ secondary, subordinate }) => (header: Header): Bool => {
      const bus = header.requester_id.bits(15, 8);
      return bus.ge(secondary).and(bus.le(subordinate));
    });
    this.iommus.forEach((iommu, i) => {
      const ahead = { on_their_way: iommu.posted_inside, leaves: iommu.posted_leaves };
      const request_gate = at(this.request_gates, i);
      const completion_gate = at(this.completion_gates, i);
      connect(request_gate, { ...ahead, in: at(this.non_posted, i) });
      connect(completion_gate, { ...ahead, in: at(this.completion, i) });
      connect(iommu, { enable: this.translates, posted_in: at(this.posted, i), non_posted_in: request_gate.out });
      const delayed = at(this.delays, i).reduce<Beats>((before, slice) => {
        connect(slice, { in: before });
        return slice.out;
      }, completion_gate.out);
      sort(iommu.posted_out, at(this.sorted_posted, i), to_windows, this.forwards_posted);
      sort(iommu.non_posted_out, at(this.sorted_non_posted, i), to_windows, this.forwards_non_posted);
      sort(delayed, at(this.sorted_completion, i), to_buses);
    });
    join(this.sorted_posted, this.posted_joins, [...this.split_posted, this.up_posted]);
    join(this.sorted_non_posted, this.non_posted_joins, [...this.down_non_posted, this.up_non_posted]);
    join(this.sorted_completion, this.completion_joins, [...this.down_completion, this.up_completion]);
    this.split_posted.forEach((posted, j) => {
      const splitter = this.splitters[j];
      if (splitter) connect(splitter, { in: posted });
      at(this.down_posted, j).from(splitter ? splitter.out : posted);
    });
    connect(this.fault_join, { in: this.iommus.map(({ fault }) => fault) });
    this.fault.from(this.fault_join.out);
  }
}

/** Gives each TLP to the root port that `chooses` it if it may go there, else to the host, whose stream is the last. */
function sort(from: Beats, to: readonly Beats[], chooses: readonly ((header: Header) => Bool)[], may?: Bool): void {
  const chosen = chooses.map(choose => (may ? choose(from.payload.header).and(may) : choose(from.payload.header)));
  const ways = [...chosen, anyOf(chosen).not()];
  ways.forEach((way, j) => {
    at(to, j).valid.set(from.valid.and(way));
    at(to, j).put(from.payload);
  });
  from.ready.set(anyOf(ways.map((way, j) => way.and(at(to, j).ready))));
}

/** Joins what goes to one place. */
function join(
  from: readonly (readonly Beats[])[],
  joins: readonly PacketArbiter<ReturnType<typeof tlpBeat>['fields']>[],
  to: readonly Beats[],
): void {
  joins.forEach((arbiter, j) => {
    connect(arbiter, { in: from.map(streams => at(streams, j)) });
    at(to, j).from(arbiter.out);
  });
}
