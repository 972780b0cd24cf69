import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { bool, input, Module, output, uint, vec } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { portControls } from '../src/config/port-controls.ts';
import { type Way, wayFromAbove, wayFromBelow } from '../src/switch/route.ts';
import { configTarget, type PacketHeader } from '../src/tlp/packet.ts';
import { TlpHeader, TlpType } from '../src/tlp/tlp.ts';

const ports = 3;

/** Both functions as hardware of their own; `ingress` says which of them counts. */
class Probe extends Module {
  readonly header = input(TlpHeader);
  readonly port = input(vec(ports + 1, portControls(ports)));
  readonly ingress = input(uint(2));
  readonly egress = output(uint(ports + 1));
  readonly access = output(bool);
  readonly broadcast = output(bool);
  readonly terminate = output(bool);
  readonly unsupported = output(bool);
  readonly violation = output(bool);
  readonly blocked = output(bool);
  readonly convert = output(bool);

  protected override logic() {
    const upstream = at(this.port, 0);
    const downstream = [...this.port].slice(1);
    const ways: Way[] = [wayFromAbove(this.header, upstream, downstream)];
    for (let i = 0; i < ports; i++) ways.push(wayFromBelow(this.header, upstream, downstream, i));
    const chosen = <K extends Exclude<keyof Way, 'egress'>>(key: K) =>
      ways.map((way, i) => this.ingress.eq(i).and(way[key])).reduce((a, b) => a.or(b));
    const egress = ways.map((way, i) => Array.from({ length: ports + 1 }, (_, e) => this.ingress.eq(i).and(way.egress.bit(e))));
    for (let e = 0; e <= ports; e++) this.egress.bit(e).set(egress.map(bits => at(bits, e)).reduce((a, b) => a.or(b)));
    this.access.set(chosen('access'));
    this.broadcast.set(chosen('broadcast'));
    this.terminate.set(chosen('terminate'));
    this.unsupported.set(chosen('unsupported'));
    this.violation.set(chosen('violation'));
    this.blocked.set(chosen('blocked'));
    this.convert.set(chosen('convert'));
  }
}

type Range = readonly [first: bigint, last: bigint];
interface Port {
  readonly mse: boolean;
  readonly ioe: boolean;
  readonly bme: boolean;
  readonly buses: readonly [number, number];
  readonly io: Range;
  readonly memory: Range;
  readonly prefetch: Range;
  readonly acs: { readonly [bit in 'sv' | 'tb' | 'rr' | 'cr' | 'uf' | 'ec' | 'dt']: boolean };
  readonly vector: number;
  readonly ari: boolean;
  readonly no_atomics: boolean;
  readonly up: boolean;
}
type Outcome =
  | { readonly to: 'port'; readonly port: number; readonly type0: boolean }
  | { readonly to: 'access' | 'broadcast' | 'terminate' | 'unsupported' | 'violation' | 'blocked' };

const within = (x: bigint, [first, last]: Range) => first <= x && x <= last;
const behind = ({ buses: [first, last] }: Port, bus: number) => first !== 0 && first <= bus && bus <= last;

