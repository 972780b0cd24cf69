import type { FaultLedger } from '../soak/fault-ledger.ts';
import { Mismatch, same } from '../soak/reference/mismatch.ts';
import { operand, span } from '../soak/reference/rules.ts';
import {
  byteCount,
  classOf,
  completer,
  describe,
  hasData,
  isAtomic,
  isCompletion,
  lowerAddress,
  status,
  type Tlp,
  transaction,
} from '../soak/tlp.ts';
import { hostile, links } from './switch-harness.ts';
import { portId } from './switch-plan.ts';
import type { Judgement } from './switch-reference.ts';

interface Expected {
  readonly tlp: Tlp;
  readonly from: number;
  readonly judgement: Judgement;
  /** Bytes of its body that arrive. */
  readonly bytes: number;
  /** It may be lost: a link goes down. */
  lossy: boolean;
}

interface Refusal {
  readonly tlp: Tlp;
  readonly judgement: Judgement;
  readonly status: 1 | 4;
  lossy: boolean;
}

interface ErrorEvent {
  readonly bit: number;
  readonly tlp: Tlp | undefined;
  /** Of a TLP of which the error alone tells that it was dropped, or passed with it. */
  readonly judgement: Judgement | undefined;
}

/** A TLP of which a bit may have flipped on its way. */
export interface Flip {
  readonly original: Tlp;
  /** With that bit flipped; the same TLP if the bit is none of its own. */
  readonly altered: Tlp;
  /** It came altered, and as it was sent, so many times; a broadcast comes by several links. */
  changed: number;
  kept: number;
  /** Hears of all that comes meanwhile. */
  readonly came?: (t: Tlp) => void;
}

const fields = [
  'fmt',
  'type',
  'tc',
  'attr',
  'th',
  'td',
  'ep',
  'at',
  'length',
  'requester',
  'tag',
  'last_be',
  'first_be',
  'high',
  'low',
] as const;
/** Whether a TLP that came is one that was sent; what lies behind the body means nothing. */
const alike = (came: Tlp, sent: Tlp): boolean =>
  fields.every(field => came[field] === sent[field]) && sent.body.every((byte, i) => came.body[i] === byte);

const keyOf = (t: Tlp): number => 4 * transaction(t) + classOf(t);

/** Keeps what has to come out of the switch, and compares: nothing lost, doubled, altered, astray or out of order, and nothing where isolation forbids it. */
export class SwitchBoard {
  /** By egress, ingress and class, in the order in which it entered. */
  private readonly waiting: Expected[][][][];
  private readonly refusals: Map<number, Refusal[]>[];
  private readonly errors: ErrorEvent[][];
  private readonly faults: FaultLedger;
  /** Nothing that the hostile port sends may come out of another downstream port. */
  isolated = false;
  /** TLPs that did so; the first one ends the campaign. */
  trespasses = 0;
  private allowed = 0;
  /** TLPs that are lost, for one behind them has come. */
  private readonly overtaken: Tlp[] = [];
  /** TLPs that end in the switch without a sign. */
  private silent: (readonly [Tlp, Judgement])[] = [];
  private readonly checked: (t: Tlp, judgement: Judgement) => void;
  /** A bit that has flipped: its TLP may come with it, in its own place, and is then as it should be otherwise. */
  flip: Flip | undefined;

  /** `checked` hears of each TLP of which all became that had to, as far as that can be told of it alone. */
  constructor(faults: FaultLedger, checked: (t: Tlp, judgement: Judgement) => void) {
    this.faults = faults;
    this.checked = checked;
    const each = <T>(make: () => T) => Array.from({ length: links }, make);
    // Copies come from the switch's agent, as from one more link.
    this.waiting = each(() => Array.from({ length: links + 1 }, () => [[], [], []]));
    this.refusals = each(() => new Map());
    this.errors = each(() => []);
  }

  reset(): void {
    for (const lists of this.waiting.flat(2)) lists.length = 0;
    for (const map of this.refusals) map.clear();
    for (const list of this.errors) list.length = 0;
    this.allowed = 0;
    this.overtaken.length = 0;
    this.silent = [];
    this.flip = undefined;
  }

