import type { EndpointFunction } from '../../../../rtl/src/endpoint/endpoint-params.ts';

type FunctionParams = EndpointFunction['config'];

/** What its configuration space says of a function's MSI-X: vectors, and where their table and pending bits are in the register BAR. */
export interface MsixPlace {
  readonly vectors: number;
  readonly slot: number;
  readonly table: number;
  readonly pending: number;
}

const bits = (...numbers: number[]): number => numbers.reduce((mask, bit) => (mask | (1 << bit)) >>> 0, 0);
const or = (a: number, b: number): number => (a | b) >>> 0;
const and = (a: number, b: number): number => (a & b) >>> 0;
const without = (a: number, b: number): number => (a & ~b) >>> 0;
const merge = (old: number, given: number, mask: number): number => or(without(old, mask), and(given, mask));

interface Register {
  value: number;
  readonly initial: number;
  /** Bits that software writes, that it clears by 1, and that a function level reset keeps. */
  readonly writable: number;
  readonly clearable: number;
  readonly kept: number;
  /** A hot reset leaves it as it is. */
  readonly sticky: boolean;
}

/** Offsets that the soak names. */
export const at = {
  command: 0x04,
  bars: 0x10,
  power: 0x44,
  msix: 0x50,
  device: 0x68,
  device2: 0x88,
  uncorrectable: 0x104,
  mask: 0x108,
  severity: 0x10c,
  correctable: 0x110,
  correctableMask: 0x114,
  errorControl: 0x118,
  log: 0x11c,
} as const;

/** Bits that events of the link change: compared at checkpoints, not with every read. */
const eventful: ReadonlyMap<number, number> = new Map([
  [at.command, 0xffff_0000],
  [at.device, 0xffff_0000],
  [at.uncorrectable, 0xffff_ffff],
  [at.correctable, 0xffff_ffff],
  [at.errorControl, 0x1f],
  ...[0, 4, 8, 12].map(i => [at.log + i, 0xffff_ffff] as const),
]);

/** What error reporting keeps over a hot reset, and the target link speed. */
const sticky: ReadonlySet<number> = new Set([
  0x90,
  at.uncorrectable,
  at.mask,
  at.severity,
  at.correctable,
  at.correctableMask,
  at.errorControl,
  ...[0, 4, 8, 12].map(i => at.log + i),
]);

const uncorrectable = bits(4, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22);
const correctable = bits(0, 6, 7, 8, 12, 13, 14);
const all = 0xffff_ffff;

/** Which bits of a register a test may compare at any time. */
export const steady = (offset: number): number => without(all, eventful.get(offset) ?? 0);

/** The configuration space of one function, from the specification (7.5, 7.8, 7.9) and the function's description. */
export class ConfigReference {
  private readonly registers = new Map<number, Register>();
  /** Bus and device number of the last write (2.2.6.2). */
  device = 0;
  readonly number: number;
  private readonly p: FunctionParams;

  constructor(p: FunctionParams, number: number, of: number, msix?: MsixPlace) {
    this.p = p;
    this.number = number;
    const flag = (value: boolean | undefined, mask: number) => (value ? mask : 0);
    this.add(0x00, p.device_id * 65536 + p.vendor_id);
    this.add(at.command, bits(20), bits(1, 6, 8, 10) + flag(p.requester !== false, 4), bits(24, 27, 28, 29, 30, 31));
    this.add(0x08, p.class_code * 256 + (p.revision ?? 1));
    this.add(0x0c, flag(of > 1, bits(23)), 0xff);
    this.add(0x2c, (p.subsystem_id ?? p.device_id) * 65536 + (p.subsystem_vendor_id ?? p.vendor_id));
    this.add(0x34, 0x40);
    for (const { slot, bytes, width, prefetchable } of p.bars) {
      this.add(at.bars + 4 * slot, (width === 64 ? 4 : 0) + (prefetchable ? 8 : 0), without(all, bytes - 1));
      if (width === 64) this.add(at.bars + 4 * slot + 4, 0, all);
    }
    this.add(0x40, msix ? 0x0003_5001 : 0x0003_6001);
    if (msix) {
      this.add(at.msix, 0x6011 + (msix.vectors - 1) * 65536, bits(30, 31));
      this.add(0x54, msix.table + msix.slot);
      this.add(0x58, msix.pending + msix.slot);
    }
    this.add(at.power, p.no_soft_reset === false ? 0 : 8, 3);
    this.add(0x60, 0x0002_0010);
    this.add(0x64, Math.log2(p.max_payload) - 7 + bits(5, 15, 28));
    this.add(at.device, 0x2810, 0x79ff, bits(16, 17, 18, 19), 0xe0);
    this.add(0x6c, 0x0040_0084);
    this.add(0x70, 0x1084_0000, 0xc8, 0, 0xc8);
    this.add(0x84, 0x0001_001f + flag(p.atomic_completer, 0x380) + flag(p.ten_bit_tags, bits(17)));
    this.add(at.device2, 0, 0x31f + flag(p.atomic_requester, bits(6)) + flag(p.ten_bit_tags, bits(12)));
    this.add(0x8c, 0x1e);
    this.add(0x90, 4, 0xf, 0, 0xf);
    const extended = [
      [0x100, 0x0002_0001, true],
      [0x150, 0x0001_0003, p.serial_number !== undefined],
      [0x160, 0x0001_000e, of > 1],
      [0x170, 0x0001_000d, of > 1],
    ] as const;
    const present = extended.filter(([, , there]) => there);
    present.forEach(([offset, header], i) => {
      this.add(offset, header + (present[i + 1]?.[0] ?? 0) * 2 ** 20);
    });
    this.add(at.uncorrectable, 0, 0, uncorrectable, all);
    this.add(at.mask, bits(22), uncorrectable, 0, all);
    this.add(at.severity, bits(4, 13, 17, 18, 22), uncorrectable, 0, all);
    this.add(at.correctable, 0, 0, correctable, all);
    this.add(at.correctableMask, bits(13, 14), correctable, 0, all);
    this.add(at.errorControl, 0xa0, 0x140, 0, all);
    if (p.serial_number !== undefined) {
      this.add(0x154, Number(p.serial_number & 0xffff_ffffn));
      this.add(0x158, Number(p.serial_number >> 32n));
    }
    if (of > 1) {
      this.add(0x164, number + 1 < of ? (number + 1) * 256 : 0);
      this.add(0x174, 0x2c + of * 256, bits(18, 19, 21));
      this.add(0x178, 0, 2 ** of - 1);
    }
  }

