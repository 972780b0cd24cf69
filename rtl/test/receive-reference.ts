/** What an endpoint has to do with what it receives, written from the rules and not from the hardware. */
import { completion, configTarget, dwCount, type Packet, type PacketHeader } from '../src/tlp/packet.ts';
import { bodyBytes } from '../src/tlp/wire.ts';
import { classOf } from './link-bench.ts';
import { bases, type FunctionSettings, ids, maps, memoryBytes, open, type Report } from './receive-bench.ts';

const hasData = (h: PacketHeader): boolean => h.fmt === 2 || h.fmt === 3;
const isMessage = (h: PacketHeader): boolean => h.type >> 3 === 2;
const isAtomic = (h: PacketHeader): boolean => [12, 13, 14].includes(h.type);
const single = new Set([2, 4, 5]);

/** Headers that exist: type and formats (C1, C2). */
const formats = new Map<number, readonly number[]>([
  [0, [0, 1, 2, 3]],
  [1, [0, 1]],
  ...[2, 4, 5, 10, 11].map(type => [type, [0, 2]] as const),
  ...[12, 13, 14].map(type => [type, [2, 3]] as const),
  ...[16, 17, 18, 19, 20, 21, 22, 23].map(type => [type, [1, 3]] as const),
]);

interface MessageFacts {
  readonly routes: readonly number[];
  /** DW of payload; any if it is missing. */
  readonly dws?: number;
  /** The traffic class is free. */
  readonly free?: boolean;
  /** The endpoint knows it. */
  readonly fine: boolean;
}
/** Messages by code (2.2.8). */
const messages = new Map<number, MessageFacts>([
  [0x00, { routes: [3], dws: 0, fine: true }],
  [0x01, { routes: [2], dws: 2, free: true, fine: false }],
  ...[0x02, 0x05].map(code => [code, { routes: [2], dws: 0, free: true, fine: false }] as const),
  [0x04, { routes: [0], dws: 0, free: true, fine: false }],
  ...[0x10, 0x12, 0x52].map(code => [code, { routes: [4], dws: 0, fine: false }] as const),
  [0x53, { routes: [4], fine: false }],
  [0x14, { routes: [4], dws: 0, fine: true }],
  [0x18, { routes: [0], dws: 0, fine: false }],
  [0x19, { routes: [3], dws: 0, fine: true }],
  [0x1b, { routes: [5], dws: 0, fine: false }],
  ...[0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27].map(code => [code, { routes: [4], dws: 0, fine: false }] as const),
  ...[0x30, 0x31, 0x33].map(code => [code, { routes: [0], dws: 0, fine: false }] as const),
  ...[0x40, 0x41, 0x43, 0x44, 0x45, 0x47, 0x48].map(code => [code, { routes: [4], dws: 0, fine: true }] as const),
  [0x50, { routes: [4], dws: 1, fine: true }],
  [0x7e, { routes: [0, 2, 3, 4], free: true, fine: false }],
  [0x7f, { routes: [0, 2, 3, 4], free: true, fine: true }],
]);
const codeOf = (h: PacketHeader): number => 16 * h.last_be + h.first_be;

/** The enabled bytes of a memory request, as a string of 0 and 1 from the first byte. */
function enabled(h: PacketHeader): string {
  const bits = (be: number) => [0, 1, 2, 3].map(i => (be >> i) & 1).join('');
  const dws = dwCount(h);
  return dws === 1 ? bits(h.first_be) : bits(h.first_be) + '1111'.repeat(dws - 2) + bits(h.last_be);
}

/** Whether the header alone makes a TLP malformed. */
export function malformed(h: PacketHeader, mps: number): boolean {
  if (!formats.get(h.type)?.includes(h.fmt)) return true;
  const dws = dwCount(h);
  if (hasData(h) && 4 * dws > mps) return true;
  if (h.type < 2) {
    if (Number(h.address & 0xfffn) + 4 * dws > 4096) return true;
    if (h.th === 1 && !hasData(h)) return false;
    if (dws === 1) return h.last_be !== 0;
    if (h.first_be === 0 || h.last_be === 0) return true;
    const holes = !/^0*1+0*$/.test(enabled(h));
    return holes && !(dws === 2 && h.address % 8n === 0n);
  }
  if (single.has(h.type)) return dws !== 1 || h.tc + h.attr + h.at + h.last_be > 0;
  if (isAtomic(h)) {
    const operand = h.type === 14 ? 2 * dws : 4 * dws;
    const sizes = h.type === 14 ? [4, 8, 16] : [4, 8];
    return !sizes.includes(operand) || Number(h.address & 0xffn) % operand !== 0;
  }
  if (isMessage(h)) {
    const rule = messages.get(codeOf(h));
    if (!rule) return false;
    const payload = hasData(h) ? dws : 0;
    return !rule.routes.includes(h.type & 7) || (rule.dws !== undefined && rule.dws !== payload) || (!rule.free && h.tc !== 0);
  }
  if (!hasData(h)) return false;
  const status = Number((h.address >> 45n) & 7n);
  const bytes = Number((h.address >> 32n) & 0xfffn) || 4096;
  return status !== 0 || 4 * dws > Math.ceil(((Number(h.address) & 3) + bytes) / 4) * 4;
}

