import type { Random } from '../soak/random.ts';
import { withBody } from '../soak/stimuli.ts';
import { classOf, nothing, type Tlp, tlp } from '../soak/tlp.ts';
import { hostile, links } from './switch-harness.ts';
import { hostId, portId, secondary, subordinate } from './switch-plan.ts';
import type { SwitchPlayer } from './switch-player.ts';

/** Faults that the hostile port sends: TLPs with the name of their class. Undefined where the settings of the batch make no fault of it. */
export type Fault = (player: SwitchPlayer) => readonly [name: string, t: Tlp] | undefined;

const pick = <T>(random: Random, list: readonly T[]): T => {
  const item = list[random.below(list.length)];
  if (item === undefined) throw new RangeError('nothing to choose from');
  return item;
};

const names: Readonly<Record<number, string>> = {
  0: 'MRd',
  2: 'IO',
  4: 'Cfg0',
  5: 'Cfg1',
  10: 'Cpl',
  12: 'FetchAdd',
  13: 'Swap',
};
const kindOf = (t: Tlp): string => (t.type === 0 && t.fmt >= 2 ? 'MWr' : t.type > 15 ? 'Msg' : (names[t.type] ?? 'undefined'));

/** What a TLP becomes with other fields, and a body that fits them. */
const changed = (random: Random, t: Tlp, fields: Partial<Tlp>): Tlp =>
  withBody({ ...t, ...fields, td: 0, body: nothing }, random.next());

/** A request to any place: a write where only posted ones are wanted. */
function request({ random, make }: SwitchPlayer, posted: boolean, to: number | 'hole'): Tlp {
  const which = posted ? 0 : 1 + random.below(3);
  if (which === 0) return make.write(hostile, to);
  if (which === 1) return make.read(hostile, to);
  return which === 2 ? make.atomic(hostile, to) : make.io(hostile, to);
}
const peer = ({ random }: SwitchPlayer): number => 2 + random.below(links - 2);
const acsOf = ({ reference }: SwitchPlayer) => reference.ports[hostile]?.acs;

/** Malformed TLPs, of which a switch sees those that it has to (C71d): bad types and lengths, too much payload, wrong I/O and configuration requests. */
export const malformed: Fault = player => {
  const { random, make } = player;
  const plain = make.write(hostile, 0, 16);
  const single = random.below(2) === 0 ? make.io(hostile, 0) : configRequest(player);
  const limit = (player.reference.ports[hostile]?.payload ?? 128) / 4;
  switch (random.below(8)) {
    case 0:
      return ['malformed: prefix', changed(random, plain, { fmt: 4 + random.below(4), length: 1 + random.below(8) })];
    case 1: {
      const type = pick(random, [3, 6, 7, 8, 9, 15, 24, 31]);
      return ['malformed: undefined_type', changed(random, plain, { type, length: 1 + random.below(8) })];
    }
    case 2: {
      const [type, fmt] = pick(random, [
        [1, 2],
        [2, 1],
        [4, 3],
        [5, 1],
        [10, 3],
        [12, 0],
        [16, 0],
        [18, 2],
      ] as const);
      return ['malformed: undefined_format', changed(random, plain, { type, fmt, length: 1 + random.below(8) })];
    }
    case 3:
      return ['malformed: payload_limit', changed(random, plain, { length: limit + 1 + random.below(64) })];
    case 4:
      return ['malformed: length', changed(random, single, { length: 2 + random.below(4) })];
    case 5: {
      const fields = pick<Partial<Tlp>>(random, [
        { tc: 1 + random.below(7) },
        { attr: 1 + random.below(7) },
        { at: 1 },
        { last_be: 15 },
      ]);
      return ['malformed: header of an I/O or configuration request', { ...single, ...fields }];
    }
    case 6:
      return [
        'malformed: too few beats',
        shortened(player, changed(random, plain, { length: 1 + random.below(16), last_be: 15 }), -1),
      ];
    default:
      return [
        'malformed: too many beats',
        shortened(player, changed(random, plain, { length: 1 + random.below(16), last_be: 15 }), 1),
      ];
  }
};

/** The TLP with a beat more or less than its header says. */
function shortened({ width }: SwitchPlayer, t: Tlp, by: 1 | -1): Tlp {
  const word = width / 8;
  const beats = Math.max(1, Math.ceil(t.body.length / word));
  // One of a single beat has one more at least.
  const body = new Uint8Array(word * (beats + by < 1 ? beats + 1 : beats + by));
  body.set(t.body.subarray(0, body.length));
  return { ...t, body };
}

function configRequest({ random, make }: SwitchPlayer): Tlp {
  const write = random.below(2);
  const target = pick(random, [portId(0), portId(1), portId(2), secondary(3) << 8, secondary(hostile) << 8]);
  const low = ((target << 16) | (4 * random.below(64))) >>> 0;
  const id = make.identity(make.bus(hostile));
  return withBody(tlp({ fmt: 2 * write, type: 4 + random.below(2), low, first_be: 15, ...id }), random.next());
}

