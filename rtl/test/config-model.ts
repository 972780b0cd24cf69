/** An independent model of the configuration space of an endpoint's function: bits and masks by offset, written from the specification. */
import type { FunctionParams } from '../src/config/function-params.ts';
import type { PacketHeader } from '../src/tlp/packet.ts';
import { headerBytes } from '../src/tlp/wire.ts';

const bits = (...numbers: number[]): number => numbers.reduce((mask, bit) => mask + 2 ** bit, 0);
const byteMask = (enables: number): number =>
  [0, 1, 2, 3].reduce((mask, i) => mask + ((enables >> i) & 1) * 0xff * 2 ** (8 * i), 0);
const or = (...words: number[]): number => words.reduce((a, b) => (a | b) >>> 0, 0);
const without = (word: number, mask: number): number => (word & ~mask) >>> 0;
const merge = (old: number, given: number, mask: number): number => or(without(old, mask), (given & mask) >>> 0);

interface Word {
  value: number;
  readonly reset: number;
  /** Bits that software writes; that it clears with 1; that survive a function level reset, and a hot reset too. */
  readonly rw: number;
  readonly w1c: number;
  readonly keepsFunctionReset: number;
  readonly keepsHotReset: number;
}

export interface ModelMessage {
  readonly function: number;
  readonly code: number;
}
export interface ModelReport {
  readonly kind: number;
  readonly advisory: boolean;
  readonly header: PacketHeader;
}

const uncorrectable = bits(4, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22);
const correctable = bits(0, 6, 7, 8, 12, 13, 14);
/** Data link, flow control, timeout, internal: no TLP to log. */
const bare = [4, 5, 13, 14, 22];

export class FunctionModel {
  readonly words = new Map<number, Word>();
  bus_device = 0;
  transactions_pending = false;
  resets = 0;
  private first = 0;
  private log = [0, 0, 0, 0];
  private readonly p: FunctionParams;
  readonly number: number;

