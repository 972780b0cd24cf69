import type { FaultLedger } from '../fault-ledger.ts';
import { logWords, type Tlp, type TlpClass } from '../tlp.ts';
import { at, type ConfigReference } from './config.ts';
import { Mismatch } from './mismatch.ts';

/** Kinds of errors: their bits in the AER registers (7.8.4.2). */
export const Kind = {
  poisoned: 12,
  timeout: 14,
  abort: 15,
  unexpected: 16,
  overflow: 17,
  malformed: 18,
  ecrc: 19,
  unsupported: 20,
} as const;
export const kindNames: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(Kind).map(([name, bit]) => [bit, name]),
);

interface ErrorEvent {
  readonly kind: number;
  /** Functions that log it, a bit each. */
  readonly functions: number;
  readonly advisory: boolean;
  readonly of: TlpClass;
  /** Errors of one group may have come so close together that the endpoint joined them. */
  readonly group: number;
  readonly log: readonly number[];
  readonly tlp: Tlp | undefined;
}

/** Errors that are told in the order of their TLPs: completions for nobody are found by another block than those for a function. */
const sameWay = (a: ErrorEvent, b: ErrorEvent): boolean =>
  a.of === b.of && (a.of !== 2 || (a.functions === 0xff) === (b.functions === 0xff));

/** What one error does to one function (6.2). */
interface Effect {
  readonly command: number;
  readonly device: number;
  readonly uncorrectable: number;
  readonly correctable: number;
  /** 0, or the severity of the message from 1 to 3. */
  readonly message: number;
  /** The header log takes it if it is free. */
  readonly logged: boolean;
}

const codes = [0, 0x30, 0x31, 0x33];
/** Messages of a kind between two looks that may be counted on; more may be joined. */
const messageLimit = 16;
const registers = [at.command, at.device, at.uncorrectable, at.correctable] as const;
type Status = readonly [command: number, device: number, uncorrectable: number, correctable: number];

function effect({ kind, advisory }: { readonly kind: number; readonly advisory: boolean }, f: ConfigReference): Effect {
  const bit = (1 << kind) >>> 0;
  const control = f.read(at.device);
  const serr = (f.read(at.command) & 0x100) !== 0;
  const fatal = (f.read(at.severity) & bit) !== 0;
  const masked = (f.read(at.mask) & bit) !== 0;
  const reportable = kind !== Kind.unsupported || (control & 8) !== 0;
  const found = kind === Kind.poisoned ? 2 ** 31 : kind === Kind.abort ? 2 ** 27 : 0;
  const device = kind === Kind.unsupported ? 2 ** 19 : 0;
  if (advisory && !fatal) {
    const quiet = (f.read(at.correctableMask) & 0x2000) !== 0;
    return {
      command: found,
      device: device + 2 ** 16,
      uncorrectable: quiet ? 0 : bit,
      correctable: 0x2000,
      message: !quiet && reportable && (control & 1) !== 0 ? 1 : 0,
      logged: !quiet && !masked,
    };
  }
  const enabled = (control & (fatal ? 4 : 2)) !== 0 && reportable;
  const sends = !masked && (serr || enabled);
  return {
    command: found + (sends && serr ? 2 ** 30 : 0),
    device: device + (fatal ? 2 ** 18 : 2 ** 17),
    uncorrectable: bit,
    correctable: 0,
    message: sends ? (fatal ? 3 : 2) : 0,
    logged: !masked,
  };
}

/**
 * Errors that the endpoint has to log and to report since the last checkpoint. What a single error does is exact. Errors of one kind that came in quick
 * succession may be joined (the functions of all, advisory only if all are, the header of the first): then the registers have to lie between what must and
 * what may have been set.
 */
export class ErrorReference {
  private readonly events: ErrorEvent[] = [];
  private group = 0;
  private readonly messages = new Map<number, number>();
  /** Functions of which nothing is known until the next checkpoint, a bit each. */
  private forgiven = 0;
  /** Bits of the command register that may be set, by function. */
  private readonly allowed = new Map<number, number>();
  private readonly wanted = new Map<number, number>();

  /** Digests are checked, and taken away with the bit that announces them: headers are logged without. */
  private readonly digestsGo: () => boolean;
  private readonly faults: FaultLedger;

  /** `faults` hears which errors were found to be told. */
  constructor(digestsGo: () => boolean, faults: FaultLedger) {
    this.digestsGo = digestsGo;
    this.faults = faults;
  }

  reset(): void {
    this.clear();
    this.group = 0;
  }
  private clear(): void {
    this.events.length = 0;
    this.messages.clear();
    this.forgiven = 0;
    this.allowed.clear();
    this.wanted.clear();
  }