  /** TLPs that were sent, and have to leave by a link. */
  get onTheirWay(): readonly Tlp[] {
    return this.waiting.flat(2).flatMap(list => list.map(({ tlp }) => tlp));
  }
  /** A TLP has still to leave by some link. */
  awaits(t: Tlp): boolean {
    return this.waiting.some(lists => lists.flat().some(list => list.some(({ tlp }) => tlp === t)));
  }

  /** A TLP left the switch by a link: whether it is the one of which a bit has flipped, altered by that and by nothing else. @throws Mismatch for one astray or out of order */
  altered(t: Tlp, link: number): boolean {
    const { flip } = this;
    flip?.came?.(t);
    if (!flip || flip.altered === flip.original || !alike(t, flip.altered)) return false;
    const list = this.waiting[link]?.flat().find(expected => expected.some(({ tlp }) => tlp === flip.original));
    const expected = list?.findIndex(({ tlp }) => tlp === flip.original) ?? -1;
    if (!list || expected < 0)
      throw new Mismatch(`link ${link} gets what was sent elsewhere, and a bit of which has flipped: ${describe(t)}`);
    if (expected > 0) throw new Mismatch(`${describe(t)}, of which a bit has flipped, passes what was sent before it`);
    list.shift();
    flip.changed++;
    return true;
  }

  /** A TLP enters by a link, and this has to become of it. `lossy`: or it is lost. */
  enters(t: Tlp, from: number, judgement: Judgement, lossy = false): void {
    const { to, copies = [], status: refused, error, cut } = judgement;
    const expected = { tlp: t, from, judgement, bytes: cut ?? t.body.length, lossy };
    if (to !== undefined) this.waiting[to]?.[from]?.[classOf(t)]?.push(expected);
    for (const link of copies) this.waiting[link]?.[links]?.[classOf(t)]?.push(expected);
    if (refused !== undefined) {
      const map = this.refusals[from];
      const list = map?.get(transaction(t)) ?? [];
      list.push({ tlp: t, judgement, status: refused, lossy });
      map?.set(transaction(t), list);
    }
    if (error !== undefined)
      this.errors[from]?.push({ bit: error, tlp: t, judgement: refused === undefined ? judgement : undefined });
    else if (to === undefined && copies.length === 0 && !lossy) this.silent.push([t, judgement]);
  }

  /** A window ends in which everything was looked at: what ends in the switch has left no trace. */
  close(): void {
    for (const [t, judgement] of this.silent) this.checked(t, judgement);
    this.silent = [];
  }

  /** Errors that ports may log in this window, whatever comes; a bit each. */
  allow(bits: number): void {
    this.allowed = bits;
  }

  /** An error that a port has to log. */
  logs(link: number, bit: number, t?: Tlp): void {
    this.errors[link]?.push({ bit, tlp: t, judgement: undefined });
  }

  /** TLPs and answers that have to come. */
  get outstanding(): number {
    const lists = this.waiting.flat(2).reduce((sum, list) => sum + list.filter(({ lossy }) => !lossy).length, 0);
    return this.refusals.reduce((sum, map) => sum + [...map.values()].flat().filter(({ lossy }) => !lossy).length, lists);
  }
  /** What may be lost has come, or is lost. @returns the TLPs that are lost. */
  writeOff(): readonly Tlp[] {
    const lost = this.overtaken.splice(0);
    for (const list of this.waiting.flat(2))
      for (let i = list.length - 1; i >= 0; i--) if (list[i]?.lossy) lost.push(...list.splice(i, 1).map(({ tlp }) => tlp));
    for (const map of this.refusals)
      for (const [key, list] of map) {
        const rest = list.filter(({ lossy }) => !lossy);
        if (rest.length > 0) map.set(key, rest);
        else map.delete(key);
      }
    return lost;
  }
  /** For people who look for a hang. */
  get oldest(): string {
    const first = this.waiting.flat(2).find(list => list.some(({ lossy }) => !lossy))?.[0];
    if (first) return `${describe(first.tlp)}, which came in by link ${first.from}`;
    const refusal = this.refusals.flatMap(map => [...map.values()].flat())[0];
    return refusal ? `a completion for ${describe(refusal.tlp)}` : 'nothing';
  }