/** The rules one after the other. */
function reference(h: PacketHeader, ingress: number, all: readonly Port[]): Outcome {
  const upstream = at(all, 0);
  const downstream = all.slice(1);
  const own = at(all, ingress);
  const memory = [TlpType.memory, TlpType.fetchAdd, TlpType.swap, TlpType.compareSwap].some(t => t === h.type);
  const atomic = memory && h.type !== TlpType.memory;
  const io = h.type === TlpType.io;
  const completion = h.type >> 1 === TlpType.completion >> 1;
  const message = h.type >> 3 === 2 ? h.type & 7 : undefined;
  const hits = (p: Port) =>
    memory ? within(h.address, p.memory) || within(h.address, p.prefetch) : io && within(h.address, p.io);
  const enabled = (p: Port) => (memory ? p.mse : p.ioe);
  const byId = completion || message === 2;
  const bus = completion ? h.requester_id >> 8 : Number(h.address >> 56n);
  const send = (port: number, type0 = false): Outcome => {
    if (port > 0 && !at(all, port).up) return { to: 'unsupported' };
    return atomic && at(all, port).no_atomics ? { to: 'blocked' } : { to: 'port', port, type0 };
  };
  const nobody: Outcome = { to: 'unsupported' };

  if (ingress === 0) {
    if (message === 3) return { to: 'broadcast' };
    if (message === 4) return { to: 'terminate' };
    if (memory || io) {
      if (!enabled(upstream) || !hits(upstream)) return nobody;
      const port = downstream.findIndex(d => enabled(d) && hits(d));
      return port < 0 ? nobody : send(port + 1);
    }
    if (byId) {
      const port = downstream.findIndex(d => behind(upstream, bus) && behind(d, bus));
      return port < 0 ? nobody : send(port + 1);
    }
    const target = configTarget(h);
    if (h.type === TlpType.config0) return target.function === 0 ? { to: 'access' } : nobody;
    if (h.type !== TlpType.config1) return nobody;
    if (upstream.buses[0] !== 0 && target.bus === upstream.buses[0])
      return target.function === 0 && target.device < ports ? { to: 'access' } : nobody;
    const port = downstream.findIndex(
      d => behind(upstream, target.bus) && behind(d, target.bus) && (d.buses[0] !== target.bus || target.device === 0 || d.ari),
    );
    return port < 0 ? nobody : send(port + 1, downstream[port]?.buses[0] === target.bus);
  }

  if (!completion) {
    if (own.acs.sv && !behind(own, h.requester_id >> 8)) return { to: 'violation' };
    if (own.acs.tb && memory && h.at !== 0) return { to: 'violation' };
  }
  if (message === 4 || message === 5) return { to: 'terminate' };
  const addressed = memory || io;
  if (addressed && !own.bme) return nobody;
  const goUp = (): Outcome => (addressed && !upstream.bme ? nobody : send(0));
  if (message === 0) return goUp();
  if (!addressed && !byId) return nobody;
  const isBehind = (p: Port) => (addressed ? hits(p) : behind(p, bus));
  if (isBehind(own)) return own.acs.uf ? goUp() : nobody;
  const peer = downstream.findIndex((d, j) => j + 1 !== ingress && isBehind(d) && (!addressed || enabled(d)));
  if (peer < 0) return isBehind(upstream) ? nobody : goUp();
  if (completion) return own.acs.cr && (h.attr & 2) === 0 ? goUp() : send(peer + 1);
  if (memory && h.at === 2 && own.acs.dt) return send(peer + 1);
  const listed = ((own.vector >> peer) & 1) === 1;
  if (own.acs.ec && !listed) return send(peer + 1);
  if (own.acs.rr) return goUp();
  return own.acs.ec ? { to: 'violation' } : send(peer + 1);
}