  /** All errors so far are logged: later ones are not joined with them. */
  settle(): void {
    this.group++;
  }
  forgive(functions: number): void {
    this.forgiven |= functions;
  }

  /** Functions received a completion that their command register tells of; it must, or it may. */
  receivedStatus(functions: number, mask: number, must: boolean): void {
    for (const bits of must ? [this.allowed, this.wanted] : [this.allowed])
      for (let f = 0; f < 8; f++) if ((functions >> f) & 1) bits.set(f, ((bits.get(f) ?? 0) | mask) >>> 0);
  }

  add(kind: number, functions: number, advisory: boolean, of: TlpClass, tlp: Tlp | undefined): void {
    const log = tlp ? logWords(this.digestsGo() ? { ...tlp, td: 0 } : tlp) : [0, 0, 0, 0];
    this.events.push({ kind, functions, advisory, of, group: this.group, log, tlp });
  }

  /** Whether a TLP is the last one that has an error. */
  concerns(t: Tlp): boolean {
    return this.events.at(-1)?.tlp === t;
  }

  /** An error message came. @throws Mismatch if none of that kind was due. */
  message(requester: number, code: number, functions: readonly ConfigReference[]): void {
    const of = functions.findIndex(({ id }) => id === requester);
    const severity = codes.indexOf(code);
    if (of < 0 || severity < 1)
      throw new Mismatch(`a message of code 0x${code.toString(16)} came from ID ${requester.toString(16)}`);
    const key = 4 * of + severity;
    this.messages.set(key, (this.messages.get(key) ?? 0) + 1);
  }

  /** Groups of events of one kind. */
  private groups(): ErrorEvent[][] {
    const groups = new Map<number, ErrorEvent[]>();
    for (const event of this.events) {
      const key = 32 * event.group + event.kind;
      const group = groups.get(key);
      if (group) group.push(event);
      else groups.set(key, [event]);
    }
    return [...groups.values()];
  }

  /**
   * Compares the registers that were read, and the messages that came, with what is due; then begins anew, because the caller clears all.
   * `read[f]` has the registers of function f by offset; without `logs` the header logs are not among them. @throws Mismatch
   */
  check(functions: readonly ConfigReference[], read: readonly ReadonlyMap<number, number>[], logs = true): void {
    const groups = this.groups();
    const least = new Map<number, number>();
    const most = new Map<number, number>();
    const keys = groups.map(group => this.countMessages(group, functions, least, most));
    functions.forEach((f, number) => {
      if ((this.forgiven >> number) & 1) return;
      this.checkStatus(f, groups, read[number] ?? new Map());
      if (logs) this.checkLog(f, groups, read[number] ?? new Map());
    });
    if (this.forgiven === 0) this.checkMessages(least, most);
    groups.forEach((group, i) => {
      // As many messages came as had to, so one for each error of their kind; or its bit was set by this error and no other.
      const key = keys[i];
      const counted =
        key !== undefined && this.forgiven === 0 && least.get(key) === most.get(key) && (least.get(key) ?? 0) <= messageLimit;
      const alone =
        group.length === 1 && (counted || !groups.some(other => other !== group && other[0]?.kind === group[0]?.kind));
      for (const { functions: mask, tlp } of group) {
        const looked = functions.some(({ number }) => ((mask & ~this.forgiven) >> number) & 1);
        this.faults.found(tlp, looked ? (alone ? 'alone' : 'together') : 'harmless');
      }
    });
    this.clear();
  }

  private checkStatus(f: ConfigReference, groups: readonly ErrorEvent[][], read: ReadonlyMap<number, number>): void {
    const must = registers.map(offset => f.read(offset));
    must[0] = ((must[0] ?? 0) | (this.wanted.get(f.number) ?? 0)) >>> 0;
    const may = [...must];
    may[0] = ((may[0] ?? 0) | (this.allowed.get(f.number) ?? 0)) >>> 0;
    const join = (into: number[], { command, device, uncorrectable, correctable }: Effect) => {
      const status: Status = [command, device, uncorrectable, correctable];
      status.forEach((mask, i) => {
        into[i] = ((into[i] ?? 0) | mask) >>> 0;
      });
    };
    for (const group of groups) {
      const mixed = isMixed(group);
      const functions = group.reduce((mask, event) => mask | event.functions, 0);
      if (!((functions >> f.number) & 1)) continue;
      for (const event of group) {
        const mine = (event.functions >> f.number) & 1;
        if (mine && (!mixed || !event.advisory)) join(must, effect(event, f));
        for (const advisory of mixed ? [false, true] : [event.advisory]) join(may, effect({ kind: event.kind, advisory }, f));
      }
    }
    registers.forEach((offset, i) => {
      const got = (read.get(offset) ?? 0) & (offset === at.device ? ~(2 ** 21) : -1);
      const wrong = ((must[i] ?? 0) & ~got) | (got & ~(may[i] ?? 0));
      if (wrong !== 0) {
        const range = must[i] === may[i] ? hex(must[i]) : `${hex(must[i])} to ${hex(may[i])}`;
        throw new Mismatch(
          `register ${hex(offset)} of function ${f.number} is ${hex(got)}, not ${range}, after ${this.events.length} errors${this.list()}`,
        );
      }
    });
  }

