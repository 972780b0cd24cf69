import { describe, expect, test } from 'vitest';
import { type Engine, simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import type { PortView } from '../../hdl/src/engine/simulation.ts';
import { Random } from '../../hdl/test/random.ts';
import { engines } from '../../sim/testbench/src/on-engines.ts';
import { at } from '../src/at.ts';
import { Crossbar } from '../src/switch/crossbar.ts';
import { saturation } from './crossbar-saturation.ts';

interface Packet {
  readonly id: number;
  readonly ingress: number;
  readonly egress: number;
  readonly kind: number;
  readonly beats: number;
  /** Cycle in which the first beat went in. */
  entered: number;
}

/** Ends of every port of a crossbar: what goes in is made by `next`, what comes out is checked and counted. */
class Bench implements Disposable {
  readonly sim: TypedSimulation<Crossbar>;
  readonly left: Packet[] = [];
  readonly latencies: number[] = [];
  readonly beatsOut: number[];
  /** Per ingress, by class: packets that came in and are not gone from the buffer; data credits of them. */
  readonly inside: number[][];
  /** Egresses that an ingress asks for though nothing comes for them. */
  guess = () => 0;
  private readonly inputs: { [name: string]: PortView }[];
  private readonly outputs: { [name: string]: PortView }[];
  private readonly allowed: PortView[];
  private readonly gone: { readonly valid: PortView; readonly kind: PortView; readonly credits: PortView }[];
  private readonly begun: { readonly valid: PortView; readonly kind: PortView; readonly credits: PortView }[];
  private readonly current: ({ readonly packet: Packet; beat: number } | undefined)[];
  private readonly open: ({ readonly packet: Packet; beat: number } | undefined)[];
  /** By ingress and egress, what was sent and has not come out, in order. */
  readonly expected: Packet[][][];
  private readonly packets = new Map<number, Packet>();
  private next = 1;

  constructor(options: { ports: number; width?: number; slots?: number; engine?: Engine; weights?: readonly number[] }) {
    const { ports, width = 64, slots = 256, engine, weights } = options;
    this.sim = simulate(() => new Crossbar({ width, ports, slots, ...(weights && { weights }) }), engine ? { engine } : {});
    const { dut } = this.sim;
    const port = (x: Parameters<typeof this.sim.port>[0]) => this.sim.port(x);
    this.inputs = dut.in.map(({ valid, ready, payload: { beat, egress, class: kind, credits, relaxed, sender } }, i) => ({
      valid: port(valid),
      asks: port(at(dut.asks, i)),
      ready: port(ready),
      egress: port(egress),
      kind: port(kind),
      credits: port(credits),
      relaxed: port(relaxed),
      sender: port(sender),
      data: port(beat.data),
      first: port(beat.first),
      last: port(beat.last),
      length: port(beat.header.length),
    }));
    this.outputs = dut.out.map(({ valid, ready, payload: { data, first, last, header } }) => ({
      valid: port(valid),
      ready: port(ready),
      data: port(data),
      first: port(first),
      last: port(last),
      length: port(header.length),
    }));
    this.allowed = dut.allowed.map(port);
    const moved = (m: (typeof dut.gone)[number]) => ({ valid: port(m.valid), kind: port(m.class), credits: port(m.credits) });
    this.gone = dut.gone.map(moved);
    this.begun = dut.begun.map(moved);
    this.current = Array.from({ length: ports });
    this.open = Array.from({ length: ports });
    this.beatsOut = Array.from({ length: ports }, () => 0);
    this.inside = Array.from({ length: ports }, () => [0, 0, 0]);
    this.expected = Array.from({ length: ports }, () => Array.from({ length: ports }, () => []));
  }

  /** @param make the next packet of an ingress, or nothing now. @param take whether an egress takes a beat. @param allow classes that may begin there. */
  run(
    cycles: number,
    make: (ingress: number) => { readonly egress: number; readonly kind: number; readonly beats: number } | undefined,
    take: (egress: number) => boolean = () => true,
    allow: (egress: number) => number = () => 7,
  ): void {
    for (let i = 0; i < cycles; i++) {
      const allowing = this.allowed.map((_, e) => allow(e));
      this.inputs.forEach((port, ingress) => {
        const made = this.current[ingress] ? undefined : make(ingress);
        if (made) {
          const packet = { ...made, id: this.next++, ingress, entered: -1 };
          this.packets.set(packet.id, packet);
          this.current[ingress] = { packet, beat: 0 };
        }
        const going = this.current[ingress];
        put(port, 'valid', going ? 1 : 0);
        put(port, 'egress', going ? 1 << going.packet.egress : 0);
        put(port, 'asks', this.guess() | (going?.beat === 0 ? 1 << going.packet.egress : 0));
        if (!going) return;
        const { packet, beat } = going;
        put(port, 'kind', 1 << packet.kind);
        put(port, 'credits', packet.beats);
        put(port, 'relaxed', 0);
        put(port, 'sender', 0);
        put(port, 'first', beat === 0 ? 1 : 0);
        put(port, 'last', beat === packet.beats - 1 ? 1 : 0);
        put(port, 'length', packet.id % 1024);
        port.data?.words.set([packet.id, beat]);
      });
      this.outputs.forEach((port, e) => void put(port, 'ready', take(e) ? 1 : 0));
      this.allowed.forEach((view, e) => {
        view.words[0] = at(allowing, e);
      });
      this.sim.settle();
      this.sample(allowing);
      this.sim.step();
    }
  }

  private sample(allowing: readonly number[]): void {
    const { cycle } = this.sim;
    this.inputs.forEach((port, ingress) => {
      const going = this.current[ingress];
      if (!going || get(port, 'ready') === 0) return;
      const { packet } = going;
      if (going.beat === 0) {
        packet.entered = cycle;
        at(at(this.expected, ingress), packet.egress).push(packet);
        at(this.inside, ingress)[packet.kind] = (at(this.inside, ingress)[packet.kind] ?? 0) + packet.beats;
      }
      going.beat++;
      if (going.beat === packet.beats) this.current[ingress] = undefined;
    });
    this.begun.forEach(({ valid, kind }, e) => {
      if (valid.words[0])
        expect(at(allowing, e) & (kind.words[0] ?? 0), `a packet begins at egress ${e} with credits`).not.toBe(0);
    });
    this.gone.forEach(({ valid, kind, credits }, ingress) => {
      if (!valid.words[0]) return;
      const inside = at(this.inside, ingress);
      const k = Math.log2(kind.words[0] ?? 0);
      inside[k] = (inside[k] ?? 0) - (credits.words[0] ?? 0);
      expect(inside[k]).toBeGreaterThanOrEqual(0);
    });
    this.outputs.forEach((port, egress) => {
      if (get(port, 'valid') === 0 || get(port, 'ready') === 0) return;
      const [id = 0, beat = 0] = port.data?.words ?? [];
      const packet = this.packets.get(id);
      expect(packet, `a beat of packet ${id}`).toBeDefined();
      if (!packet) return;
      this.beatsOut[egress] = (this.beatsOut[egress] ?? 0) + 1;
      const open = this.open[egress] ?? { packet, beat: 0 };
      expect([open.packet.id, open.beat], `egress ${egress} cycle ${cycle}: packets are whole`).toEqual([id, beat]);
      expect([packet.egress, get(port, 'length')]).toEqual([egress, id % 1024]);
      expect([get(port, 'first'), get(port, 'last')]).toEqual([beat === 0 ? 1 : 0, beat === packet.beats - 1 ? 1 : 0]);
      if (beat === 0) this.begins(packet);
      open.beat++;
      this.open[egress] = open.beat === packet.beats ? undefined : open;
      if (open.beat === packet.beats) this.packets.delete(id);
    });
  }

  /** The rows of the ordering table (C60) that hold without attributes, for one ingress and one egress. */
  private begins(packet: Packet): void {
    const queue = at(at(this.expected, packet.ingress), packet.egress);
    const index = queue.indexOf(packet);
    const overtaken = queue.slice(0, index).filter(p => p.kind === packet.kind || p.kind === 0);
    expect(
      overtaken.map(p => p.id),
      `packet ${packet.id} of class ${packet.kind} overtakes`,
    ).toEqual([]);
    queue.splice(index, 1);
    this.left.push(packet);
    this.latencies.push(this.sim.cycle - packet.entered);
  }

  [Symbol.dispose](): void {
    this.sim[Symbol.dispose]();
  }
}

function put(port: { readonly [name: string]: PortView }, name: string, value: number): void {
  const view = port[name];
  if (!view) throw new RangeError(name);
  view.words[0] = value;
}
const get = (port: { readonly [name: string]: PortView }, name: string): number => port[name]?.words[0] ?? 0;

/** Jain's index of fairness: 1 if all shares are equal. */
function jain(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  return sum ** 2 / (shares.length * shares.reduce((a, b) => a + b * b, 0));
}

describe('crossbar', () => {
  test.each([
    [1, 3, 0.9, 0.9, 0.9],
    [2, 4, 0.7, 0.9, 0.9],
    [3, 5, 1, 0.5, 0.7],
    [4, 9, 0.9, 1, 1],
  ])('C38 C60 C61: nothing is lost, altered, cut or out of order (seed %i, %i ports)', (seed, ports, fill, drain, credits) => {
    const random = new Random(seed);
    using bench = new Bench({ ports });
    bench.guess = () => (random.chance(0.1) ? random.below(2 ** ports) : 0);
    const make = (ingress: number) =>
      random.chance(fill)
        ? {
            egress: (ingress + 1 + random.below(ports - 1)) % ports,
            kind: random.below(3),
            beats: 1 + random.below(random.pick([1, 2, 9])),
          }
        : undefined;
    bench.run(
      3000,
      make,
      () => random.chance(drain),
      () => (random.chance(credits) ? 7 : random.below(8)),
    );
    bench.run(3000, () => undefined);
    expect(bench.expected.flat(2)).toEqual([]);
    expect(bench.inside.flat().every(n => n === 0)).toBe(true);
    expect(bench.left.length).toBeGreaterThan(ports * 300);
  });

  test.each([1, 4])('latency: 3 cycles from first beat in to first beat out (%i beats)', beats => {
    using bench = new Bench({ ports: 5 });
    for (const [ingress, egress] of [
      [0, 1],
      [2, 1],
      [2, 1],
      [3, 4],
      [1, 0],
    ] as const) {
      const before = bench.left.length;
      let sent = false;
      bench.run(20, i => {
        if (sent || i !== ingress) return undefined;
        sent = true;
        return { egress, kind: 0, beats };
      });
      expect(bench.left.length).toBe(before + 1);
    }
    expect(bench.latencies).toEqual([3, 3, 3, 3, 3]);
  });

  test.each([1, 2, 8])('non-blocking: disjoint pairs of 9 ports all move a beat per cycle (%i beats)', beats => {
    using bench = new Bench({ ports: 9 });
    const pairs = [1, 2, 0, 4, 3, 6, 5, 8, 7];
    const make = (ingress: number) => ({ egress: at(pairs, ingress), kind: 0, beats });
    bench.run(50, make);
    const before = [...bench.beatsOut];
    bench.run(400, make);
    expect(bench.beatsOut.map((n, e) => n - at(before, e))).toEqual(pairs.map(() => 400));
  });

  test('C70g: a blocked egress stops nobody else', () => {
    using bench = new Bench({ ports: 4, slots: 64 });
    const random = new Random(9);
    // Ingress 1 sends everything to egress 0, which takes nothing; 2 and 3 write to each other.
    let blocked = 0;
    const make = (ingress: number) => {
      if (ingress === 1) return blocked++ < 8 ? { egress: 0, kind: 0, beats: 4 } : { egress: 2, kind: random.below(3), beats: 4 };
      if (ingress === 2) return { egress: 3, kind: 0, beats: 4 };
      return undefined;
    };
    bench.run(100, make, e => e !== 0);
    const before = [...bench.beatsOut];
    bench.run(400, make, e => e !== 0);
    expect(bench.beatsOut.map((n, e) => n - at(before, e))).toEqual([0, 0, 400, 400]);
  });

  test('a hot egress is shared fairly, and used in every cycle', () => {
    const shares = Array.from({ length: 8 }, () => 0);
    using bench = new Bench({ ports: 9 });
    const random = new Random(5);
    const make = (ingress: number) => (ingress === 0 ? undefined : { egress: 0, kind: random.below(3), beats: 4 });
    bench.run(200, make);
    const before = bench.left.length;
    const beats = at(bench.beatsOut, 0);
    bench.run(4000, make);
    for (const { ingress } of bench.left.slice(before)) shares[ingress - 1] = (shares[ingress - 1] ?? 0) + 1;
    expect(at(bench.beatsOut, 0) - beats).toBe(4000);
    expect(jain(shares)).toBeGreaterThan(0.999);
  });

  test.each([
    [1, [1, 1, 1, 1, 1]],
    [4, [1, 1, 2, 4, 9]],
    [1, [1, 255, 1, 16, 3]],
  ])('a hot egress is shared by weights, and used in every cycle (%i beats, weights %j)', (beats, weights) => {
    using bench = new Bench({ ports: 5, weights });
    const random = new Random(8);
    const round = weights.slice(1).reduce((a, b) => a + b);
    const make = (ingress: number) => (ingress === 0 ? undefined : { egress: 0, kind: random.below(3), beats });
    bench.run(100, make);
    const before = bench.left.length;
    const out = at(bench.beatsOut, 0);
    const cycles = Math.ceil(3000 / round) * round * beats;
    bench.run(cycles, make);
    expect(at(bench.beatsOut, 0) - out).toBe(cycles);
    const left = bench.left.slice(before).map(({ ingress }) => ingress);
    const shares = weights.slice(1).map((weight, i) => left.filter(ingress => ingress === i + 1).length / weight);
    expect(jain(shares)).toBeGreaterThan(0.99);
    // Nobody waits longer than the others' weights.
    for (const ingress of [1, 2, 3, 4]) {
      const times = left.flatMap((from, i) => (from === ingress ? [i] : []));
      const gaps = times.slice(1).map((time, i) => time - at(times, i));
      expect(Math.max(...gaps), `ingress ${ingress}`).toBeLessThanOrEqual(round);
    }
  });

  test('weights hold nobody back who asks alone, and who asks again gets what is due', () => {
    using bench = new Bench({ ports: 4, weights: [1, 1, 7, 3] });
    const random = new Random(4);
    const only = (ingresses: readonly number[]) => (ingress: number) =>
      ingresses.includes(ingress) ? { egress: 0, kind: 0, beats: 2 } : undefined;
    for (let round = 0; round < 40; round++) {
      const some = [1, 2, 3].filter(() => random.chance(0.6));
      if (some.length === 0) continue;
      bench.run(20, only(some));
      const out = at(bench.beatsOut, 0);
      bench.run(60, only(some));
      // A grant for a packet that came just then may be a cycle early.
      expect(at(bench.beatsOut, 0) - out, `round ${round}`).toBeGreaterThanOrEqual(59);
    }
    bench.run(2000, () => undefined);
    expect(bench.expected.flat(2)).toEqual([]);
    expect(() => new Bench({ ports: 3, weights: [1, 0, 1] })).toThrow(/from 1 to 255/);
  });

  test.each([1, 4, 8])('full mesh of random packets: as much as one round of grants per cycle allows (%i beats)', beats => {
    const [ports, slots] = [8, 256];
    using bench = new Bench({ ports, slots });
    const random = new Random(11);
    const make = (ingress: number) => ({ egress: (ingress + 1 + random.below(ports - 1)) % ports, kind: 0, beats });
    bench.run(1000, make);
    const before = bench.beatsOut.reduce((a, b) => a + b, 0);
    bench.run(3000, make);
    const used = (bench.beatsOut.reduce((a, b) => a + b, 0) - before) / (3000 * ports);
    const theory = saturation({ ports, beats, slots }, 'one round');
    expect(used).toBeGreaterThan(theory - 0.01);
    expect(used).toBeLessThan(theory + 0.01);
    // One queue per ingress would end here, however well its packets were chosen.
    expect(saturation({ ports, beats, slots: beats }, 'perfect')).toBeLessThan(0.64);
    expect(saturation({ ports, beats, slots }, 'perfect')).toBeGreaterThan(0.97);
  });

  test.each(engines)('the same on every engine (%s)', (_, engine) => {
    const random = new Random(6);
    using bench = new Bench({ ports: 4, slots: 32, engine });
    const make = (ingress: number) =>
      random.chance(0.7)
        ? { egress: (ingress + 1 + random.below(3)) % 4, kind: random.below(3), beats: 1 + random.below(5) }
        : undefined;
    bench.run(800, make, () => random.chance(0.8));
    bench.run(400, () => undefined);
    expect(bench.expected.flat(2)).toEqual([]);
  });
});
