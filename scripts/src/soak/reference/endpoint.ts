import { barMaps, functionParams, memoryBytes, registerLayouts } from '../device.ts';
import { FaultLedger } from '../fault-ledger.ts';
import { classOf, describe, dwords, hasData, isAtomic, isMessage, messageCode, type Tlp, type TlpClass } from '../tlp.ts';
import { at, ConfigReference, type MsixPlace, steady } from './config.ts';
import { isSealed } from './digest.ts';
import { ErrorReference, Kind } from './errors.ts';
import { MemoryReference } from './memory.ts';
import { Mismatch } from './mismatch.ts';
import { RegisterReference } from './registers.ts';
import { type Pending, RequestReference } from './requests.ts';
import { malformed, operand, rightLength, span, takesMessage } from './rules.ts';

const everybody = 0xff;

interface Target {
  readonly function: number;
  readonly to: 'memory' | 'registers';
  readonly offset: number;
}

/** What a test may want to know of a request that it sends. */
export interface Wishes {
  /** Statuses that are allowed beside the expected one. */
  readonly also?: readonly number[];
  /** The data is not compared. */
  readonly unknown?: boolean;
  readonly done?: (code: number, data: Uint8Array) => void;
}

/** The whole endpoint as the specification and its description have it. It knows of no cycles: what may depend on time is checked against what is allowed. */
export class EndpointReference {
  readonly memory = new MemoryReference(memoryBytes);
  readonly functions = functionParams.map((p, f, { length }) => new ConfigReference(p, f, length, msixPlace(f)));
  /** The registers of each function, of one without any too. */
  readonly registers = functionParams.map((_, f) => new RegisterReference(f));
  /** What faults were brought in, and what told of them. */
  readonly faults = new FaultLedger();
  readonly errors = new ErrorReference(() => this.checking !== 0, this.faults);
  readonly requests = new RequestReference(this.faults);
  /** Functions in a reset that software has not seen the end of. */
  resetting = 0;
  private order = 0;
  private readonly width: number;

  constructor(width: number) {
    this.width = width;
  }

  restart(): void {
    this.memory.reset();
    for (const f of this.functions) f.restart();
    this.errors.reset();
    this.requests.reset();
    for (const registers of this.registers) registers.restart();
    this.faults.begin();
    this.resetting = 0;
    this.order = 0;
  }

  private get limit(): number {
    return Math.max(...this.functions.map(({ payload }) => payload));
  }

  private fail(t: Tlp, kind: number, functions: number, advisory: boolean): void {
    this.errors.add(kind, functions, advisory, classOf(t), t);
  }

  /** Who claims a memory request (7.5.1.2.1, C83); of the address types only the untranslated and the translated (C11). */
  private target(t: Tlp): Target | undefined {
    if (t.at & 1) return undefined;
    for (const [f, config] of this.functions.entries()) {
      if (!config.memoryEnable || (this.resetting >> f) & 1) continue;
      for (const [b, bar] of (barMaps[f] ?? []).entries()) {
        const inner = config.offsetIn(b, t.fmt & 1 ? t.high : 0, t.low);
        if (inner >= 0) return { function: f, to: bar.to, offset: bar.base + inner };
      }
    }
    return undefined;
  }

  /** Functions that check digests, a bit each (C71c). */
  get checking(): number {
    return this.functions.reduce((mask, f, i) => mask | (f.read(at.errorControl) & 0x100 ? 1 << i : 0), 0);
  }

  /** The endpoint gets a TLP of its link; completions of its own requests do not come here. */
  receive(t: Tlp, wishes: Wishes = {}): void {
    this.order++;
    if (t.td === 1 && this.checking !== 0 && !isSealed(t)) this.fail(t, Kind.ecrc, this.checking, false);
    else if (malformed(t, this.limit)) this.fail(t, Kind.malformed, everybody, false);
    else if (!rightLength(t, this.width)) {
      this.fail(t, Kind.malformed, everybody, false);
      if (t.type === 0 && hasData(t) && t.ep === 0) this.spoil(t);
    } else
      switch (classOf(t)) {
        case 0:
          this.post(t);
          break;
        case 1:
          this.answer(t, wishes);
          break;
        // A completion that no request waits for (2.3.2); of a locked read, of which there are none, by nobody in particular.
        case 2:
          this.fail(t, Kind.unexpected, t.type === 11 ? everybody : this.owners(t.requester), true);
      }
  }