  private checkLog(f: ConfigReference, groups: readonly ErrorEvent[][], read: ReadonlyMap<number, number>): void {
    const first = (read.get(at.errorControl) ?? 0) & 31;
    const candidates: ErrorEvent[] = [];
    let sure = Number.POSITIVE_INFINITY;
    for (const group of groups) {
      const [head] = group;
      if (!head || head.group > sure) continue;
      const functions = group.reduce((mask, event) => mask | event.functions, 0);
      if (!((functions >> f.number) & 1)) continue;
      const mixed = isMixed(group);
      for (const [i, event] of group.entries()) {
        // Joined with one that concerns the function, an earlier one of the class gives the header.
        const earlier = group.slice(0, i).some(other => sameWay(other, event) && (other.functions >> f.number) & 1);
        const may = (mixed ? [false, true] : [event.advisory]).some(advisory => effect({ kind: event.kind, advisory }, f).logged);
        if (may && !earlier) candidates.push(event);
      }
      if (!mixed && effect(head, f).logged) sure = Math.min(sure, head.group);
    }
    const log = [0, 4, 8, 12].map(i => read.get(at.log + i) ?? 0);
    const fits = candidates.filter(({ kind, group }) => kind === first && group <= sure);
    if (first === 0 && sure === Number.POSITIVE_INFINITY) return;
    if (fits.length === 0) throw new Mismatch(`the first error of function ${f.number} is ${first}${this.list()}`);
    if (!fits.some(event => event.log.every((word, i) => word === log[i]))) {
      throw new Mismatch(
        `the header log of function ${f.number} is ${log.map(hex).join(' ')} for the error ${first}${this.list()}`,
      );
    }
  }

  /** Adds the messages that a group must and may bring. @returns the key of those that it must. */
  private countMessages(
    group: readonly ErrorEvent[],
    functions: readonly ConfigReference[],
    least: Map<number, number>,
    most: Map<number, number>,
  ): number | undefined {
    const raise = (map: Map<number, number>, key: number, by: number) => map.set(key, (map.get(key) ?? 0) + by);
    const [head] = group;
    if (!head) return undefined;
    if (!isMixed(group)) {
      const asked = functions.map(f => ((head.functions >> f.number) & 1 ? effect(head, f).message : 0));
      const worst = Math.max(...asked);
      if (worst === 0) return undefined;
      const key = 4 * asked.indexOf(worst) + worst;
      raise(least, key, 1);
      raise(most, key, group.length);
      return key;
    }
    for (const f of functions)
      for (const advisory of [false, true]) {
        const { message } = effect({ kind: head.kind, advisory }, f);
        if (message > 0) raise(most, 4 * f.number + message, group.length);
      }
    return undefined;
  }

  private checkMessages(least: ReadonlyMap<number, number>, most: ReadonlyMap<number, number>): void {
    for (const key of new Set([...least.keys(), ...this.messages.keys()])) {
      const got = this.messages.get(key) ?? 0;
      const low = Math.min(least.get(key) ?? 0, messageLimit);
      const high = most.get(key) ?? 0;
      if (got < low || got > high) {
        const code = codes[key & 3] ?? 0;
        throw new Mismatch(
          `${got} messages of code ${hex(code)} came from function ${key >> 2}, not ${low} to ${high}${this.list()}`,
        );
      }
    }
  }

  /** The errors for people. */
  private list(): string {
    const lines = this.events
      .slice(0, 24)
      .map(
        ({ kind, functions, advisory, group, log }) =>
          `\n  ${kindNames[kind]} of functions ${functions.toString(2)}${advisory ? ', advisory' : ''}, group ${group}: ${log.map(hex).join(' ')}`,
      );
    return lines.join('');
  }
}

/** Whether joining its errors would make something else of them. */
const isMixed = (group: readonly ErrorEvent[]): boolean =>
  group.some(({ functions, advisory }) => functions !== group[0]?.functions || advisory !== group[0]?.advisory);

const hex = (value = 0): string => `0x${(value >>> 0).toString(16)}`;
