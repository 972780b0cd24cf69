import type { Engine } from '@hdl/ts-hdl';
import { Bench } from './bench.ts';
import { functionParams, memoryBytes } from './device.ts';
import { type StallName, stalls } from './harness.ts';
import type { Batch } from './operation.ts';
import { perform } from './perform.ts';
import { at } from './reference/config.ts';
import { DmaReference, host, ringEntries } from './reference/dma.ts';
import { EndpointReference, type Wishes } from './reference/endpoint.ts';
import { Mismatch, same } from './reference/mismatch.ts';
import { type Bases, basesOf, configRequest } from './stimuli.ts';
import { classOf, describe, hasData, isCompletion, isMessage, type Tlp } from './tlp.ts';

/** Where a batch went wrong. */
export interface Failure {
  /** Number of the operation. */
  readonly index: number;
  readonly message: string;
  readonly cycle: number;
  readonly hang: boolean;
}

/** Requester ID of what the device's registers send. */
const ownId = 0xfffe;

/** Registers that a checkpoint looks at, those that it clears first. */
const watched = [at.command, at.device, at.uncorrectable, at.correctable, at.errorControl, ...[0, 4, 8, 12].map(i => at.log + i)];

/** Plays batches: performs their operations on a simulated endpoint and on the reference, and compares. */
export class Player implements Disposable {
  readonly bench: Bench;
  readonly reference: EndpointReference;
  readonly dma: DmaReference;
  readonly width: number;
  /** TLPs that were sent, by kind. */
  readonly counts = new Map<string, number>();
  bases: Bases = [];
  /** Bus and device number of the endpoint. */
  device = 0;
  /** TLPs of the device itself that are on their way. */
  private readonly own: Tlp[] = [];
  private settings: readonly number[] = [];
  private transactions = 0;
  /** Completions that may not have arrived. */
  private completions = 0;

  constructor(width: number, engine: Engine) {
    this.width = width;
    this.reference = new EndpointReference(width);
    this.bench = new Bench(width, engine, {
      seen: t => this.seen(t),
      registerWrite: (of, address, data, mask) => this.reference.registerWrite(of, address, data, mask),
      passed: () => {
        this.dma.finished(this.bench.look('head'));
        return this.dma.tick();
      },
    });
    const { memory, errors, functions } = this.reference;
    const [owner] = functions;
    if (!owner) throw new RangeError('there is no function');
    this.dma = new DmaReference({ memory, errors, owner }, t => {
      if (!this.bench.offer(t)) return false;
      this.completions++;
      this.count(t.ep ? 'poisoned CplD for the DMA' : hasData(t) ? 'CplD for the DMA' : 'failed Cpl for the DMA');
      return true;
    });
  }

  /** Plays a batch from reset to the end. @returns what went wrong. */
  play(batch: Batch): Failure | undefined {
    let index = -1;
    try {
      this.start(batch.settings);
      for (const operation of batch.operations) {
        index++;
        perform(this, operation);
      }
      index++;
      this.finish();
      return undefined;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const known = error instanceof Mismatch || error.name === 'Hang';
      const message = known ? error.message : (error.stack ?? error.message);
      return { index, message, cycle: this.bench.cycle, hang: error.name === 'Hang' };
    }
  }

  /** A number of the settings. */
  setting(i: number): number {
    return this.settings[i] ?? 0;
  }

  private start(settings: readonly number[]): void {
    this.settings = settings;
    this.transactions = 0;
    this.own.length = 0;
    this.completions = 0;
    this.device = this.setting(1) & 0x1fff;
    this.bases = basesOf(settings);
    this.reference.restart();
    this.dma.reset(this.setting(20));
    this.bench.drive('run', 0);
    this.bench.restart();
    this.pressure(this.setting(0));
    this.functions();
    this.channel();
  }