  /** The function of an ID, a bit; all of them if it is nobody's. */
  private owners(id: number): number {
    const of = this.functions.findIndex(f => f.id === id);
    return of < 0 ? everybody : 1 << of;
  }

  /** Whether a completion is for one of the functions. */
  isMine(t: Tlp): boolean {
    return t.type === 10 && this.functions.some(({ id }) => id === t.requester);
  }

  private post(t: Tlp): void {
    if (isMessage(t)) {
      if (!takesMessage(t)) this.fail(t, Kind.unsupported, everybody, false);
      else if (t.ep && hasData(t)) this.fail(t, Kind.poisoned, everybody, false);
      return;
    }
    const target = this.target(t);
    if (!target) this.fail(t, Kind.unsupported, everybody, false);
    else if (t.ep) this.fail(t, Kind.poisoned, 1 << target.function, false);
    else if (target.to === 'memory') this.memory.write(t, target.offset, this.order);
    else this.registers[target.function]?.write(t, target.offset, this.order);
  }

  /** A write whose end is not where its header says: it is cut before the last beat that it should have, or has. */
  private spoil(t: Tlp): void {
    const target = this.target(t);
    if (target?.to === 'memory') this.memory.spoil(t, target.offset, this.order);
    if (target?.to === 'registers') this.registers[target.function]?.memory.spoil(t, target.offset, this.order);
  }

  private answer(t: Tlp, wishes: Wishes): void {
    const poisoned = t.ep === 1 && hasData(t);
    if (t.type === 4) {
      this.configure(t, poisoned, wishes);
      return;
    }
    const target = this.target(t);
    const id = this.functions[target?.function ?? 0]?.id ?? 0;
    if (t.type === 0 && target) {
      if (target.to === 'registers') this.readRegisters(t, target, id, wishes);
      else this.readMemory(t, target, id, wishes);
      return;
    }
    if (isAtomic(t) && target?.to === 'memory') {
      if (poisoned) {
        this.fail(t, Kind.poisoned, 1 << target.function, true);
        this.expect(t, id, { statuses: [1], ...wishes });
      } else this.operate(t, target, id, wishes);
      return;
    }
    this.fail(t, Kind.unsupported, everybody, true);
    this.expect(t, id, { statuses: [1], ...wishes });
  }

  /** Adds a request with what its first completion tells. */
  private expect(
    t: Tlp,
    id: number,
    more: Wishes & {
      readonly statuses: readonly number[];
      readonly data?: Uint8Array;
      readonly wild?: Uint8Array;
      readonly memory?: MemoryReference;
      readonly offset?: number;
      readonly limit?: number;
    },
  ): void {
    const { first, count } = t.type < 2 ? span(t) : { first: 0, count: isAtomic(t) ? operand(t) : 4 };
    const { statuses, also = [], unknown, data, wild, ...rest } = more;
    const anything = unknown && data ? new Uint8Array(data.length).fill(1) : wild;
    const pending: Pending = {
      limit: 4096,
      ...rest,
      tlp: t,
      order: this.order,
      completer: id,
      statuses: [...statuses, ...also],
      ...(data ? { data } : {}),
      ...(anything ? { wild: anything } : {}),
      bytes: count,
      lower: t.type < 2 ? (t.low & 0x7c) + first : 0,
      came: 0,
    };
    this.requests.add(pending);
  }

  private readMemory(t: Tlp, { function: f, offset }: Target, id: number, wishes: Wishes): void {
    const end = offset + 4 * dwords(t);
    const { bytes, wild } = this.memory;
    const limit = this.functions[f]?.payload ?? 128;
    this.expect(t, id, {
      statuses: [0],
      data: bytes.slice(offset, end),
      wild: wild.slice(offset, end),
      memory: this.memory,
      offset,
      limit,
      ...wishes,
    });
  }

