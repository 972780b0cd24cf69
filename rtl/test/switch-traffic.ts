/** Random traffic through a switch, and what must become of it: told from the plan of the ports alone. */
import { expect } from 'vitest';
import type { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { completionOf, configRead, dwCount, memoryRead, memoryWrite, type Packet } from '../src/tlp/packet.ts';
import { TlpType } from '../src/tlp/tlp.ts';
import { classOf } from './link-bench.ts';
import type { LinkBench, PlannedPort } from './switch-device-bench.ts';

interface Sent {
  readonly packet: Packet;
  readonly ingress: number;
  readonly kind: string;
  readonly relaxed: boolean;
  /** Who sent it, as ID-based ordering has it (C65). */
  readonly sender: number;
  readonly entered: number;
}

/** A TLP of each kind that a switch routes, from `ingress` to `egress` (0 is up), with a serial number in tag and requester ID. */
export function randomTlp(
  random: Random,
  plan: readonly PlannedPort[],
  way: { readonly ingress: number; readonly egress: number; readonly serial: number; readonly payload: number },
): Packet {
  const { ingress, egress, serial, payload: most } = way;
  const to = at(plan, egress);
  const bus = egress === 0 ? 0 : to.secondary + random.below(to.subordinate - to.secondary + 1);
  const kinds = ['write', 'write', 'read', 'completion', 'completion', 'atomic', 'io', 'message'];
  const kind = random.pick(ingress === 0 ? [...kinds, 'config'] : egress === 0 ? [...kinds, 'root message'] : kinds);
  const dws = random.chance(0.3) ? most / 4 : 1 + random.below(most / 4);
  const data = kind === 'write' || (kind === 'completion' && random.chance(0.8)) || (kind === 'io' && random.chance(0.5));
  const length = kind === 'atomic' ? random.pick([1, 2]) : kind === 'io' || kind === 'config' ? 1 : dws;
  const with_data = data || kind === 'atomic' || (kind === 'config' && random.chance(0.5));
  const [high, window] = random.chance(0.5) ? [false, to.memory] : [true, to.prefetch];
  const outside = high ? 0x70_0000_0000n : 0x20_0000n;
  const address = (egress === 0 ? outside : window[0]) + BigInt(random.below(256) * 4096);
  const type =
    kind === 'completion'
      ? TlpType.completion
      : kind === 'atomic'
        ? TlpType.fetchAdd
        : kind === 'io'
          ? TlpType.io
          : kind === 'message'
            ? TlpType.message | 2
            : kind === 'root message'
              ? TlpType.message
              : kind === 'config'
                ? TlpType.config1
                : 0;
  const message = kind === 'message' || kind === 'root message';
  const places: { readonly [kind: string]: bigint } = {
    completion: BigInt(random.below(2 ** 16)) << 48n,
    io: (egress === 0 ? 0x100n : to.io[0]) + BigInt(4 * random.below(1024)),
    message: (BigInt(bus) << 56n) | BigInt(random.below(2 ** 31)),
    'root message': BigInt(random.below(2 ** 31)),
    config: BigInt((((bus << 24) | (bus === to.secondary ? 0 : random.below(2 ** 8) << 16)) >>> 0) + 4 * random.below(1024)),
  };
  const simple = kind === 'io' || kind === 'config';
  const td = random.chance(0.1) ? 1 : 0;
  const size = length & 0x3ff;
  return {
    fmt: (with_data ? 2 : 0) | (message || (high && (kind === 'write' || kind === 'read' || kind === 'atomic')) ? 1 : 0),
    type,
    tc: simple ? 0 : random.below(8),
    attr: simple ? 0 : random.below(8),
    th: 0,
    td,
    ep: random.chance(0.05) ? 1 : 0,
    at: 0,
    length: message && !with_data ? 0 : size,
    requester_id:
      ((kind === 'completion' ? bus : ingress === 0 ? 0 : at(plan, ingress).secondary) << 8) | ((serial >> 10) & 0xff),
    tag: serial & 0x3ff,
    last_be: simple ? 0 : message ? 7 : length > 1 ? 15 : 0,
    first_be: 15,
    address: places[kind] ?? address,
    payload: with_data ? random.bytes(4 * dwCount({ length: size } as Packet)) : new Uint8Array(0),
    ...(td ? { digest: random.below(2 ** 32) } : {}),
  };
}

/** Neither a posted TLP nor the same sender's: ID-based ordering lets it pass. */
const byId = ({ packet, kind, sender }: Sent, earlier: Sent) =>
  kind !== 'posted' && (packet.attr & 4) !== 0 && sender !== earlier.sender;

const keyOf = (p: Packet): number => p.tag | ((p.requester_id & 0xff) << 10);
/** Tag and requester of what the switch answers. */
const answerKey = 0x3ffff;
/** What a TLP is, whatever its type became. */
const contentOf = ({ type, payload, address, ...rest }: Packet) =>
  JSON.stringify({
    ...rest,
    type: type === TlpType.config0 ? TlpType.config1 : type,
    address: `${address}`,
    payload: [...payload],
  });

/** Keeps what went in, and checks what comes out: nothing lost, doubled, altered, astray or out of order. */
export class Scoreboard {
  readonly latencies: number[] = [];
  /** By ingress and egress. */
  readonly waiting: Sent[][][];
  arrived = 0;
  /** Requests that the switch has to answer itself, and its answers. */
  asked = 0;
  answered = 0;
  private readonly bench: LinkBench;
  private serial = 0;

  constructor(bench: LinkBench) {
    this.bench = bench;
    const n = bench.ports.length;
    this.waiting = Array.from({ length: n }, () => Array.from({ length: n }, () => []));
    bench.partners.forEach((partner, egress) => {
      partner.onPacket = packet => this.arrives(egress, packet);
      partner.onStart = (packet, cycle) => this.enters(packet, cycle);
    });
  }

  private readonly ways = new Map<Packet, { ingress: number; egress: number }>();

  /** Queues a random TLP at `ingress` for `egress`. */
  queue(ingress: number, egress: number, payload: number): void {
    const packet = randomTlp(this.bench.random, this.bench.ports, { ingress, egress, serial: this.serial++, payload });
    this.ways.set(packet, { ingress, egress });
    this.bench.partner(ingress).source.queue.push(packet);
  }

  /** Queues a request that the switch answers itself: an access of a port, or one that nobody takes; or a write that nobody takes. */
  ask(ingress: number): void {
    const { random, ports } = this.bench;
    const requester_id = (ingress === 0 ? 0 : at(ports, ingress).secondary << 8) | 0xff;
    const from = { requester_id, tag: 0x3ff };
    const hole = { ...from, address: 0x8010_0000n };
    const target = { ...from, kind: 1 as const, bus: random.chance(0.8) ? 2 : 3, device: 0, function: 0, register: 0 };
    const kind = random.pick(ingress === 0 ? ['read', 'config', 'write'] : ['read', 'write']);
    if (kind !== 'write') this.asked++;
    const packet =
      kind === 'read'
        ? memoryRead({ ...hole, bytes: 64 })
        : kind === 'config'
          ? configRead(target)
          : memoryWrite({ ...hole, data: random.bytes(64) });
    this.bench.partner(ingress).source.queue.push(packet);
  }

  private enters(packet: Packet, cycle: number): void {
    const way = this.ways.get(packet);
    if (!way) return;
    this.ways.delete(packet);
    const kind = classOf(packet);
    const relaxed = (packet.attr & 2) !== 0 && (kind === 'completion' || (kind === 'non_posted' && packet.fmt >= 2));
    const sender = kind === 'completion' ? completionOf(packet).completer_id : packet.requester_id;
    at(at(this.waiting, way.ingress), way.egress).push({ packet, ingress: way.ingress, kind, relaxed, sender, entered: cycle });
  }

  private arrives(egress: number, packet: Packet): void {
    const { sink } = this.bench.partner(egress);
    sink.received.pop();
    if (keyOf(packet) === answerKey) {
      this.answered++;
      return;
    }
    for (const lists of this.waiting) {
      const list = at(lists, egress);
      const index = list.findIndex(s => keyOf(s.packet) === keyOf(packet));
      const sent = list[index];
      if (!sent) continue;
      expect(contentOf(packet), `packet ${keyOf(packet)} unaltered`).toBe(contentOf(sent.packet));
      if (packet.type !== sent.packet.type) expect(packet.address >> 24n).toBe(BigInt(at(this.bench.ports, egress).secondary));
      for (const earlier of list.slice(0, index)) {
        const passes = earlier.kind === sent.kind || (earlier.kind === 'posted' && !sent.relaxed && !byId(sent, earlier));
        if (passes) expect.fail(`${sent.kind} ${keyOf(packet)} passes ${earlier.kind} ${keyOf(earlier.packet)}`);
      }
      list.splice(index, 1);
      this.arrived++;
      return;
    }
    expect.fail(`egress ${egress}: packet ${keyOf(packet)} of type ${packet.type} does not belong there, or comes twice`);
  }

  /** Nothing is left inside. */
  empty(): void {
    expect(this.waiting.flat(2).map(s => keyOf(s.packet))).toEqual([]);
    expect(this.answered).toBe(this.asked);
  }
}