  private add(offset: number, initial: number, writable = 0, clearable = 0, kept = 0): void {
    this.registers.set(offset, {
      value: initial >>> 0,
      initial: initial >>> 0,
      writable,
      clearable,
      kept,
      sticky: sticky.has(offset),
    });
  }

  read(offset: number): number {
    return this.registers.get(offset)?.value ?? 0;
  }

  /** Sets bits that an event sets. */
  raise(offset: number, mask: number): void {
    const register = this.registers.get(offset);
    if (register) register.value = or(register.value, mask);
  }
  /** Gives an eventful register the value that it was found to have. */
  found(offset: number, value: number): void {
    const register = this.registers.get(offset);
    const mask = eventful.get(offset) ?? 0;
    if (register) register.value = merge(register.value, value, mask);
  }

  /** @returns whether the function is reset by it (6.6.2, 5.3.1.4.1). */
  write(offset: number, data: number, enables: number, device: number): boolean {
    this.device = device;
    const register = this.registers.get(offset);
    if (!register) return false;
    const mask = [0, 1, 2, 3].reduce((word, i) => or(word, (enables >> i) & 1 ? 0xff * 2 ** (8 * i) : 0), 0);
    const old = register.value;
    const next = without(merge(old, data, and(mask, register.writable)), and(and(data, mask), register.clearable));
    register.value = this.legal(offset, old, next);
    if (offset === at.device) return and(and(data, mask), 0x8000) !== 0;
    return offset === at.power && this.p.no_soft_reset === false && (old & 3) === 3 && (register.value & 3) === 0;
  }

  /** Values that do not exist are not taken. */
  private legal(offset: number, old: number, next: number): number {
    const field = (low: number, width: number, allowed: (value: number) => boolean, word: number): number => {
      const mask = ((1 << width) - 1) << low;
      return allowed((word >>> low) & ((1 << width) - 1)) ? word : merge(word, old, mask >>> 0);
    };
    if (offset === at.power) return field(0, 2, value => value === 0 || value === 3, next);
    if (offset === 0x90) return field(0, 4, value => value >= 1 && value <= 4, next);
    if (offset === at.device2) return field(0, 4, value => [0, 1, 2, 5, 6, 9, 10, 13, 14].includes(value), next);
    if (offset !== at.device) return next;
    const payload = field(5, 3, value => 128 * 2 ** value <= this.p.max_payload, next);
    return field(12, 3, value => value <= 5, payload);
  }

  /** A function level reset (6.6.2). */
  reset(): void {
    for (const register of this.registers.values()) register.value = merge(register.initial, register.value, register.kept);
  }
  /** A hot reset (6.6.1): what is sticky stays. */
  hotReset(): void {
    for (const register of this.registers.values()) if (!register.sticky) register.value = register.initial;
    this.device = 0;
  }
  /** After power on. */
  restart(): void {
    for (const register of this.registers.values()) register.value = register.initial;
    this.device = 0;
  }

  get id(): number {
    return this.device * 8 + this.number;
  }
  private get awake(): boolean {
    return (this.read(at.power) & 3) === 0;
  }
  get memoryEnable(): boolean {
    return this.awake && (this.read(at.command) & 2) !== 0;
  }
  get busMaster(): boolean {
    return this.awake && (this.read(at.command) & 4) !== 0;
  }
  /** Payload and read request limits in bytes. */
  get payload(): number {
    return 128 << ((this.read(at.device) >>> 5) & 7);
  }
  get readRequest(): number {
    return 128 << ((this.read(at.device) >>> 12) & 7);
  }

  /** The offset in a BAR that an address has, or -1. */
  offsetIn(bar: number, high: number, low: number): number {
    const params = this.p.bars[bar];
    if (!params) return -1;
    const { slot, bytes, width } = params;
    const base = this.read(at.bars + 4 * slot);
    const top = width === 64 ? this.read(at.bars + 4 * slot + 4) : 0;
    if (top !== high || without(base, bytes - 1) !== without(low, bytes - 1)) return -1;
    return and(low, bytes - 1);
  }
}