  /** Registers are read one or two at a time; more is against the programming model of the device (2.3.1). */
  private readRegisters(t: Tlp, { function: f, offset }: Target, id: number, wishes: Wishes): void {
    const count = dwords(t);
    if (count > 2) {
      this.fail(t, Kind.abort, 1 << f, true);
      this.expect(t, id, { statuses: [4], ...wishes });
      return;
    }
    this.expect(t, id, { statuses: [0], ...this.registers[f]?.read(offset, 4 * count), ...wishes });
  }

  /** An AtomicOp (6.15), little endian. */
  private operate(t: Tlp, { offset }: Target, id: number, wishes: Wishes): void {
    const size = operand(t);
    const old = this.memory.bytes.slice(offset, offset + size);
    const wild = this.memory.wild.slice(offset, offset + size);
    const given = t.body.subarray(0, size);
    const fresh = given.slice();
    if (t.type === 12) {
      let carry = 0;
      for (let i = 0; i < size; i++) {
        const sum = (old[i] ?? 0) + (given[i] ?? 0) + carry;
        fresh[i] = sum & 0xff;
        carry = sum >> 8;
      }
    }
    const found = t.type !== 14 || old.every((byte, i) => byte === given[i]);
    if (found) this.memory.set(offset, t.type === 14 ? t.body.subarray(size, 2 * size) : fresh);
    this.expect(t, id, { statuses: [0], data: old, wild, ...wishes });
  }

  private configure(t: Tlp, poisoned: boolean, wishes: Wishes): void {
    const number = (t.low >>> 16) & 7;
    const f = this.functions[number];
    if (!f) {
      this.fail(t, Kind.unsupported, everybody, true);
      this.expect(t, this.functions[0]?.id ?? 0, { statuses: [1], ...wishes });
      return;
    }
    if (poisoned) {
      this.fail(t, Kind.poisoned, 1 << number, true);
      this.expect(t, f.id, { statuses: [1], ...wishes });
      return;
    }
    const offset = t.low & 0xffc;
    if (hasData(t)) {
      if (f.write(offset, dword(t.body, 0), t.first_be, t.low >>> 19)) this.resetting |= 1 << number;
      this.expect(t, f.id, { statuses: [0], ...wishes });
      return;
    }
    const data = new Uint8Array(4);
    setDword(data, 0, f.read(offset));
    const wild = new Uint8Array(4);
    setDword(wild, 0, ~steady(offset) >>> 0);
    this.expect(t, f.id, { statuses: [0], data, wild: wild.map(byte => (byte === 0 ? 0 : 1)), ...wishes });
  }

  /** An error message, which is all that the endpoint sends of itself. @throws Mismatch */
  message(t: Tlp): void {
    const { fmt, type, tc, length, attr, td, ep } = t;
    if (fmt !== 1 || type !== 16 || tc + length + attr + td + ep !== 0) throw new Mismatch(`a message is wrong: ${describe(t)}`);
    this.errors.message(t.requester, messageCode(t), this.functions);
  }

  /** The link was reset, and all functions with it. */
  hotReset(): void {
    this.functions.forEach((f, number) => {
      f.hotReset();
      this.registers[number]?.reset();
    });
    this.errors.forgive(everybody);
    this.resetting = 2 ** this.functions.length - 1;
  }
  /** A good write to the memory that is lost, or not. */
  maybeLost(t: Tlp): void {
    const target = this.target(t);
    if (target?.to === 'memory') this.memory.spoil(t, target.offset, this.order);
  }

  /** The function has come out of its reset. */
  resetDone(number: number): void {
    this.resetting &= ~(1 << number);
    this.functions[number]?.reset();
  }
}

/** Where MSI-X of a function is. */
function msixPlace(f: number): MsixPlace | undefined {
  const msix = registerLayouts[f]?.msix;
  const slot = functionParams[f]?.bars[barMaps[f]?.findIndex(({ to }) => to === 'registers') ?? 0]?.slot;
  return msix && slot !== undefined ? { ...msix, slot } : undefined;
}

export const dword = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;
export function setDword(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = (value >>> (8 * i)) & 0xff;
}
export type { TlpClass };
