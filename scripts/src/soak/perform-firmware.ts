import { registerLayouts } from './device.ts';
import { firmware } from './firmware.ts';
import type { Player } from './player.ts';
import { payload } from './random.ts';
import { Mismatch } from './reference/mismatch.ts';
import { Flag, type Job, pattern } from './reference/transfers.ts';
import type { Numbers } from './stimuli.ts';
import { type Tlp, tlp } from './tlp.ts';

/** Operations of the firmware: single jobs, media, AtomicOps, doorbells, interrupts and the mailbox. */

/** Places of single jobs in the BAR memory: 4 of 1 KiB. */
const jobBase = 18 * 1024;
/** AtomicOps inside; what goes through the medium, in and out. */
const atomicBase = 17 * 1024;
const mediaBase = 22 * 1024;

/** The control register for flags of a transfer, a function and a local side. */
const control = (flags: number, of: number, memory: boolean, flush: boolean): number =>
  (memory ? 2 : 0) |
  (of << 2) |
  (flags & Flag.relaxed ? 0x20 : 0) |
  (flags & Flag.noSnoop ? 0x40 : 0) |
  (flags & Flag.translated ? 0x100 : 0) |
  (flush ? 0x200 : 0);

const flagsOf = (c: number): number => ((c >>> 16) & 0xc00) | ((c >>> 28) % 8 === 7 ? Flag.translated : 0);
/** Upper half of a host address; a third of them lie below 4 GiB. */
export const highOf = (c: number): number => ((c >>> 13) % 3 === 0 ? 0 : Math.imul(1 + (c >>> 16), 0x9e37_79b1) >>> 0);

/** A single job: a read, a write with or without flush, or a copy inside. */
export function job(player: Player, { a, b, c, d }: Numbers): void {
  const engine = a % 2 === 0 ? 'write_dma' : 'read_dma';
  const opcode = engine === 'write_dma' ? 'write' : 'read';
  const bytes = ([1, 4, 64, 130, 300, 512, 700, 900][b % 8] ?? 1) + ((b >>> 3) % 17);
  const slot = d % 4;
  const offset = jobBase + 1024 * slot + ((d >>> 2) & 63);
  const local = (a >>> 1) % 8 === 7;
  const of = !local && (a >>> 4) % 4 === 3 ? 2 : 0;
  const flush = (a >>> 6) % 2 === 1;
  const remote = jobBase + 1024 * ((slot + 1 + (c % 3)) % 4) + ((c >>> 3) & 63);
  player.bench.until(
    () => !player.jobs.busy(engine) && !player.dma.busy(offset, bytes) && !(local && player.dma.busy(remote, bytes)),
    () => `the ${engine} to be free`,
  );
  const own = player.bases[0]?.[1] ?? { high: 0, low: 0 };
  const plain = { opcode, bytes, offset, flags: flagsOf(c), function: of, ...(opcode === 'write' ? { flush } : {}) } as const;
  const wanted: Job = local
    ? { ...plain, inner: own.low + remote, high: own.high, remote }
    : { ...plain, inner: c & 0xfff, high: highOf(c) };
  const { job, low } = player.dma.start(wanted);
  const registers = {
    low,
    high: wanted.high,
    offset,
    length: bytes,
    control: control(wanted.flags, of, true, flush && opcode === 'write'),
  };
  player.jobs.start(engine, registers, outcome => player.dma.jobEnded(job, outcome));
  player.count(local ? 'job inside' : `job ${opcode}${flush && opcode === 'write' ? ' with flush' : ''}`);
}