  /** Sets how much everything is held up: from a number, 0 for not at all. */
  pressure(number: number): void {
    this.bench.drive('salt', number);
    stalls.forEach((name: StallName, i) => {
      const own = (number >>> (2 * (i % 13))) & 3;
      const closed = [0, 0, 50, 140][own] ?? 0;
      const burst = own === 1 && i % 3 === number % 3 ? 8 : 0;
      this.bench.stall(name, closed, burst);
    });
  }

  /** Starts the DMA channel of function 0 with an empty ring. */
  channel(): void {
    const { bench } = this;
    bench.drive('owner', 0);
    bench.drive('ring_base', host.ring);
    bench.drive('ring_local', 0);
    bench.drive('ring_entries', ringEntries);
    bench.drive('completion_base', host.entries);
    bench.drive('tail', this.dma.tail);
    bench.drive('run', 1);
  }

  /** Gives all functions addresses, limits, error reporting and enables, as software does it after reset. */
  private functions(): void {
    for (let f = 0; f < functionParams.length; f++) this.setUp(f);
    this.settle();
  }

  setUp(f: number): void {
    const { bars, max_payload } = functionParams[f] ?? { bars: [], max_payload: 128 };
    bars.forEach(({ slot, width }, b) => {
      const base = this.bases[f]?.[b] ?? { high: 0, low: 0 };
      this.configure(f, at.bars + 4 * slot, base.low);
      if (width === 64) this.configure(f, at.bars + 4 * slot + 4, base.high);
    });
    const errors = this.setting(2 + f);
    const payload = ((this.setting(5) >>> (2 * f)) & 3) % (Math.log2(max_payload) - 6);
    const request = ((this.setting(5) >>> (8 + 2 * f)) & 3) % 3;
    const relaxed = (this.setting(5) >>> 16) & 0x910;
    this.configure(f, at.device, (errors & 15) | (payload << 5) | (request << 12) | relaxed);
    this.configure(f, at.severity, (errors & 16 ? 0x0046_2010 : this.setting(6)) >>> 0);
    this.configure(f, at.mask, errors & 32 ? this.setting(7) & this.setting(6) : 0);
    this.configure(f, at.correctableMask, errors & 64 ? 0x2000 : 0);
    // No completion timeout.
    this.configure(f, at.device2, 0x10);
    this.configure(f, at.command, 6 | (errors & 128 ? 0x100 : 0));
  }

  /** A transaction ID that no other request of the batch has. */
  private transaction(): { readonly requester: number; readonly tag: number } {
    const number = this.transactions++;
    return { requester: (0x4000 + (number >> 10)) & 0xffff, tag: number & 0x3ff };
  }

  /** Sends a TLP to the endpoint and to the reference. */
  send(kind: string, t: Tlp, wishes?: Wishes): void {
    if (classOf(t) === 1) Object.assign(t, this.transaction());
    if (classOf(t) === 2) this.completions++;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.reference.receive(t, wishes);
    this.bench.send(t);
  }
  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** CfgWr of a whole register. */
  configure(f: number, offset: number, data: number, wishes?: Wishes): void {
    this.send('CfgWr0', configRequest({ device: this.device, function: f, offset }, { data, enables: 15 }), wishes);
  }
  /** CfgRd; `done` gets what came. */
  readConfig(f: number, offset: number, done?: (value: number, code: number) => void, also: readonly number[] = []): void {
    this.send('CfgRd0', configRequest({ device: this.device, function: f, offset }), {
      also,
      done: (code, data) => done?.(new DataView(data.buffer, data.byteOffset).getUint32(0, true), code),
    });
  }

  /** Waits until everything that was asked has been answered. */
  wait(): void {
    const { requests } = this.reference;
    this.bench.until(
      () => requests.outstanding === 0,
      () => `${requests.outstanding} requests, the first of them ${requests.oldest}`,
    );
  }