  /** A TLP left the switch by a link. @throws Mismatch */
  leaves(t: Tlp, link: number): void {
    if (this.refused(t, link)) return;
    for (const [from, classes] of (this.waiting[link] ?? []).entries()) {
      const list = classes[classOf(t)] ?? [];
      const index = list.findIndex(({ tlp }) => keyOf(tlp) === keyOf(t));
      const expected = list[index];
      if (!expected) continue;
      // Completions with relaxed ordering are not redirected (C76).
      if (this.isolated && from === hostile && link > 0 && !(isCompletion(t) && (t.attr & 2) !== 0)) {
        this.trespasses++;
        throw new Mismatch(`link ${link} gets what isolation forbids: ${describe(t)}`);
      }
      const passed = list.slice(0, index).find(({ lossy }) => !lossy);
      if (passed) throw new Mismatch(`${describe(t)} passes ${describe(passed.tlp)} from link ${from} to ${link}`);
      for (const { tlp } of list.splice(0, index + 1).slice(0, -1)) this.overtaken.push(tlp);
      this.compare(t, expected);
      if (this.flip?.original === expected.tlp) this.flip.kept++;
      return;
    }
    throw new Mismatch(`link ${link} gets what nobody sent there: ${describe(t)}`);
  }

  private compare(t: Tlp, { tlp, bytes, judgement }: Expected): void {
    for (const field of ['fmt', 'tc', 'attr', 'th', 'td', 'ep', 'at', 'length', 'last_be', 'first_be', 'high', 'low'] as const)
      if (t[field] !== tlp[field]) same(`${field} of ${describe(tlp)}`, t[field], tlp[field]);
    same(`the type of ${describe(tlp)}`, t.type, judgement.as ?? tlp.type);
    for (let i = 0; i < bytes; i++)
      if (t.body[i] !== tlp.body[i]) same(`byte ${i} of ${describe(tlp)}`, t.body[i] ?? -1, tlp.body[i] ?? -1);
    if (t.body.length < bytes) throw new Mismatch(`${t.body.length} of ${bytes} bytes come of ${describe(tlp)}`);
    // That it went up although it was meant for a peer is seen here.
    this.faults.found(tlp, 'alone');
    if (judgement.error === undefined) this.checked(tlp, judgement);
  }

  /** A completion with which the switch refuses a request: it goes back the way the request came. */
  private refused(t: Tlp, link: number): boolean {
    const list = this.refusals[link]?.get(transaction(t));
    const [first] = list ?? [];
    if (!first || !isCompletion(t) || hasData(t) || status(t) === 0) return false;
    const { tlp: asked } = first;
    list?.shift();
    if (list?.length === 0) this.refusals[link]?.delete(transaction(t));
    const memory = asked.type < 2 || isAtomic(asked);
    const { first: start, count } = asked.type < 2 ? span(asked) : { first: 0, count: isAtomic(asked) ? operand(asked) : 4 };
    same('the status', status(t), first.status);
    same('the completer ID', completer(t), portId(link));
    same('the traffic class', t.tc, asked.tc);
    same('the attributes', t.attr, asked.attr);
    same('the type', t.type, asked.type === 1 ? 11 : 10);
    same('Byte Count', byteCount(t), count);
    same('Lower Address', lowerAddress(t), memory && asked.type < 2 ? ((asked.low & 0x7c) + start) & 0x7f : 0);
    same('what is 0', t.length + t.td + t.ep + t.th + t.at, 0);
    this.faults.found(asked, 'alone');
    this.checked(asked, first.judgement);
    return true;
  }

  /** A port's uncorrectable errors were read, and its header log if it was looked at. @throws Mismatch unless they are those that are due. */
  check(link: number, got: number): void {
    const events = this.errors[link] ?? [];
    const due = events.reduce((bits, { bit }) => (bits | (1 << bit)) >>> 0, 0);
    if ((got & ~this.allowed) !== (due & ~this.allowed))
      throw new Mismatch(
        `the uncorrectable errors of port ${link} are 0x${got.toString(16)}, not 0x${due.toString(16)}, after ${events
          .slice(0, 8)
          .map(({ bit, tlp }) => `\n  ${bit}: ${tlp ? describe(tlp) : 'the link'}`)
          .join('')}`,
      );
    for (const { bit, tlp, judgement } of events) {
      const alone = events.filter(other => other.bit === bit).length === 1;
      this.faults.found(tlp, alone ? 'alone' : 'together');
      if (tlp && judgement && alone && ((this.allowed >>> bit) & 1) === 0) this.checked(tlp, judgement);
    }
    events.length = 0;
  }
}
