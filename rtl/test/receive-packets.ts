/** Random TLPs for the receive side, right and wrong ones. */
import type { Random } from '../../hdl/test/random.ts';
import type { Packet } from '../src/tlp/packet.ts';
import { bases, maps, requesterId } from './receive-bench.ts';
import { malformed, rightLength } from './receive-reference.ts';

const nothing = new Uint8Array(0);
const plain = {
  tc: 0,
  attr: 0,
  th: 0,
  td: 0,
  ep: 0,
  at: 0,
  requester_id: requesterId,
  tag: 0,
  last_be: 0,
  first_be: 0,
} as const;

/** A TLP from its fields; payload as long as it should be. */
export function tlp(random: Random, fields: Partial<Packet> & Pick<Packet, 'fmt' | 'type'>): Packet {
  const { length = 1 } = fields;
  const payload = fields.fmt & 2 ? random.bytes(4 * (length || 1024)) : nothing;
  const digest = fields.td ? { digest: random.below(2 ** 32) } : {};
  return { ...plain, length, address: 0n, payload, ...digest, ...fields };
}

/** Many requesters: each tag is somebody else's. */
const asker = (tag: number) => ({ tag, requester_id: (tag * 0x2f35) & 0xffff });

const traits = (random: Random) => ({
  tc: random.below(8),
  attr: random.below(8),
  ...asker(random.below(1024)),
  td: random.chance(0.15) ? 1 : 0,
  at: random.chance(0.1) ? 2 : 0,
});

/** Byte enables that rule C8 allows. */
function enables(random: Random, dws: number, address: bigint) {
  if (dws === 1) return { first_be: random.chance(0.5) ? 15 : random.below(16), last_be: 0 };
  if (dws === 2 && address % 8n === 0n) return { first_be: 1 + random.below(15), last_be: 1 + random.below(15) };
  return { first_be: random.pick([15, 15, 14, 12, 8]), last_be: random.pick([15, 15, 7, 3, 1]) };
}

/** DW of a request: small ones are frequent. */
const sizes = [1, 1, 1, 2, 2, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 48, 64];

/** A part of what lies behind a BAR that is first written, then read: so that it does not matter which passes which. */
export interface Area {
  readonly address: bigint;
  readonly bytes: number;
  readonly registers: boolean;
  reading: boolean;
}

/** The BARs of the bench in areas of 512 bytes. */
export function areas(): Area[] {
  return maps.flatMap((map, f) =>
    map.flatMap((bar, b) => {
      const base = bases[f]?.[b];
      if (!bar || base === undefined) return [];
      return Array.from({ length: Math.min(bar.bytes, 0x2000) / 512 }, (_, i) => ({
        address: base + BigInt(512 * i),
        bytes: 512,
        registers: bar.to === 'registers',
        reading: false,
      }));
    }),
  );
}

function place(random: Random, area: Area, largest: number) {
  const dws = Math.min(random.pick(sizes), largest);
  const address = area.address + BigInt(4 * random.below(area.bytes / 4 - dws + 1));
  return { length: dws, address, four: address >> 32n === 0n ? 0 : 1, ...enables(random, dws, address) };
}

export function goodWrite(random: Random, area: Area, largest = 64): Packet {
  const { four, ...where } = place(random, area, largest);
  const ep = random.chance(0.05) ? 1 : 0;
  return tlp(random, { fmt: 2 | four, type: 0, ...traits(random), ep, ...where });
}

export function goodRead(random: Random, area: Area): Packet {
  const { four, ...where } = place(random, area, area.registers ? random.pick([2, 2, 2, 3]) : 128);
  return tlp(random, { fmt: four, type: 0, ...traits(random), ...where });
}

export function goodAtomic(random: Random, area: Area): Packet {
  const type = random.pick([12, 13, 14]);
  const operand = random.pick(type === 14 ? [4, 8, 16] : [4, 8]);
  const address = area.address + BigInt(operand * random.below(area.bytes / operand));
  const length = ((type === 14 ? 2 : 1) * operand) / 4;
  const ep = random.chance(0.1) ? 1 : 0;
  return tlp(random, { fmt: address >> 32n === 0n ? 2 : 3, type, ...traits(random), ep, length, address, first_be: 15 });
}