const beats = (bytes: number, width: number): number => Math.max(1, Math.ceil((8 * bytes) / width));

/** Whether a TLP has the beats that its header says. */
export function rightLength(p: Packet, width: number): boolean {
  const said = (hasData(p) ? 4 * dwCount(p) : 0) + 4 * p.td;
  return beats(bodyBytes(p).length, width) === beats(said, width);
}

const firstBit = (be: number): number => (be === 0 ? 0 : [0, 1, 2, 3].findIndex(i => (be >> i) & 1));

interface Target {
  readonly function: number;
  readonly to: 'memory' | 'registers';
  readonly offset: number;
}

export interface RegisterWritten {
  readonly function: number;
  readonly address: number;
  readonly data: number;
  readonly mask: number;
}

/** The endpoint of `ReceiveBench`. */
export class ReferenceEndpoint {
  readonly memory = new Uint8Array(memoryBytes);
  readonly registers = maps.map(() => new Uint8Array(0x2000));
  readonly config = maps.map(() => new Uint8Array(4096));
  readonly ids = [...ids];
  readonly settings: FunctionSettings[] = maps.map(() => ({ ...open }));
  retry = 0;
  readonly reports: Report[] = [];
  readonly register_writes: RegisterWritten[] = [];
  /** Completions that the requester gets. */
  readonly requested: Packet[] = [];
  private readonly width: number;

  constructor(width: number) {
    this.width = width;
  }

  private get mps(): number {
    return Math.max(...this.settings.map(s => 128 << s.mps));
  }

  private report(p: Packet, kind: number, functions: number, advisory: boolean): void {
    const { payload: _, digest: __, ...header } = p;
    this.reports.push({ functions, kind, advisory: advisory ? 1 : 0, header });
  }

  private target(p: Packet): Target | undefined {
    if (p.at & 1) return undefined;
    for (const [f, map] of maps.entries()) {
      if (!this.settings[f]?.memory_enable) continue;
      for (const [b, bar] of map.entries()) {
        const base = bases[f]?.[b] ?? 0n;
        if (!bar || p.address < base || p.address >= base + BigInt(bar.bytes)) continue;
        return { function: f, to: bar.to, offset: bar.base + Number(p.address - base) };
      }
    }
    return undefined;
  }

  /** Performs a TLP. @returns its completions. */
  perform(p: Packet): Packet[] {
    const kind = classOf(p);
    if (malformed(p, this.mps)) {
      this.report(p, 18, 0xff, false);
      return [];
    }
    if (!rightLength(p, this.width)) {
      this.report(p, 18, 0xff, false);
      if (p.type === 0 && hasData(p)) this.writePart(p);
      return [];
    }
    if (kind === 'posted') {
      this.post(p);
      return [];
    }
    if (kind === 'non_posted') return this.answer(p);
    if (p.type === 11 || !this.ids.includes(p.requester_id)) this.report(p, 16, 0xff, true);
    else {
      const { digest: _, ...packet } = p;
      this.requested.push(packet);
    }
    return [];
  }

  /** A write with a wrong end is cut before the last beat that it should have, or has. */
  private writePart(p: Packet): void {
    const said = beats(4 * dwCount(p) + 4 * p.td, this.width);
    const came = beats(bodyBytes(p).length, this.width);
    const dws = ((Math.min(said, came) - 1) * this.width) / 32;
    const target = this.target(p);
    if (target && !p.ep) this.write(p, target, dws);
  }

  private post(p: Packet): void {
    if (isMessage(p)) {
      const rule = messages.get(codeOf(p));
      if (!rule?.fine) this.report(p, 20, 0xff, false);
      else if (p.ep && hasData(p)) this.report(p, 12, 0xff, false);
      return;
    }
    const target = this.target(p);
    if (!target) {
      this.report(p, 20, 0xff, false);
      return;
    }
    if (p.ep) {
      this.report(p, 12, 1 << target.function, false);
      return;
    }
    this.write(p, target, dwCount(p));
  }

  /** Writes the first `dws` DW. */
  private write(p: Packet, target: Target, dws: number): void {
    const bytes = target.to === 'memory' ? this.memory : this.registers[target.function];
    const body = bodyBytes(p);
    const enables = enabled(p);
    for (let dw = 0; dw < dws; dw++) {
      const mask = [0, 1, 2, 3].map(i => enables[4 * dw + i] === '1');
      mask.forEach((on, i) => {
        if (on && bytes) bytes[target.offset + 4 * dw + i] = body[4 * dw + i] ?? 0;
      });
      if (target.to === 'memory' || !mask.includes(true)) continue;
      this.register_writes.push({
        function: target.function,
        address: target.offset + 4 * dw,
        data: new DataView(body.buffer, body.byteOffset).getUint32(4 * dw, true),
        mask: mask.reduce((sum, on, i) => sum + (on ? 2 ** i : 0), 0),
      });
    }
  }