/** Poison that goes its way (C71b). */
export const poisoned: Fault = ({ random, make, reference }) => {
  const t = random.below(3) === 0 ? make.completion(hostile, make.bus(0)) : make.write(hostile, 0);
  return t.fmt >= 2 && reference.judge(t, hostile).to !== undefined ? [`poisoned: ${kindOf(t)}`, { ...t, ep: 1 }] : undefined;
};

/** A requester ID that is not behind the port (C72). */
export const spoofed =
  (posted: boolean): Fault =>
  player => {
    if (!acsOf(player)?.sourceValidation) return undefined;
    const { random, make } = player;
    const to = pick(random, [0, hostile, 'hole', peer(player)] as const);
    const t = posted && random.below(4) === 0 ? make.message(hostile, make.bus(peer(player))) : request(player, posted, to);
    const bus = pick(random, [hostId >> 8, 1, 2, secondary(peer(player)), subordinate(links - 1) + 1, secondary(hostile) - 1]);
    return [`spoofed ID: ${kindOf(t)}`, { ...t, ...make.identity(bus) }];
  };

/** A translated address, or a request for a translation, where only untranslated ones may pass (C73). */
export const translated =
  (posted: boolean): Fault =>
  player => {
    if (!acsOf(player)?.translationBlocking) return undefined;
    const { random, make } = player;
    const t = posted ? make.write(hostile, peer(player)) : make.read(hostile, pick(random, [0, peer(player)]));
    return [`translated: ${kindOf(t)}`, { ...t, at: 1 + random.below(2) }];
  };

/** The address of a peer, which access control redirects or forbids (C74, C77). */
export const others =
  (posted: boolean, onlyUp = false): Fault =>
  player => {
    const t = request(player, posted, peer(player));
    const { to, error } = player.reference.judge(t, hostile);
    if (to === 0) return [`address of others: ${kindOf(t)} that is sent up`, t];
    return error === undefined || onlyUp ? undefined : [`address of others: ${kindOf(t)} that is blocked`, t];
  };

/** What nobody takes: holes, the port's own side, requests without bus mastering, configuration from below (C25, C34, C36, C75, C82). */
export const unsupported =
  (posted: boolean): Fault =>
  player => {
    const { random, make } = player;
    if (!posted && random.below(3) === 0) {
      const t = configRequest(player);
      return [`unsupported: ${kindOf(t)} from below`, t];
    }
    if (posted && random.below(4) === 0) {
      const shape = { fmt: 1, type: pick(random, [17, 19]), length: 0, last_be: 7, first_be: 15 };
      return ['unsupported: Msg of a route that ends here', tlp({ ...shape, ...make.identity(make.bus(hostile)) })];
    }
    const to = pick(random, ['hole', 'hole', hostile, 0] as const);
    const t = request(player, posted, to);
    if (to === 'hole') return [`unsupported: ${kindOf(t)} to nobody`, t];
    const judgement = player.reference.judge(t, hostile);
    if (to === 0) return judgement.to === 0 ? undefined : [`unsupported: ${kindOf(t)} without bus mastering`, t];
    return [`own address: ${kindOf(t)}${judgement.to === 0 ? ' that is sent up' : ''}`, t];
  };

/** A completion that nobody behind the switch asked for (C42, C76): for a bus of nobody or the port's own side, or for a peer. */
export const foreign =
  (untaken: boolean): Fault =>
  player => {
    const { random, make } = player;
    const t = make.completion(hostile, untaken ? pick(random, [2, 3, make.bus(hostile)]) : make.bus(peer(player)));
    const { to } = player.reference.judge(t, hostile);
    if (untaken) return [`foreign: Cpl for nobody${to === 0 ? ', sent up' : ''}`, t];
    return to === 0 ? ['foreign: Cpl for others that is sent up', t] : undefined;
  };

/** Messages that the port does not pass on (C90), or that end there. */
export const swallowed: Fault = ({ random, make }) => {
  const [type, code] = pick(random, [
    [16, 0x30],
    [16, 0x31],
    [16, 0x33],
    [20, 0x20],
    [20, 0x24],
    [21, 0x1b],
  ] as const);
  const shape = { fmt: 1, type, length: 0, last_be: code >> 4, first_be: code & 15 };
  return [
    `message: ${type === 16 ? 'error that is not passed on' : 'that ends here'}`,
    tlp({ ...shape, ...make.identity(make.bus(hostile)) }),
  ];
};

/** Faults of which only an error bit tells, a kind each; those that are answered. */
export const toldByBit: readonly (readonly Fault[])[] = [
  [malformed],
  [poisoned],
  [spoofed(true), translated(true), others(true)],
  [unsupported(true)],
  [foreign(true)],
];
export const answered: readonly Fault[] = [
  spoofed(false),
  translated(false),
  others(false),
  unsupported(false),
  unsupported(false),
];
/** Faults that show by where they come out, or that nothing has to tell. */
export const sentUp: readonly Fault[] = [others(true, true), foreign(false), swallowed];

/** The same request again, while the first one waits for its answer. */
export function again({ reference }: SwitchPlayer, t: Tlp): readonly [string, Tlp] | undefined {
  const { to, status } = reference.judge(t, hostile);
  return classOf(t) === 1 && (to ?? status) !== undefined ? [`reused tag: ${kindOf(t)}`, { ...t }] : undefined;
}