describe('routing of a switch', () => {
  test('C20 C21 C22 C23 C25 C27 C30 C31 C32 C33 C34 C35 C36 C40 C41 C42 C43 C44 C82 C83 C98: random TLPs and ports go where the rules say', () => {
    const seed = 20;
    const random = new Random(seed);
    using sim = simulate(() => new Probe());
    const { dut } = sim;
    const set = (signal: Parameters<typeof sim.poke>[0], value: number | bigint | boolean) => sim.poke(signal, BigInt(value));
    const seen = new Map<string, number>();
    for (let round = 0; round < 120; round++) {
      const biased = (likely: number) => random.chance(likely);
      const all: Port[] = Array.from({ length: ports + 1 }, (_, i) => {
        const slot = BigInt(i === 0 ? 0 : 2 * i - 1);
        const size = i === 0 ? 7n : BigInt(random.pick([1, 1, 2]));
        const range = (base: bigint, unit: bigint): Range => {
          const first = base + slot * unit;
          return biased(0.05) ? [first, first - unit + (unit - 1n)] : [first, first + size * unit - 1n];
        };
        return {
          mse: biased(0.9),
          ioe: biased(0.9),
          bme: biased(0.9),
          buses: i === 0 ? [biased(0.95) ? 2 : 0, 12] : [biased(0.95) ? 3 * i : 0, 3 * i + random.pick([0, 2])],
          io: range(0x4000n, 0x1000n),
          memory: range(0x8000_0000n, 0x10_0000n),
          prefetch: range(0x40_0000_0000n, 0x10_0000n),
          acs: {
            sv: biased(0.2),
            tb: biased(0.2),
            rr: biased(0.3),
            cr: biased(0.3),
            uf: biased(0.3),
            ec: biased(0.3),
            dt: biased(0.3),
          },
          vector: random.below(2 ** ports),
          ari: biased(0.2),
          no_atomics: biased(0.2),
          up: biased(0.9),
        };
      });
      all.forEach((port, i) => {
        const controls = at(dut.port, i);
        set(controls.id, 0);
        set(controls.memory_enable, port.mse);
        set(controls.io_enable, port.ioe);
        set(controls.bus_master, port.bme);
        set(controls.secondary, port.buses[0]);
        set(controls.subordinate, port.buses[1]);
        set(controls.io_base, port.io[0] >> 12n);
        set(controls.io_limit, port.io[1] >> 12n);
        set(controls.memory_base, port.memory[0] >> 20n);
        set(controls.memory_limit, port.memory[1] >> 20n);
        set(controls.prefetch_base, port.prefetch[0] >> 20n);
        set(controls.prefetch_limit, port.prefetch[1] >> 20n);
        set(controls.acs.source_validation, port.acs.sv);
        set(controls.acs.translation_blocking, port.acs.tb);
        set(controls.acs.request_redirect, port.acs.rr);
        set(controls.acs.completion_redirect, port.acs.cr);
        set(controls.acs.upstream_forwarding, port.acs.uf);
        set(controls.acs.egress_control, port.acs.ec);
        set(controls.acs.direct_translated, port.acs.dt);
        set(controls.egress_vector, port.vector);
        set(controls.ari_forwarding, port.ari);
        set(controls.atomic_blocked, port.no_atomics);
        set(controls.link_up, port.up);
      });
      for (let i = 0; i < 60; i++) {
        const ingress = random.below(ports + 1);
        const type = random.pick([0, 0, 0, 0, 1, 2, 2, 4, 5, 5, 10, 10, 11, 12, 13, 14, 16, 17, 18, 18, 19, 20, 21, 31]);
        const slot = BigInt(random.below(8));
        const edge = BigInt(random.pick([0, 0x8000, 0xff_fc, -4]));
        const place =
          type === TlpType.io
            ? 0x4000n + slot * 0x1000n + BigInt(random.pick([0, 0xffc, -4]))
            : random.pick([0x8000_0000n, 0x40_0000_0000n]) + slot * 0x10_0000n + edge;
        const target =
          (BigInt(random.below(16)) << 24n) |
          (BigInt(random.pick([0, 0, 1, 2, 3, 31])) << 19n) |
          (BigInt(random.pick([0, 0, 0, 3])) << 16n);
        const header: PacketHeader = {
          fmt: random.pick([0, 2]),
          type,
          tc: 0,
          attr: random.below(8),
          th: 0,
          td: 0,
          ep: 0,
          at: random.pick([0, 0, 0, 1, 2, 2, 3]),
          length: 1,
          requester_id: ((random.chance(0.7) && ingress > 0 ? 3 * ingress : random.below(16)) << 8) | random.below(256),
          tag: 0,
          last_be: 0,
          first_be: 15,
          address: type === 4 || type === 5 ? target : type === 18 ? (BigInt(random.below(16)) << 56n) | 0x1234n : place,
        };
        for (const [name, value] of Object.entries(header)) set(dut.header[name as keyof PacketHeader] as never, value);
        set(dut.ingress, ingress);
        sim.settle();
        const expected = reference(header, ingress, all);
        const flags = ['access', 'broadcast', 'terminate', 'unsupported', 'violation', 'blocked'] as const;
        const got = {
          egress: Number(sim.peek(dut.egress)),
          convert: Number(sim.peek(dut.convert)),
          flags: flags.filter(flag => sim.peek(dut[flag]) === 1n),
        };
        const wanted =
          expected.to === 'port'
            ? { egress: 1 << expected.port, convert: expected.type0 ? 1 : 0, flags: [] }
            : { egress: 0, convert: 0, flags: [expected.to] };
        if (JSON.stringify(got) !== JSON.stringify(wanted)) {
          const told = JSON.stringify({ header, ingress, all }, (_, v) => (typeof v === 'bigint' ? v.toString(16) : v), 1);
          expect(got, `seed ${seed}: ${told}`).toEqual(wanted);
        }
        const key = `${ingress === 0 ? 'above' : 'below'} ${expected.to}${expected.to === 'port' ? (expected.port === 0 ? ' up' : ' down') : ''}`;
        seen.set(key, (seen.get(key) ?? 0) + 1);
      }
    }
    const kinds = [...seen]
      .sort()
      .filter(([, n]) => n >= 8)
      .map(([key]) => key);
    expect(kinds).toEqual([
      'above access',
      'above blocked',
      'above broadcast',
      'above port down',
      'above terminate',
      'above unsupported',
      'below blocked',
      'below port down',
      'below port up',
      'below terminate',
      'below unsupported',
      'below violation',
    ]);
  });
});