  private answer(p: Packet): Packet[] {
    const poisoned = p.ep === 1 && hasData(p);
    if (p.type === 4) return this.configure(p, poisoned);
    const target = this.target(p);
    if (p.type === 0 && target) {
      const id = this.ids[target.function] ?? 0;
      if (target.to === 'registers' && dwCount(p) > 2) {
        this.report(p, 15, 1 << target.function, true);
        return [this.refusal(p, 4, id)];
      }
      const bytes = target.to === 'memory' ? this.memory : (this.registers[target.function] ?? this.memory);
      return this.read(p, bytes, target, id);
    }
    if (isAtomic(p) && target?.to === 'memory') {
      const id = this.ids[target.function] ?? 0;
      if (!poisoned) return [this.atomic(p, target, id)];
      this.report(p, 12, 1 << target.function, true);
      return [this.refusal(p, 1, id)];
    }
    this.report(p, 20, 0xff, true);
    return [this.refusal(p, 1, this.ids[p.type === 4 ? 0 : (target?.function ?? 0)] ?? 0)];
  }

  private configure(p: Packet, poisoned: boolean): Packet[] {
    const { function: f, register } = configTarget(p);
    const space = this.config[f];
    const id = this.ids[f];
    if (!space || id === undefined) {
      this.report(p, 20, 0xff, true);
      return [this.refusal(p, 1, this.ids[0] ?? 0)];
    }
    if (this.settings[f]?.resetting || (this.retry >> f) & 1) return [this.refusal(p, 2, id)];
    if (poisoned) {
      this.report(p, 12, 1 << f, true);
      return [this.refusal(p, 1, id)];
    }
    if (!hasData(p)) return [completion(p, { completer_id: id }, space.slice(4 * register, 4 * register + 4))];
    for (let i = 0; i < 4; i++) if ((p.first_be >> i) & 1) space[4 * register + i] = p.payload[i] ?? 0;
    this.ids[f] = Number((p.address >> 16n) & 0xffffn);
    return [completion(p, { completer_id: this.ids[f] ?? 0 })];
  }

  /** Bytes that an answer tells: of a read from the first to the last enabled one. */
  private count(p: Packet): number {
    if (isAtomic(p)) return this.operand(p);
    if (p.type > 1) return 4;
    const bits = this.implied(p);
    return bits.includes('1') ? bits.lastIndexOf('1') - bits.indexOf('1') + 1 : 1;
  }

  private implied(p: Packet): string {
    return p.th ? '1111'.repeat(dwCount(p)) : enabled(p);
  }

  private operand(p: Packet): number {
    return p.type === 14 ? 2 * dwCount(p) : 4 * dwCount(p);
  }

  private refusal(p: Packet, status: number, completer_id: number): Packet {
    const skip = p.th ? 0 : firstBit(p.first_be);
    const lower_address = p.type > 1 ? 0 : (Number(p.address & 0x7fn) | skip) & 0x7f;
    const answer = completion(p, { completer_id, status, byte_count: this.count(p), lower_address });
    return p.type === 1 ? { ...answer, type: 11 } : answer;
  }

  private read(p: Packet, bytes: Uint8Array, target: Target, completer_id: number): Packet[] {
    const size = target.to === 'memory' ? 128 << (this.settings[target.function]?.mps ?? 0) : 4096;
    const end = target.offset + 4 * dwCount(p);
    const skip = p.th ? 0 : firstBit(p.first_be);
    const result: Packet[] = [];
    let left = this.count(p);
    for (let from = target.offset; from < end; ) {
      const to = target.to === 'memory' ? Math.min(end, (Math.floor(from / size) + 1) * size) : end;
      const first = from === target.offset ? from + skip : from;
      result.push(completion(p, { completer_id, byte_count: left, lower_address: first & 0x7f }, bytes.slice(from, to)));
      left -= to - first;
      from = to;
    }
    return result;
  }

  private atomic(p: Packet, target: Target, completer_id: number): Packet {
    const size = this.operand(p);
    const number = (bytes: Uint8Array) => bytes.reduceRight((high, byte) => (high << 8n) | BigInt(byte), 0n);
    const old = this.memory.slice(target.offset, target.offset + size);
    const operand = number(p.payload.subarray(0, size));
    const changed =
      p.type === 12
        ? BigInt.asUintN(8 * size, number(old) + operand)
        : p.type === 13
          ? operand
          : number(old) === operand
            ? number(p.payload.subarray(size))
            : number(old);
    for (let i = 0; i < size; i++) this.memory[target.offset + i] = Number((changed >> BigInt(8 * i)) & 0xffn);
    return completion(p, { completer_id, byte_count: size }, old);
  }
}