/** A configuration request; the bus and device number are those that the functions have. */
export function goodConfig(random: Random): Packet {
  const f = random.pick([0, 1, 2, 2, 5]);
  const address = (0x4328n << 16n) | BigInt(f << 16) | BigInt(4 * random.below(1024));
  const ep = random.chance(0.1) ? 1 : 0;
  const write = random.chance(0.5);
  return tlp(random, {
    fmt: write ? 2 : 0,
    type: 4,
    ...asker(random.below(1024)),
    td: random.chance(0.2) ? 1 : 0,
    ep,
    address,
    first_be: random.below(16),
  });
}

/** A TLP that nobody claims, or a message, or a completion: well formed all of them. */
export function other(random: Random): Packet {
  const read = { length: 1 + random.below(64), first_be: 15, last_be: 15, address: 0x7_0000_0100n };
  const some = [
    () => tlp(random, { fmt: 3, type: 0, ...traits(random), ...read }),
    () => tlp(random, { fmt: 1, type: 0, ...traits(random), ...read }),
    () => tlp(random, { fmt: 1, type: 1, ...read, address: 0x12_3400_4100n }),
    () => tlp(random, { fmt: 1, type: 0, ...read, address: 0x12_3400_4100n, at: 1 }),
    () => tlp(random, { fmt: random.pick([0, 2]), type: 2, first_be: 15, address: 0x1000n }),
    () => tlp(random, { fmt: random.pick([0, 2]), type: 5, first_be: 15, address: 0x4328_0000n }),
    () => tlp(random, { fmt: random.pick([1, 3]), type: 16 | random.below(8), length: 1 + random.below(32), ...codes(random) }),
    () => tlp(random, { fmt: 3, type: 12, length: 1, address: 0x7_0000_0100n }),
    () => tlp(random, { fmt: 2, type: 13, length: 2, address: 0xe000_3100n }),
    () => {
      const length = 1 + random.below(32);
      const where = BigInt(0x0100_0000 + 4 * length) << 32n;
      return tlp(random, { fmt: 2, type: 10, length, address: where, requester_id: random.pick([0x4328, 0x432a, 0x777]) });
    },
    () => tlp(random, { fmt: 0, type: 11, length: 0, address: 1n << 45n, requester_id: 0x4328 }),
  ];
  for (;;) {
    const packet = random.pick(some)();
    if (!malformed(packet, 128)) return packet;
  }
}

const codes = (random: Random) => {
  const code = random.chance(0.7)
    ? random.pick([0x00, 0x14, 0x18, 0x19, 0x20, 0x24, 0x30, 0x41, 0x50, 0x53, 0x7e, 0x7f])
    : random.below(256);
  return { first_be: code & 15, last_be: code >> 4 };
};

/** What a TLP may become: mostly malformed; its class stays, so that it takes its place in the link's order. */
const damages: readonly ((random: Random, p: Packet, width: number) => Partial<Packet>)[] = [
  random => ({ fmt: 4 + random.below(4) }),
  random => ({ last_be: random.below(16), first_be: random.below(16) }),
  (random, p) => ({ address: p.address + BigInt(4 * (1 + random.below(3))) }),
  random => ({ tc: 1 + random.below(7) }),
  random => ({ length: random.below(1024) }),
  (_, p) => ({ td: 1 - p.td }),
  (random, p, width) => ({ payload: random.bytes(p.payload.length + width / 8) }),
  (_, p, width) => ({ payload: p.payload.slice(0, Math.max(0, p.payload.length - width / 8)) }),
  (random, p) => ({ payload: random.bytes(Math.max(0, p.payload.length + 4 * (random.below(5) - 2))) }),
];

/** A malformed TLP made of a good one. */
export function spoiled(random: Random, p: Packet, width: number, mps: number): Packet | undefined {
  for (let i = 0; i < 20; i++) {
    const packet = { ...p, ...random.pick(damages)(random, p, width) };
    const sameClass = packet.type === p.type && (packet.fmt & 2) === (p.fmt & 2);
    if (sameClass && (malformed(packet, mps) || !rightLength(packet, width))) return packet;
  }
  return undefined;
}