  /** Waits until everything that was sent has arrived: a request behind it is answered. */
  settle(): void {
    this.readConfig(0, 0, undefined, [2]);
    this.wait();
    // Nothing says that a completion has arrived: it takes the time that it takes with nothing in its way.
    if (this.completions > 0) {
      this.bench.drive('free', 1);
      this.bench.silence(64);
      this.bench.drive('free', 0);
    }
    this.completions = 0;
    this.reference.errors.settle();
  }

  /** Waits until the DMA has nothing to do, then settles. */
  quiet(): void {
    this.bench.until(
      () => this.dma.unfinished === 0 && this.dma.answered,
      () => `${this.dma.unfinished} descriptors`,
    );
    this.settle();
  }

  /** Stops the channel; what is under way comes to its end or is given up. */
  stopChannel(): void {
    this.bench.drive('run', 0);
    this.bench.until(
      () => this.bench.look('idle') === 1 && this.dma.answered,
      () => 'the DMA channel to stop',
    );
    this.bench.drive('free', 1);
    this.bench.silence(128);
    this.bench.drive('free', 0);
    this.dma.restart();
    this.bench.drive('tail', 0);
  }

  /** Settles, and waits until the endpoint has nothing more to say. */
  drain(): void {
    this.quiet();
    this.bench.drive('free', 1);
    this.bench.silence(128);
    this.bench.until(
      () => this.own.length === 0,
      () => `${this.own.length} TLPs of the device`,
    );
    this.bench.until(
      () => this.reference.registerWritesLeft === 0,
      () => `${this.reference.registerWritesLeft} register writes`,
    );
  }

  /** Compares what errors have left behind, and clears it. */
  checkpoint(): void {
    this.drain();
    const read = functionParams.map((_, f) => {
      const registers = new Map<number, number>();
      for (const offset of watched) this.readConfig(f, offset, value => registers.set(offset, value));
      return registers;
    });
    this.wait();
    const { functions, errors } = this.reference;
    errors.check(functions, read);
    functions.forEach((config, f) => {
      for (const offset of watched) config.found(offset, read[f]?.get(offset) ?? 0);
      for (const offset of watched.slice(0, 4)) this.clear(f, offset);
    });
    this.wait();
    this.bench.drive('free', 0);
  }

  /** Clears the status bits of a register. */
  private clear(f: number, offset: number): void {
    const half = offset === at.command || offset === at.device;
    const data = half ? 0xffff_0000 : 0xffff_ffff;
    this.send('CfgWr0', configRequest({ device: this.device, function: f, offset }, { data, enables: half ? 12 : 15 }));
  }

  private finish(): void {
    this.checkpoint();
    const { interrupts } = this.dma;
    if (interrupts !== undefined) same('the number of interrupts', this.bench.look('interrupts'), interrupts);
    const got = this.bench.memory();
    const { bytes, wild } = this.reference.memory;
    for (let i = 0; i < memoryBytes; i++)
      if (got[i] !== bytes[i] && wild[i] === 0)
        throw new Mismatch(`byte 0x${i.toString(16)} of the BAR memory is ${got[i]} at the end, not ${bytes[i]}`);
  }

  /** The device's registers send a posted TLP of their own, such as an interrupt. */
  sendOwn(t: Tlp): void {
    t.requester = ownId;
    this.own.push(t);
    this.count('MWr of the device');
    this.bench.fromDevice(t);
  }
  private fromDevice(t: Tlp): void {
    const next = this.own.shift();
    const equal = next && next.low === t.low && next.length === t.length && next.body.every((byte, i) => byte === t.body[i]);
    if (!equal) throw new Mismatch(`the device's own TLP came changed, or is not the next one: ${describe(t)}`);
  }

  /** The endpoint sent something. */
  private seen(t: Tlp): void {
    if (isCompletion(t)) this.reference.requests.complete(t);
    else if (isMessage(t)) this.reference.message(t);
    else if (t.requester === ownId) this.fromDevice(t);
    else this.dma.request(t);
  }

  [Symbol.dispose](): void {
    this.bench[Symbol.dispose]();
  }
}
