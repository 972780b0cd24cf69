import { expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { connect, input, Module, output, stream, vec } from '../../hdl/src/index.ts';
import { at } from '../src/at.ts';
import { FcUpdate } from '../src/link/fc-update.ts';
import { Switch } from '../src/switch/switch.ts';
import { configWrite, memoryWrite } from '../src/tlp/packet.ts';
import { tlpBeat } from '../src/tlp/tlp.ts';
import { LinkBench, least, type PartnerOptions, type PlannedPort, rootId, wide } from './switch-device-bench.ts';
import { Scoreboard } from './switch-traffic.ts';

const width: number = 128;
const MiB = 0x10_0000n;

/** Two switches in series: the lower one stands below port 1 of the upper one. Links: above, upper port 2, lower ports 1 and 2. */
class Tree extends Module<{ readonly multicast: boolean }> {
  readonly rx = input(vec(4, stream(tlpBeat(width))));
  readonly rx_fc = input(vec(4, stream(FcUpdate)));
  readonly tx = output(vec(4, stream(tlpBeat(width))));
  readonly tx_fc = output(vec(4, stream(FcUpdate)));
  private readonly upper = new Switch(this.of(2));
  private readonly lower = new Switch(this.of(3));

  private of(device_id: number) {
    return { width, ports: 2, vendor_id: 1, device_id, max_payload: 128, multicast: this.p.multicast };
  }

  protected override logic() {
    const { upper, lower } = this;
    const own = (i: number) => ({ rx: at(this.rx, i), rx_fc: at(this.rx_fc, i) });
    connect(upper, {
      upstream_rx: own(0).rx,
      upstream_rx_fc: own(0).rx_fc,
      downstream_rx: [lower.upstream_tx, own(1).rx],
      downstream_rx_fc: [lower.upstream_tx_fc, own(1).rx_fc],
      hot_reset: 0,
      link_up: [1, 1],
    });
    connect(lower, {
      upstream_rx: at(upper.downstream_tx, 0),
      upstream_rx_fc: at(upper.downstream_tx_fc, 0),
      downstream_rx: [own(2).rx, own(3).rx],
      downstream_rx_fc: [own(2).rx_fc, own(3).rx_fc],
      hot_reset: at(upper.downstream_hot_reset, 0),
      link_up: [1, 1],
    });
    [upper.upstream_tx, at(upper.downstream_tx, 1), ...lower.downstream_tx].forEach((tx, i) => {
      at(this.tx, i).from(tx);
    });
    [upper.upstream_tx_fc, at(upper.downstream_tx_fc, 1), ...lower.downstream_tx_fc].forEach((fc, i) => {
      at(this.tx_fc, i).from(fc);
    });
  }
}

/** Buses 4 to 4 + `buses` - 1 from `bus`, and windows of `mib` MiB from number `slot`. */
function port(bus: readonly [number, number, number], slot: number, mib: number): PlannedPort {
  const range = (base: bigint, unit: bigint) => [base + unit * BigInt(slot), base + unit * BigInt(slot + mib) - 1n] as const;
  const [primary, secondary, subordinate] = bus;
  return {
    primary,
    secondary,
    subordinate,
    io: range(0x4000n, 0x1000n),
    memory: range(0x8000_0000n, MiB),
    prefetch: range(0x40_0000_0000n, MiB),
    command: 7,
  };
}

class TreeBench extends LinkBench {
  /** @param groups with multicast: its window; all ports receive all groups. */
  constructor(options: PartnerOptions, groups?: bigint) {
    const sim = simulate(() => new Tree({ multicast: groups !== undefined }));
    const { rx, rx_fc, tx, tx_fc } = sim.dut;
    super(
      sim,
      rx.map((each, i) => ({ rx: each, rx_fc: at(rx_fc, i), tx: at(tx, i), tx_fc: at(tx_fc, i) })),
      options,
    );
    const bridges: readonly [number, number, PlannedPort][] = [
      [1, 0, port([1, 2, 12], 0, 4)],
      [2, 0, port([2, 3, 8], 0, 2)],
      [2, 1, port([2, 9, 12], 3, 1)],
      [3, 0, port([3, 4, 8], 0, 2)],
      [4, 0, port([4, 5, 6], 0, 1)],
      [4, 1, port([4, 7, 8], 1, 1)],
    ];
    this.ports = [0, 2, 4, 5].map(i => at(bridges, i)[2]);
    for (const [bus, device, planned] of bridges) {
      const put = (offset: number, data: number, mask = 15) => {
        const kind = bus === 1 ? (0 as const) : (1 as const);
        const place = { requester_id: rootId, tag: 1, kind, bus, device, function: 0, register: offset / 4 };
        this.access(configWrite({ ...place, data, mask }));
      };
      this.open(planned, 128, put);
      if (groups === undefined) continue;
      put(0x178, Number(groups & 0xffff_f000n) | 12);
      put(0x17c, Number(groups >> 32n));
      put(0x180, 0xffff_ffff);
      put(0x174, ((1 << 31) | (15 << 16)) >>> 0);
    }
  }
}

test.each([
  { seed: 1, partnerCredits: wide, sourceRate: 1, sinkRate: 1 },
  { seed: 2, partnerCredits: least(128), sourceRate: 0.9, sinkRate: 0.8 },
])('C20 C21 C38 C60 C62: two switches in series, all pairs of links (seed $seed)', options => {
  const bench = new TreeBench(options);
  const board = new Scoreboard(bench);
  for (let i = 0; i < 1000; i++) {
    const ingress = bench.random.below(4);
    board.queue(ingress, (ingress + 1 + bench.random.below(3)) % 4, 128);
  }
  bench.settle();
  board.empty();
  expect(board.arrived).toBe(1000);
});

test('C60 C62 C97: multicast through two switches, from above and from below at once with the least credits: all copies, in order', () => {
  const window = 0x60_0000_0000n;
  const bench = new TreeBench({ seed: 3, partnerCredits: least(128), sinkRate: 0.9 }, window);
  const rounds = 60;
  const sent = [0, 1, 2, 3].map(link => {
    const requester_id = link === 0 ? rootId : at(bench.ports, link).secondary << 8;
    return Array.from({ length: rounds }, (_, i) => {
      const address = window + 4096n * BigInt(i % 16);
      return memoryWrite({ requester_id, tag: 0, address, data: bench.random.bytes(4 * (1 + bench.random.below(32))) });
    });
  });
  for (const [link, packets] of sent.entries()) bench.partner(link).source.queue.push(...packets);
  bench.settle();
  for (const link of [0, 1, 2, 3]) {
    const came = bench.taken(link);
    for (const [from, packets] of sent.entries()) {
      const mine = came.filter(({ requester_id }) => requester_id === packets[0]?.requester_id);
      expect(mine, `from ${from} to ${link}`).toEqual(from === link ? [] : packets);
    }
  }
});