  constructor(p: FunctionParams, number: number, of: number) {
    this.p = p;
    this.number = number;
    const flag = (value: boolean | undefined, mask: number) => (value ? mask : 0);
    const code = Math.log2(p.max_payload) - 7;
    this.add(0x00, p.device_id * 65536 + p.vendor_id);
    this.add(0x04, bits(20), { rw: bits(1, 6, 8, 10) + flag(p.requester !== false, 4), w1c: bits(24, 27, 28, 29, 30, 31) });
    this.add(0x08, p.class_code * 256 + (p.revision ?? 1));
    this.add(0x0c, flag(of > 1, bits(23)), { rw: 0xff });
    this.add(0x2c, (p.subsystem_id ?? p.device_id) * 65536 + (p.subsystem_vendor_id ?? p.vendor_id));
    this.add(0x34, 0x40);
    for (const bar of p.bars) {
      const mask = ~(BigInt(Math.min(bar.bytes, ...(bar.resizable ?? []))) - 1n);
      const kind = (bar.width === 64 ? 4 : 0) + (bar.prefetchable ? 8 : 0);
      this.add(0x10 + 4 * bar.slot, kind, { rw: Number(mask & 0xffff_fff0n) });
      if (bar.width === 64) this.add(0x14 + 4 * bar.slot, 0, { rw: Number((mask >> 32n) & 0xffff_ffffn) });
    }
    this.add(0x40, 0x0003_0001 + (p.msix ? 0x5000 : 0x6000));
    this.add(0x44, p.no_soft_reset === false ? 0 : 8, { rw: 3 });
    if (p.msix) {
      this.add(0x50, 0x6011 + (p.msix.vectors - 1) * 65536, { rw: bits(30, 31) });
      this.add(0x54, p.msix.table.offset + p.msix.table.slot);
      this.add(0x58, p.msix.pending.offset + p.msix.pending.slot);
    }
    this.add(0x60, 0x0002_0010);
    this.add(0x64, code + bits(5, 15, 28));
    this.add(0x68, 0x2810, { rw: 0x79ff, w1c: 0x000f_0000, keepsFunctionReset: 0xe0 });
    this.add(0x6c, 0x0040_0084);
    this.add(0x70, 0x1084_0000, { rw: 0xc8, keepsFunctionReset: 0xc8 });
    this.add(0x84, 0x0001_001f + flag(p.atomic_completer, 0x380) + flag(p.ten_bit_tags, bits(17)));
    this.add(0x88, 0, { rw: 0x31f + flag(p.atomic_requester, bits(6)) + flag(p.ten_bit_tags, bits(12)) });
    this.add(0x8c, 0x1e);
    this.add(0x90, 4, { rw: 0xf, keepsFunctionReset: 0xf, keepsHotReset: 0xf });
    const resizable = p.bars.filter(bar => bar.resizable);
    const far = [
      [0x100, 0x0002_0001, true],
      [0x150, 0x0001_0003, p.serial_number !== undefined],
      [0x160, 0x0001_000e, of > 1],
      [0x170, 0x0001_000d, of > 1],
      [0x180, 0x0001_0015, resizable.length > 0],
      [0x1c0, 0x0001_000f, p.ats !== undefined],
    ] as const;
    const present = far.filter(([, , there]) => there);
    present.forEach(([offset, header], i) => {
      this.add(offset, header + (present[i + 1]?.[0] ?? 0) * 2 ** 20);
    });
    const sticky = (offset: number, reset: number, own: Partial<Word>) =>
      this.add(offset, reset, { ...own, keepsFunctionReset: 0xffff_ffff, keepsHotReset: 0xffff_ffff });
    sticky(0x104, 0, { w1c: uncorrectable });
    sticky(0x108, bits(22), { rw: uncorrectable });
    sticky(0x10c, bits(4, 13, 17, 18, 22), { rw: uncorrectable });
    sticky(0x110, 0, { w1c: correctable });
    sticky(0x114, bits(13, 14), { rw: correctable });
    sticky(0x118, 0xa0, { rw: 0x140 });
    if (p.serial_number !== undefined) {
      this.add(0x154, Number(p.serial_number & 0xffff_ffffn));
      this.add(0x158, Number(p.serial_number >> 32n));
    }
    if (of > 1) {
      this.add(0x164, number + 1 < of ? (number + 1) * 256 : 0);
      this.add(0x174, 0x2c + of * 256 + flag(p.ats !== undefined, 0x40), {
        rw: bits(18, 19, 21) + flag(p.ats !== undefined, bits(22)),
      });
      this.add(0x178, 0, { rw: 2 ** of - 1 });
    }
    resizable.forEach((bar, i) => {
      this.add(0x184 + 8 * i, bits(...(bar.resizable ?? []).map(size => Math.log2(size) - 16)));
      const first = i === 0 ? resizable.length * 32 : 0;
      this.add(0x188 + 8 * i, bar.slot + first + (Math.log2(bar.bytes) - 20) * 256, { rw: 0x3f00 });
    });
    if (p.ats) this.add(0x1c4, (p.ats.queue_depth % 32) + 0x20, { rw: 0x801f_0000 });
  }

  private add(offset: number, reset: number, more: Partial<Word> = {}): void {
    this.words.set(offset, { value: reset, reset, rw: 0, w1c: 0, keepsFunctionReset: 0, keepsHotReset: 0, ...more });
  }

  private get(offset: number): number {
    return this.words.get(offset)?.value ?? 0;
  }
  private set(offset: number, mask: number): void {
    const word = this.words.get(offset);
    if (word) word.value = or(word.value, mask);
  }

  read(offset: number): number {
    if (offset === 0x68) return or(this.get(offset), this.transactions_pending ? bits(21) : 0);
    if (offset === 0x118) return or(this.get(offset), this.holding ? this.first : 0);
    if (offset >= 0x11c && offset < 0x12c) return this.log[(offset - 0x11c) / 4] ?? 0;
    return this.get(offset);
  }

