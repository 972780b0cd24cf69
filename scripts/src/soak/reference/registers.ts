import { barMaps, registerLayouts } from '../device.ts';
import { dwords, type Tlp } from '../tlp.ts';
import { MemoryReference } from './memory.ts';
import { Mismatch } from './mismatch.ts';
import { enabled } from './rules.ts';

/** What it is, and how the other numbers of the identification are made: as `bar0Map` describes them. */
const identification = 0x7032_7001;

/** A message that a vector sends. */
interface Entry {
  high: number;
  low: number;
  data: number;
  masked: boolean;
  /** Triggers since the last look, and messages. */
  triggers: number;
  came: number;
  /** Triggers may have been lost. */
  forgiven: boolean;
}

/** The registers of one function: mailbox, doorbells and MSI-X (7.7.2, 6.1.4), as host and firmware see them. */
export class RegisterReference {
  /** All that reads as it was written; the rest is 0 there and of no account. */
  readonly memory: MemoryReference;
  /** Bits of the ranges that tell of writes, since the firmware looked last. */
  told = 0;
  /** Values that a doorbell may show when the firmware takes its event, the last one in the end. */
  private readonly rung = new Map<number, number[]>();
  /** What each showed last. */
  private readonly seen = new Map<number, number>();
  readonly vectors: Entry[] = [];
  private readonly layout: (typeof registerLayouts)[number];
  private readonly number: number;

  constructor(number: number) {
    this.number = number;
    this.layout = registerLayouts[number];
    this.memory = new MemoryReference(barMaps[number]?.find(({ to }) => to === 'registers')?.bytes ?? 0);
  }

  /** After power on. */
  restart(): void {
    this.memory.reset();
    this.told = 0;
    this.reset();
    if (!this.layout || !('identification' in this.layout)) return;
    const { count, stride } = this.layout.doorbells;
    const memory = barMaps[this.number]?.find(({ to }) => to === 'memory')?.bytes ?? 0;
    new Uint32Array(this.memory.bytes.buffer).set([identification, memory, stride * 65_536 + count]);
  }

  /** A reset of the function: the bytes of the mailbox stay. */
  reset(): void {
    const { vectors = 0 } = this.layout?.msix ?? {};
    this.rung.clear();
    this.seen.clear();
    this.told = 0;
    this.vectors.splice(0);
    for (let v = 0; v < vectors; v++)
      this.vectors.push({ high: 0, low: 0, data: 0, masked: true, triggers: 0, came: 0, forgiven: false });
  }

  /** A good MWr of the link. */
  write(t: Tlp, offset: number, order: number): void {
    const mailbox = this.layout?.mailbox;
    if (mailbox && offset >= mailbox.offset && offset + 4 * dwords(t) <= mailbox.offset + mailbox.bytes)
      this.memory.write(t, offset, order);
    for (let i = 0; i < dwords(t); i++) {
      const at = offset + 4 * i;
      const some = [0, 1, 2, 3].some(byte => enabled(t, 4 * i + byte));
      if (some) this.written(at, new DataView(t.body.buffer, t.body.byteOffset + 4 * i, 4).getUint32(0, true));
    }
  }

  private written(at: number, value: number): void {
    const { layout } = this;
    if (!layout) return;
    const events = 'events' in layout.mailbox ? layout.mailbox.events : [];
    events.forEach((range, bit) => {
      if (at >= range.offset && at < range.offset + range.bytes) this.told |= 1 << bit;
    });
    const { offset, count, stride } = layout.doorbells;
    const doorbell = (at - offset) / stride;
    if (Number.isInteger(doorbell) && doorbell >= 0 && doorbell < count) {
      const values = this.rung.get(doorbell);
      if (values) values.push(value);
      else this.rung.set(doorbell, [value]);
    }
    const vector = this.vectors[(at - layout.msix.table) >> 4];
    if (!vector || at < layout.msix.table) return;
    const field = ((at - layout.msix.table) >> 2) & 3;
    if (field === 0) vector.low = value;
    if (field === 1) vector.high = value;
    if (field === 2) vector.data = value;
    if (field === 3) vector.masked = (value & 1) === 1;
  }

  /** What a read of the link may see. */
  read(offset: number, bytes: number) {
    const data = this.memory.bytes.slice(offset, offset + bytes);
    const { mailbox } = this.layout ?? {};
    for (const range of mailbox && 'hidden' in mailbox ? mailbox.hidden : []) {
      const shown = ((this.memory.bytes[range.shown_by + (range.bit >> 3)] ?? 0) >> (range.bit & 7)) & 1;
      if (shown === 0) data.fill(0, Math.max(0, range.offset - offset), Math.max(0, range.offset + range.bytes - offset));
    }
    const wild = this.memory.wild.slice(offset, offset + bytes);
    return { data, wild, memory: this.memory, offset };
  }

  /** The firmware took the event of a doorbell. @throws Mismatch */
  took(doorbell: number, value: number): void {
    const values = this.rung.get(doorbell);
    const found = values?.indexOf(value) ?? -1;
    // Rung again between the two looks: the value was already seen.
    const again = this.seen.get(doorbell) === value;
    this.seen.set(doorbell, value);
    if (!values || found < 0) {
      if (again) return;
      throw new Mismatch(`doorbell ${doorbell} of function ${this.number} shows 0x${value.toString(16)}, which nobody wrote`);
    }
    values.splice(0, found + 1);
    if (values.length === 0) this.rung.delete(doorbell);
  }
  /** Doorbells whose last value the firmware has not seen. */
  get ringing(): number {
    return this.rung.size;
  }

  trigger(v: number): void {
    const vector = this.vectors[v];
    if (!vector) return;
    vector.triggers++;
  }
  /** Triggers of a vector that are on their way may come to nothing. */
  forgive(v: number): void {
    const vector = this.vectors[v];
    if (vector) vector.forgiven = true;
  }

  /** Nothing is on its way: every vector that may send has done so, once at least, and is not pending. @throws Mismatch */
  checkVectors(): void {
    for (const [v, vector] of this.vectors.entries()) {
      const { masked, triggers, came, forgiven } = vector;
      if (masked) continue;
      if (triggers > 0 && came === 0 && !forgiven)
        throw new Mismatch(`vector ${v} of function ${this.number} was triggered ${triggers} times and sent nothing`);
      vector.triggers = 0;
      vector.came = 0;
      vector.forgiven = false;
    }
  }

  /** A message came. @throws Mismatch unless its vector was triggered and may send. */
  message(t: Tlp): void {
    const vector = this.vectors.find(({ high, low }) => low === t.low && high === t.high);
    const value = new DataView(t.body.buffer, t.body.byteOffset, 4).getUint32(0, true);
    if (!vector || vector.came === vector.triggers) throw new Mismatch('no vector was triggered that sends this');
    if (vector.masked) throw new Mismatch('the vector is masked');
    if (vector.data !== value || t.length !== 1 || t.first_be !== 15)
      throw new Mismatch('the message is not what the table says');
    vector.came++;
  }
}
