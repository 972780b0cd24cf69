import { configWrite, type LinkModelParams, topology } from '@hdl/pcie-rtl';
import { embedded, type Simulation, simulate } from '@hdl/ts-hdl';
import { softwareTag } from './agent.ts';
import { bridgeRegisters, bridgesOf, prefetchBase } from './plan.ts';
import { SteadyHarness } from './steady.ts';

/** The agents of the fabric of a `SteadyBench`. */
export const Steady = { root: 0, left: 1, right: 2, aside: 3 } as const;

/** Two levels: a switch with two leaves, `left` and `right`, below one that has the third leaf, `aside`. */
const twoLevels = topology({
  switches: [
    { name: 'upper0', parent: 'root' },
    { name: 'lower0', parent: 'upper0' },
  ],
  endpoints: [
    { name: 'left', parent: 'lower0', memory_bytes: 4096 },
    { name: 'right', parent: 'lower0', memory_bytes: 4096 },
    { name: 'aside', parent: 'upper0', memory_bytes: 4096 },
  ],
});

/** What receivers advertise for posted TLPs: enough for the round trip of any link here. */
const posted = { headers: 127, data: 1024 };

/** Rates of steady writes through a fabric of link models. */
export class SteadyBench implements Disposable {
  private readonly simulation: Simulation;
  private readonly clock: number;

  constructor(link: LinkModelParams) {
    this.clock = link.clock_mhz * 1e6;
    const { width } = link;
    this.simulation = simulate(() => new SteadyHarness({ topology: twoLevels, width, posted, link }), {
      engine: (design, options) => embedded(design, { ...options, memories: [] }),
    }).engine;
    // The links come up, and their credits are exchanged.
    this.simulation.step(2000);
    for (const bridge of bridgesOf(twoLevels))
      for (const [offset, data, mask = 0xf] of bridgeRegisters(bridge, 512)) {
        const kind = bridge.bus === 1 ? (0 as const) : (1 as const);
        const place = { bus: bridge.bus, device: bridge.device, function: 0, register: offset / 4 };
        const {
          payload: _,
          digest: __,
          ...header
        } = configWrite({ requester_id: 0, tag: softwareTag, kind, ...place, data, mask });
        for (const [name, value] of Object.entries(header)) this.drive(`software_header_${name}`, value);
        this.drive('software_data', data >>> 0);
        for (const name of ['first', 'last', 'valid']) this.drive(`software_${name}`, 1);
        this.simulation.step(1);
        this.drive('software_valid', 0);
        this.simulation.step(400);
      }
  }

  private drive(name: string, value: number | bigint): void {
    const words = this.simulation.ports.get(name)?.words;
    if (!words) throw new RangeError(`the fabric has no port '${name}'`);
    let rest = BigInt(value);
    for (let i = 0; i < words.length; i++, rest >>= 32n) words[i] = Number(rest & 0xffff_ffffn);
  }

  /** An agent writes `bytes` bytes at a time to another from now on; without a target it rests. */
  write(from: number, to: number | undefined, bytes = 512): void {
    this.drive(`control_${from}_send`, to === undefined ? 0 : 1);
    this.drive(`control_${from}_address`, prefetchBase + BigInt((to ?? 0) << 20));
    this.drive(`control_${from}_dws`, bytes / 4);
  }

  /** Bytes per second of payload that come at each agent, once the rate is steady. */
  rates(cycles = 12_000): readonly number[] {
    this.simulation.step(4000);
    const dws = (agent: number) => this.simulation.ports.get(`dws_${agent}`)?.words[0] ?? 0;
    const all = Object.values(Steady);
    const before = all.map(dws);
    this.simulation.step(cycles);
    return all.map((agent, i) => ((4 * (dws(agent) - (before[i] ?? 0))) / cycles) * this.clock);
  }

  [Symbol.dispose](): void {
    this.simulation[Symbol.dispose]();
  }
}