  /** A write that the function performs; says whether the function is reset by it. */
  write(offset: number, data: number, enables: number, device: number): boolean {
    this.bus_device = device;
    const word = this.words.get(offset);
    const mask = byteMask(enables);
    if (!word) return false;
    const old = word.value;
    if (offset >= 0x184 && offset < 0x1b4 && (this.get(0x04) & 2) !== 0) return false;
    const next = without(merge(old, data, (mask & word.rw) >>> 0), (data & mask & word.w1c) >>> 0);
    word.value = this.legal(offset, old, next);
    this.clearBelowSize();
    if (!this.holding) this.first = 0;
    if (offset === 0x68 && (data & mask & 0x8000) !== 0) return this.reset('function');
    if (offset === 0x44 && (old & 3) === 3 && (word.value & 3) === 0 && this.p.no_soft_reset === false)
      return this.reset('function');
    return false;
  }

  /** Fields that ignore values they do not know. */
  private legal(offset: number, old: number, next: number): number {
    const field = (low: number, width: number, allowed: (value: number) => boolean, word: number): number => {
      const mask = (2 ** width - 1) * 2 ** low;
      return allowed(((word & mask) >>> 0) / 2 ** low) ? word : merge(word, old, mask);
    };
    if (offset === 0x44) return field(0, 2, value => value === 0 || value === 3, next);
    if (offset === 0x68) {
      const payload = field(5, 3, value => 128 * 2 ** value <= this.p.max_payload, next);
      return field(12, 3, value => value <= 5, payload);
    }
    if (offset === 0x88) return field(0, 4, value => [0, 1, 2, 5, 6, 9, 10, 13, 14].includes(value), next);
    if (offset === 0x90) return field(0, 4, value => value >= 1 && value <= 4, next);
    const index = (offset - 0x188) / 8;
    const bar = this.p.bars.filter(bar => bar.resizable)[index];
    return bar ? field(8, 6, value => (bar.resizable ?? []).includes(2 ** (20 + value)), next) : next;
  }

  private clearBelowSize(): void {
    for (const bar of this.p.bars) {
      const below = BigInt(this.sizeOf(bar.slot)) - 1n;
      for (const half of bar.width === 64 ? [0, 1] : [0]) {
        const word = this.words.get(0x10 + 4 * (bar.slot + half));
        if (word)
          word.value = without(word.value, Number((below >> BigInt(32 * half)) & (half === 0 ? 0xffff_fff0n : 0xffff_ffffn)));
      }
    }
  }

  sizeOf(slot: number): number {
    const index = this.p.bars.filter(bar => bar.resizable).findIndex(bar => bar.slot === slot);
    if (index >= 0) return 2 ** (20 + ((this.get(0x188 + 8 * index) >>> 8) & 0x3f));
    return this.p.bars.find(bar => bar.slot === slot)?.bytes ?? 0;
  }

  reset(kind: 'function' | 'hot'): boolean {
    for (const word of this.words.values())
      word.value = merge(word.reset, word.value, kind === 'hot' ? word.keepsHotReset : word.keepsFunctionReset);
    if (kind === 'hot') this.bus_device = 0;
    this.resets++;
    return true;
  }

  private get holding(): boolean {
    return this.first !== 0 && (this.get(0x104) & bits(this.first)) !== 0;
  }

  private record({ kind, header }: ModelReport): void {
    if ((this.get(0x108) & bits(kind)) !== 0 || this.holding) return;
    this.first = kind;
    this.log = [0, 0, 0, 0];
    if (bare.includes(kind)) return;
    const bytes = new Uint8Array(16);
    bytes.set(headerBytes(header));
    this.log = [0, 4, 8, 12].map(at => new DataView(bytes.buffer).getUint32(at));
  }