/** Data through the medium: in by a read or from the BAR memory, out by a write or to the BAR memory. */
export function media(player: Player, { a, b, c, d }: Numbers): void {
  const from = a % 2 === 0 ? 'drain' : 'read_dma';
  const to = (a >>> 1) % 2 === 0 ? 'fill' : 'write_dma';
  const all: readonly ('drain' | 'read_dma' | 'fill' | 'write_dma')[] = [from, to];
  // What the medium holds between a drain and a fill is all that there may be: one engine does both.
  const most = from === 'drain' && to === 'fill' ? (32 * player.width) / 8 : 900;
  const bytes = 1 + (b % Math.min(900, most));
  const source = mediaBase + (d & 63);
  const target = mediaBase + 1024 + ((d >>> 6) & 63);
  player.bench.until(
    () =>
      all.every(engine => !player.jobs.busy(engine)) &&
      !player.flowing &&
      !player.dma.copies &&
      !player.dma.busy(source, 1024) &&
      !player.dma.busy(target, 1024),
    () => 'the medium to be free',
  );
  const { memory } = player.reference;
  const high = highOf(c);
  const plain = { bytes, flags: flagsOf(c), function: 0, inner: c & 0xfff, high };
  let data: Uint8Array = memory.bytes.slice(source, source + bytes);
  let wild: Uint8Array = memory.wild.slice(source, source + bytes);
  player.flow(all.length);
  if (from === 'read_dma') {
    const read = player.dma.start({ ...plain, opcode: 'read', offset: 0, media: { data: new Uint8Array(bytes), wild } });
    data = pattern(read.low, bytes);
    wild = new Uint8Array(bytes);
    const registers = { low: read.low, high, offset: 0, length: bytes, control: control(plain.flags, 0, false, false) };
    player.jobs.start('read_dma', registers, outcome => {
      player.dma.jobEnded(read.job, outcome);
      player.flow(-1);
    });
  } else
    player.jobs.start('drain', { low: 0, high: 0, offset: source, length: bytes, control: 0 }, outcome =>
      player.flowed('drain', outcome),
    );
  if (to === 'write_dma') {
    const write = player.dma.start({ ...plain, opcode: 'write', offset: 0, media: { data, wild } });
    const registers = { low: write.low, high, offset: 0, length: bytes, control: control(plain.flags, 0, false, false) };
    player.jobs.start('write_dma', registers, outcome => {
      player.dma.jobEnded(write.job, outcome);
      player.flow(-1);
    });
  } else {
    memory.wild.fill(1, target, target + bytes);
    memory.touch(target, bytes);
    player.jobs.start('fill', { low: 0, high: 0, offset: target, length: bytes, control: 0 }, outcome => {
      memory.set(target, data);
      memory.wild.set(wild, target);
      player.flowed('fill', outcome);
    });
  }
  player.count(`media from ${from} to ${to}`);
}

/** An AtomicOp of the firmware, on the host's memory or inside. */
export function firmwareAtomic(player: Player, { a, b, c, d }: Numbers): void {
  const kind = a % 3;
  const size = kind === 2 ? ([4, 8, 16][b % 3] ?? 4) : ([4, 8][b % 2] ?? 4);
  const operand = payload(d, size);
  const local = (a >>> 2) % 4 === 3;
  player.bench.until(
    () => !player.jobs.busy('atomic'),
    () => 'the AtomicOp before',
  );
  const registers = { control: control(flagsOf(c), 0, false, false) | (kind << 9) | (Math.log2(size / 4) << 11), operand };
  if (local) {
    const { memory } = player.reference;
    const at = atomicBase + size * (c % (512 / size));
    const own = player.bases[0]?.[1] ?? { high: 0, low: 0 };
    const old = memory.bytes.slice(at, at + size);
    const compare = (b >>> 8) % 4 === 0 ? payload(c, size) : old;
    const equal = kind !== 2 || old.every((byte, i) => byte === compare[i]);
    const fresh = kind === 0 ? sum(old, operand) : operand;
    memory.touch(at, size);
    memory.wild.fill(1, at, at + size);
    player.jobs.startAtomic({ ...registers, compare, low: own.low + at, high: own.high }, (outcome, value) => {
      memory.set(at, equal ? fresh : old);
      if (outcome !== 0 || old.some((byte, i) => byte !== value[i]))
        throw new Mismatch(`an AtomicOp inside ends with outcome ${outcome} and 0x${hex(value)}, not 0x${hex(old)}`);
    });
    player.count('AtomicOp inside');
    return;
  }
  const compare = payload(c ^ d, size);
  const body = kind === 2 ? Uint8Array.from([...compare, ...operand]) : operand;
  const type = ([12, 13, 14] as const)[kind] ?? 12;
  const high = highOf(c);
  const { job, low } = player.dma.startAtomic({ type, size, body, flags: flagsOf(c) }, 16 * (c % 128), high);
  player.jobs.startAtomic({ ...registers, compare, low, high }, (outcome, value) => {
    player.dma.jobEnded(job, outcome);
    if (outcome === 0 && job.data.some((byte, i) => byte !== value[i]))
      throw new Mismatch(`an AtomicOp brings 0x${hex(value)}, not 0x${hex(job.data)}`);
  });
  player.count('AtomicOp of the firmware');
}

function sum(a: Uint8Array, b: Uint8Array): Uint8Array {
  let carry = 0;
  return a.map((byte, i) => {
    const all = byte + (b[i] ?? 0) + carry;
    carry = all >> 8;
    return all;
  });
}
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const registerFunction = (a: number): 0 | 2 => (a % 2 === 0 ? 0 : 2);

