/** What a switch must do with a TLP, in plain TypeScript: the reference for the router in hardware. */
import { completionOf, configTarget, type PacketHeader, packetClass } from '../src/tlp/packet.ts';
import { TlpType } from '../src/tlp/tlp.ts';

/** A port's bridge as software configured it. Limits are the last byte. */
export interface ModelBridge {
  secondary: number;
  subordinate: number;
  memory: readonly [base: bigint, limit: bigint];
  prefetch: readonly [base: bigint, limit: bigint];
  mse: boolean;
  bme: boolean;
}

/** Port 0 is upstream. */
export type Outcome =
  | { readonly to: 'port'; readonly port: number; readonly type0: boolean }
  | { readonly to: 'space'; readonly port: number }
  | { readonly to: 'unsupported' }
  | { readonly to: 'dropped' };

const inside = (x: bigint, [base, limit]: readonly [bigint, bigint]) => base <= limit && x >= base && x <= limit;
const claims = (b: ModelBridge, address: bigint) => inside(address, b.memory) || inside(address, b.prefetch);
const behind = (b: ModelBridge, bus: number) => b.secondary !== 0 && b.secondary <= bus && bus <= b.subordinate;

export function routeModel(h: PacketHeader, ingress: number, bridges: readonly ModelBridge[]): Outcome {
  const [upstream, ...downstream] = bridges;
  if (!upstream) throw new Error('no upstream port');
  const refused: Outcome = packetClass(h) === 'non-posted' ? { to: 'unsupported' } : { to: 'dropped' };
  const port = (n: number, type0 = false): Outcome => ({ to: 'port', port: n, type0 });
  const own = bridges[ingress];
  const atomic = h.type >= 12 && h.type <= 14;

  if (h.type === TlpType.memory || atomic) {
    if (ingress === 0) {
      if (!upstream.mse || !claims(upstream, h.address)) return refused;
      const hit = downstream.findIndex(d => d.mse && claims(d, h.address));
      return hit < 0 ? refused : port(hit + 1);
    }
    if (!own?.bme || claims(own, h.address)) return refused;
    const peer = downstream.findIndex((d, j) => j + 1 !== ingress && d.mse && claims(d, h.address));
    if (peer >= 0) return port(peer + 1);
    return claims(upstream, h.address) || !upstream.bme ? refused : port(0);
  }

  if (h.type === TlpType.config0 || h.type === TlpType.config1) {
    if (ingress !== 0) return { to: 'unsupported' };
    const target = configTarget(h);
    if (h.type === TlpType.config0) return target.function === 0 ? { to: 'space', port: 0 } : refused;
    if (upstream.secondary !== 0 && target.bus === upstream.secondary)
      return target.function === 0 && target.device < downstream.length ? { to: 'space', port: target.device + 1 } : refused;
    const hit = downstream.findIndex(d => behind(upstream, target.bus) && behind(d, target.bus));
    if (hit < 0) return refused;
    if (downstream[hit]?.secondary !== target.bus) return port(hit + 1);
    return target.device === 0 ? port(hit + 1, true) : refused;
  }

  // A type that does not exist is malformed: nobody answers it. Locked reads and I/O are known, and refused.
  const message = h.type >> 3 === 2;
  if (!message && ![TlpType.completion, TlpType.io, 0b00001].includes(h.type)) return { to: 'dropped' };
  const routing = h.type & 7;
  if (h.type === TlpType.completion || (message && routing === 2)) {
    const bus = message ? Number(h.address >> 56n) : h.requester_id >> 8;
    if (ingress === 0) {
      const hit = downstream.findIndex(d => behind(upstream, bus) && behind(d, bus));
      return hit < 0 ? refused : port(hit + 1);
    }
    if (own && behind(own, bus)) return refused;
    const peer = downstream.findIndex((d, j) => j + 1 !== ingress && behind(d, bus));
    if (peer >= 0) return port(peer + 1);
    return behind(upstream, bus) ? refused : port(0);
  }
  if (message && routing === 0 && ingress !== 0) return port(0);
  return refused;
}

/** The completion that a port gives a request that it refuses. */
export function refusal(h: PacketHeader, completer_id: number): PacketHeader & { readonly payload: Uint8Array } {
  const memory = h.type === TlpType.memory;
  const enabled: number[] = [];
  const count = h.length || 1024;
  for (let i = 0; i < 4 * count; i++) {
    const enables = i < 4 ? h.first_be : i >= 4 * (count - 1) ? h.last_be : 0xf;
    if ((enables >> (i % 4)) & 1) enabled.push(i);
  }
  const [first = 0] = enabled;
  const bytes = (enabled.at(-1) ?? 0) - first + 1;
  const answer = {
    fmt: 0,
    type: TlpType.completion,
    tc: h.tc,
    attr: h.attr,
    th: 0,
    td: 0,
    ep: 0,
    at: 0,
    length: 0,
    requester_id: h.requester_id,
    tag: h.tag,
    last_be: 0,
    first_be: 0,
    address:
      (BigInt(completer_id) << 48n) |
      (1n << 45n) |
      (BigInt(memory ? bytes & 0xfff : 4) << 32n) |
      (memory ? (h.address & 0x7cn) | BigInt(first) : 0n),
    payload: new Uint8Array(0),
  };
  // The model and the decoder of completions agree on where the fields lie.
  if (completionOf(answer).completer_id !== completer_id) throw new Error('completer ID');
  return answer;
}