  /** What an uncorrectable error does; the message's code, 0 for none. */
  report(report: ModelReport): number {
    const { kind, advisory } = report;
    const bit = bits(kind);
    const fatal = (this.get(0x10c) & bit) !== 0;
    const masked = (this.get(0x108) & bit) !== 0;
    const [control, command] = [this.get(0x68), this.get(0x04)];
    const serr = (command & bits(8)) !== 0;
    const reportable = kind !== 20 || (control & 8) !== 0;
    if (kind === 12) this.set(0x04, bits(31));
    if (kind === 15) this.set(0x04, bits(27));
    if (kind === 20) this.set(0x68, bits(19));
    if (advisory && !fatal) {
      this.set(0x68, bits(16));
      this.set(0x110, bits(13));
      if ((this.get(0x114) & bits(13)) !== 0) return 0;
      this.record(report);
      this.set(0x104, bit);
      return reportable && (control & 1) !== 0 ? 0x30 : 0;
    }
    this.set(0x68, fatal ? bits(18) : bits(17));
    this.record(report);
    this.set(0x104, bit);
    if (masked) return 0;
    const enabled = (control & (fatal ? 4 : 2)) !== 0 && reportable;
    if (!serr && !enabled) return 0;
    if (serr) this.set(0x04, bits(30));
    return fatal ? 0x33 : 0x31;
  }

  correct(kind: number): number {
    this.set(0x68, bits(16));
    this.set(0x110, bits(kind));
    return (this.get(0x114) & bits(kind)) === 0 && (this.get(0x68) & 1) !== 0 ? 0x30 : 0;
  }

  event(name: 'received_unsupported' | 'received_abort' | 'poisoned_data'): void {
    if (name === 'received_unsupported') this.set(0x04, bits(29));
    if (name === 'received_abort') this.set(0x04, bits(28));
    if (name === 'poisoned_data' && (this.get(0x04) & bits(6)) !== 0) this.set(0x04, bits(24));
  }

  /** What `controls` shows. */
  get controls(): { readonly [name: string]: number } {
    const command = this.get(0x04);
    const control = this.get(0x68);
    const control2 = this.get(0x88);
    const awake = (this.get(0x44) & 3) === 0;
    const bit = (word: number, at: number) => (word >>> at) & 1;
    return {
      id: this.bus_device * 8 + this.number,
      memory_enable: awake ? bit(command, 1) : 0,
      bus_master: awake ? bit(command, 2) : 0,
      mps: (control >> 5) & 7,
      mrrs: (control >> 12) & 7,
      relaxed_ordering: bit(control, 4),
      no_snoop: bit(control, 11),
      extended_tag: bit(control, 8),
      ten_bit_tag: bit(control2, 12),
      timeout_value: control2 & 15,
      timeout_disable: bit(control2, 4),
      atomic_requester: bit(control2, 6),
      ido_request: bit(control2, 8),
      ido_completion: bit(control2, 9),
      ecrc_generate: bit(this.get(0x118), 6),
      ecrc_check: bit(this.get(0x118), 8),
      msix_enable: bit(this.get(0x50), 31),
      msix_mask: bit(this.get(0x50), 30),
      acs: (this.get(0x174) >>> 16) & 0x6c,
      acs_egress: this.get(0x178),
      ats_enable: bit(this.get(0x1c4), 31),
      ats_unit: (this.get(0x1c4) >>> 16) & 0x1f,
      resetting: 0,
    };
  }

  /** Base and size of a BAR by its place in the list. */
  bar(index: number): { readonly base: bigint; readonly bytes: number; readonly width: number } | undefined {
    const bar = this.p.bars[index];
    if (!bar) return undefined;
    const low = BigInt(without(this.get(0x10 + 4 * bar.slot), 15));
    const high = bar.width === 64 ? BigInt(this.get(0x14 + 4 * bar.slot)) << 32n : 0n;
    return { base: high + low, bytes: this.sizeOf(bar.slot), width: bar.width };
  }
}