/** A DW of a function's registers, by its offset. */
function registerTlp(player: Player, f: number, offset: number, value?: number): Tlp {
  const base = player.bases[f]?.[0] ?? { high: 0, low: 0 };
  const body = new Uint8Array(value === undefined ? 0 : 4);
  if (value !== undefined) new DataView(body.buffer).setUint32(0, value, true);
  const fmt = (base.high ? 1 : 0) | (value === undefined ? 0 : 2);
  return tlp({ fmt, high: base.high, low: base.low + offset, first_be: 15, body });
}

/** The host rings a doorbell, now and then one twice. */
export function doorbell(player: Player, { a, b, d }: Numbers): void {
  const f = registerFunction(a);
  const { offset, count, stride } = registerLayouts[f].doorbells;
  for (let i = 0; i <= (b >>> 8) % 3; i++)
    player.send('MWr to a doorbell', registerTlp(player, f, offset + stride * ((b + i * (a >>> 8)) % count), (d + i) >>> 0));
}

/** The firmware triggers an interrupt. */
export function trigger(player: Player, { a, b }: Numbers): void {
  const f = registerFunction(a);
  const v = b % registerLayouts[f].msix.vectors;
  player.reference.registers[f]?.trigger(v);
  player.bench.firmware.tell(f, firmware.msix_trigger.offset, v);
  player.count('interrupt of the firmware');
}

/** A vector is masked for a while: triggers make it pending, and it sends when it may again. */
export function mask(player: Player, n: Numbers): void {
  const f = registerFunction(n.a);
  const { vectors, table, pending } = registerLayouts[f].msix;
  const v = n.b % vectors;
  const control = table + 16 * v + 12;
  const isPending = (): boolean => {
    let got = 0;
    const t = registerTlp(player, f, pending);
    player.send('MRd of pending bits', t, { unknown: true, done: (_, data) => (got = data[v >> 3] ?? 0) });
    player.wait();
    return ((got >> (v & 7)) & 1) === 1;
  };
  player.drain();
  player.bench.drive('free', 0);
  player.send('MWr to the MSI-X table', registerTlp(player, f, control, 1));
  player.settle();
  if ((n.b >>> 8) % 4 !== 0) trigger(player, { ...n, b: v });
  others(player, n);
  player.drain();
  player.bench.drive('free', 0);
  const triggered = (player.reference.registers[f]?.vectors[v]?.triggers ?? 0) > 0;
  if (isPending() !== triggered)
    throw new Mismatch(`vector ${v} of function ${f}, which is masked, is ${triggered ? 'not ' : ''}pending`);
  player.send('MWr to the MSI-X table', registerTlp(player, f, control, 0));
  player.drain();
  if (isPending()) throw new Mismatch(`vector ${v} of function ${f} is pending though it may send`);
  player.bench.drive('free', 0);
}

/** Some traffic to the registers. */
function others(player: Player, { a, b, c, d }: Numbers): void {
  for (let i = 0; i < b % 5; i++) trigger(player, { a: a + i, b: (b >>> 3) + i + 1, c, d });
}

/** What the host wrote into the mailbox the firmware finds there, and what the firmware writes the host reads. */
export function mailbox(player: Player, { a, b, c, d }: Numbers): void {
  const f = registerFunction(a);
  const registers = player.reference.registers[f];
  const { mailbox: place } = registerLayouts[f];
  if (!registers) return;
  player.settle();
  const told = player.firmwareRead(f, firmware.mailbox_written.offset);
  if (told !== registers.told)
    throw new Mismatch(
      `ranges 0x${told.toString(16)} of the mailbox of function ${f} were written, not 0x${registers.told.toString(16)}`,
    );
  player.bench.firmware.tell(f, firmware.mailbox_written.offset, told);
  registers.told = 0;
  for (let i = 0; i < 4; i++) {
    const at = 4 * ((b + i * c) % (place.bytes / 4));
    const got = player.firmwareRead(f, 0x400 + at);
    const view = new DataView(registers.memory.bytes.buffer, place.offset + at, 4).getUint32(0, true);
    const known = registers.memory.wild.subarray(place.offset + at, place.offset + at + 4).every(byte => byte === 0);
    if (known && got !== view)
      throw new Mismatch(`the mailbox of function ${f} has 0x${got.toString(16)} at ${at}, not 0x${view.toString(16)}`);
  }
  const at = 4 * (d % (place.bytes / 4));
  const word = new Uint8Array(4);
  new DataView(word.buffer).setUint32(0, c, true);
  player.bench.firmware.tell(f, 0x400 + at, c);
  player.firmwareRead(f, firmware.function_state.offset);
  registers.memory.set(place.offset + at, word);
  // Later writes could show what is hidden.
  player.send('MRd of registers', registerTlp(player, f, place.offset + at));
  player.wait();
}
