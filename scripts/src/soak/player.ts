import type { Engine } from '@hdl/ts-hdl';
import { batchFailure } from './batch-failure.ts';
import { Bench, type Listener } from './bench.ts';
import { functionParams, memoryBytes, registerLayouts } from './device.ts';
import { firmware } from './firmware.ts';
import { type StallName, stalls } from './harness.ts';
import { checkErrors, clearErrors } from './inspection.ts';
import { Jobs } from './jobs.ts';
import type { Batch } from './operation.ts';
import { perform } from './perform.ts';
import { at } from './reference/config.ts';
import { isSealed, seal } from './reference/digest.ts';
import { DmaReference } from './reference/dma.ts';
import { EndpointReference, type Wishes } from './reference/endpoint.ts';
import { Mismatch, same } from './reference/mismatch.ts';
import { host, ringEntries } from './reference/transfers.ts';
import { type Bases, basesOf, configRequest } from './stimuli.ts';
import { classOf, completer, describe, hasData, isCompletion, isMessage, status, type Tlp, tlp } from './tlp.ts';

/** Where a batch went wrong. */
export interface Failure {
  /** Number of the operation. */
  readonly index: number;
  readonly message: string;
  readonly cycle: number;
  readonly hang: boolean;
}

/** Addresses that the firmware posts to, and those of messages: by function 64 KiB. */
const posts = { from: 0x00c0_0000, to: 0x00d0_0000 } as const;
const messages = 0x00d0_0000;
/** MSI-X vector of the channel. */
const channelVector = 3;

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
  /** Posts of the firmware that are on their way, by function. */
  private readonly posted: { readonly low: number; readonly data: number }[][] = functionParams.map(() => []);
  /** The firmware looks at its registers. */
  private looking = false;
  /** Digests are being switched on or off. */
  private unsure = false;
  readonly jobs: Jobs;
  /** Engines at the medium. */
  private flows = 0;
  private settings: readonly number[] = [];
  private transactions = 0;
  /** Completions that may not have arrived. */
  private completions = 0;

  /** `memories`: those beside its own that the bench shows. */
  constructor(width: number, engine: Engine, memories: readonly string[] = []) {
    this.width = width;
    this.reference = new EndpointReference(width);
    const listener: Listener = {
      seen: t => this.seen(t),
      passed: () => {
        this.look();
        return this.dma.answers.tick();
      },
    };
    this.bench = new Bench(width, engine, listener, memories);
    this.jobs = new Jobs(this.bench.firmware);
    const [registers] = this.reference.registers;
    const answer = (t: Tlp): boolean => {
      if (!this.bench.offer(t)) return false;
      this.completions++;
      const kind = t.ep ? 'poisoned CplD for the DMA' : hasData(t) ? 'CplD for the DMA' : 'failed Cpl for the DMA';
      this.count(kind);
      const refused = status(t) === 1 ? 'UR' : 'CA';
      if (t.ep) this.reference.faults.injected('poisoned: CplD for the DMA', t);
      else if (status(t) > 0) this.reference.faults.injected(`refused: Cpl with ${refused} for the DMA`, t);
      return true;
    };
    this.dma = new DmaReference(this.reference, answer, what =>
      what === 'will come' ? registers?.trigger(channelVector) : registers?.forgive(channelVector),
    );
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
      return { index, cycle: this.bench.cycle, ...batchFailure(error) };
    }
  }

  /** A number of the settings. */
  setting(i: number): number {
    return this.settings[i] ?? 0;
  }

  /** Begins a batch: everything is reset and set up. */
  start(settings: readonly number[]): void {
    this.settings = settings;
    this.transactions = 0;
    for (const own of this.posted) own.length = 0;
    this.looking = false;
    this.unsure = false;
    this.jobs.reset();
    this.flows = 0;
    this.completions = 0;
    this.device = this.setting(1) & 0x1fff;
    this.bases = basesOf(settings);
    this.reference.restart();
    this.dma.reset(this.setting(20));
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
    const { firmware: port } = this.bench;
    const tell = (register: { readonly offset: number }, value: number) => port.tell(0, register.offset, value);
    tell(firmware.channel_owner, channelVector);
    tell(firmware.channel_ring_low, host.ring);
    tell(firmware.channel_ring_high, this.dma.upper);
    tell(firmware.channel_entries, ringEntries);
    tell(firmware.channel_completion_low, host.entries);
    tell(firmware.channel_completion_high, this.dma.upper);
    tell(firmware.channel_tail, this.dma.tail);
    tell(firmware.channel_control, 1);
  }
  /** Tells the channel how far its ring is filled. */
  ringTail(): void {
    this.bench.firmware.tell(0, firmware.channel_tail.offset, this.dma.tail);
  }

  /** The firmware reads a register of a function. */
  firmwareRead(f: number, offset: number): number {
    let got: number | undefined;
    this.bench.firmware.ask(f, offset, value => (got = value));
    this.bench.until(
      () => got !== undefined,
      () => `the firmware's read of 0x${offset.toString(16)} of function ${f}`,
    );
    return got ?? 0;
  }

  /** The firmware looks for what has happened, once at a time. */
  private look(): void {
    if (this.looking) return;
    this.looking = true;
    const { firmware: port } = this.bench;
    if (this.jobs.some) port.ask(0, firmware.events.offset, events => this.jobs.happened(events));
    for (const [f, registers] of this.reference.registers.entries())
      if (registers.ringing > 0) port.ask(f, firmware.doorbell_next.offset, next => this.takeDoorbell(f, next));
    port.ask(0, firmware.channel_status.offset, status => {
      this.dma.finished(status & 0xffff);
      this.looking = false;
    });
  }

  /** The firmware took an event of a doorbell, if there was one. */
  private takeDoorbell(f: number, next: number): void {
    const { doorbell_next, doorbell_value } = firmware;
    if (!doorbell_next.valid.get(next)) return;
    const doorbell = doorbell_next.doorbell.get(next);
    this.bench.firmware.ask(f, doorbell_value.offset, value => this.reference.registers[f]?.took(doorbell, value));
  }

  /** The medium is in use. */
  get flowing(): boolean {
    return this.flows > 0;
  }
  flow(change: number): void {
    this.flows += change;
  }
  /** A job between medium and BAR memory has ended. @throws Mismatch unless it went well */
  flowed(engine: string, outcome: number): void {
    same(`the outcome of ${engine}`, outcome, 0);
    this.flow(-1);
  }

  /** All jobs of the firmware have ended, and all that they sent has come. */
  get jobless(): boolean {
    return !this.jobs.some && this.dma.working === 0;
  }

  /** Gives all functions addresses, limits, error reporting and enables, as software does it after reset. */
  private functions(): void {
    for (let f = 0; f < functionParams.length; f++) this.setUp(f);
    this.settle();
  }

  setUp(f: number): void {
    const { bars, max_payload } = functionParams[f] ?? { bars: [], max_payload: 128 };
    const { vectors } = registerLayouts[f]?.msix ?? { vectors: 0 };
    bars.forEach(({ slot, width }, b) => {
      const base = this.bases[f]?.[b] ?? { high: 0, low: 0 };
      this.configure(f, at.bars + 4 * slot, base.low);
      if (width === 64) this.configure(f, at.bars + 4 * slot + 4, base.high);
    });
    const errors = this.setting(2 + f);
    this.digests(f, ((this.setting(21) >>> (2 * f)) & 1 ? 0x40 : 0) | ((this.setting(21) >>> (2 * f + 1)) & 1 ? 0x100 : 0));
    const payload = ((this.setting(5) >>> (2 * f)) & 3) % (Math.log2(max_payload) - 6);
    const request = ((this.setting(5) >>> (8 + 2 * f)) & 3) % 3;
    const relaxed = (this.setting(5) >>> 16) & 0x910;
    this.configure(f, at.device, (errors & 15) | (payload << 5) | (request << 12) | relaxed);
    this.configure(f, at.severity, (errors & 16 ? 0x0046_2010 : this.setting(6)) >>> 0);
    this.configure(f, at.mask, errors & 32 ? this.setting(7) & this.setting(6) : 0);
    this.configure(f, at.correctableMask, errors & 64 ? 0x2000 : 0);
    // No completion timeout.
    this.configure(f, at.device2, this.quietControl);
    this.configure(f, at.command, 6 | (errors & 128 ? 0x100 : 0));
    if (vectors === 0) return;
    // Posted writes pass what is not posted.
    this.wait();
    for (let v = 0; v < vectors; v++) this.setVector(f, v);
    this.configure(f, at.msix, 0x8000_0000);
  }

  /** Device control 2: no completion timeout; tags of 10 bits and AtomicOps as the settings want. */
  get quietControl(): number {
    return 0x10 | ((this.setting(20) >>> 3) & 0x1000) | 0x40;
  }

  /** Function 0 waits 50 to 100 microseconds for completions, or for ever. */
  shortTimeout(on: boolean): void {
    this.configure(0, at.device2, on ? (this.quietControl & ~0x10) | 1 : this.quietControl);
    this.wait();
  }

  /** A function makes digests, and checks them. What it sends meanwhile has one or not. */
  private digests(f: number, control: number): void {
    if (((this.reference.functions[f]?.read(at.errorControl) ?? 0) & 0x140) === control) return;
    this.wait();
    this.unsure = true;
    this.configure(f, at.errorControl, control);
    this.wait();
    this.unsure = false;
  }

  /** Looks at the digest of what the endpoint sent, and takes it away. @throws Mismatch */
  private unseal(t: Tlp): void {
    const { functions } = this.reference;
    const id = isCompletion(t) ? completer(t) : t.requester;
    // By its number: its ID may have been another one when it sent this.
    const sender = functions[id & 7];
    const makes = ((sender?.read(at.errorControl) ?? 0) & 0x40) !== 0;
    if (!this.unsure && makes !== (t.td === 1)) throw new Mismatch(`a TLP has ${makes ? 'no' : 'a'} digest: ${describe(t)}`);
    if (t.td === 1 && !isSealed(t)) throw new Mismatch(`the digest is wrong: ${describe(t)}`);
    t.td = 0;
  }

  /** Gives a vector its message: an address of its own. */
  private setVector(f: number, v: number): void {
    const { table = 0 } = registerLayouts[f]?.msix ?? {};
    const base = this.bases[f]?.[0] ?? { high: 0, low: 0 };
    const data = ((0x5a00_0000 + 256 * f + v) ^ (this.dma.upper << 16)) >>> 0;
    const words = [messages + 0x1_0000 * f + 4 * v, this.dma.upper, data, 0];
    words.forEach((word, i) => {
      const body = new Uint8Array(4);
      new DataView(body.buffer).setUint32(0, word, true);
      const low = base.low + table + 16 * v + 4 * i;
      this.send('MWr to the MSI-X table', tlp({ fmt: base.high ? 3 : 2, high: base.high, low, first_be: 15, body }));
    });
  }

  /** A transaction ID that no other request of the batch has. */
  private transaction(): { readonly requester: number; readonly tag: number } {
    const number = this.transactions++;
    return { requester: (0x4000 + (number >> 10)) & 0xffff, tag: number & 0x3ff };
  }

  /** Sends a TLP to the endpoint and to the reference. What `alter` changes its digest does not cover. */
  send(kind: string, t: Tlp, wishes?: Wishes, alter?: (t: Tlp) => void): void {
    if (classOf(t) === 1) Object.assign(t, this.transaction());
    seal(t);
    alter?.(t);
    if (classOf(t) === 2) this.completions++;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.reference.receive(t, wishes);
    this.bench.send(t);
  }
  /** Sends a TLP that is, or may be, a fault of a class. */
  inject(fault: string, kind: string, t: Tlp, alter?: (t: Tlp) => void): void {
    const { faults, errors, requests } = this.reference;
    faults.injected(fault, t);
    this.send(kind, t, {}, alter);
    if (!errors.concerns(t) && !requests.refuses(t)) faults.found(t, 'harmless');
  }
  /** Begins a fault that is no TLP. @returns what says that it went as the specification has it. */
  begin(fault: string): () => void {
    const { faults } = this.reference;
    const itself = {};
    faults.injected(fault, itself);
    return () => faults.found(itself, 'alone');
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
      () => this.dma.unfinished === 0 && this.dma.answers.done && this.jobless,
      () => `${this.dma.unfinished} descriptors and ${this.dma.working} jobs`,
    );
    this.settle();
  }

  /** Stops the channel; what is under way comes to its end or is given up. */
  stopChannel(): void {
    const { firmware: port } = this.bench;
    port.tell(0, firmware.channel_control.offset, 0);
    while ((this.firmwareRead(0, firmware.channel_status.offset) & 0x2_0000) === 0 || !this.dma.answers.done || !this.jobless)
      this.bench.advance();
    this.bench.drive('free', 1);
    this.bench.silence(128);
    this.bench.drive('free', 0);
    this.dma.restart();
  }

  /** Settles, and waits until the endpoint has nothing more to say. */
  drain(): void {
    this.quiet();
    this.bench.drive('free', 1);
    this.bench.silence(128);
    this.bench.until(
      () => this.bench.firmware.idle || this.looking,
      () => 'accesses of the firmware',
    );
    this.bench.until(
      () => this.noPosts,
      () => 'posts of the firmware',
    );
    this.bench.until(
      () => this.reference.registers.every(({ ringing }) => ringing === 0),
      () => 'doorbells to be taken',
    );
    for (const registers of this.reference.registers) registers.checkVectors();
  }

  /** Lets everything come to its end, compares what errors have left behind, and clears it. */
  checkpoint(): void {
    this.drain();
    checkErrors(this, { logs: true });
    clearErrors(this, 'all');
    this.bench.drive('free', 0);
  }

  /** Compares the error status, with `logs` also the header logs, and clears it. Ends a window of the ledger of faults. */
  inspect(logs: boolean): void {
    this.quiet();
    this.bench.drive('free', 1);
    checkErrors(this, { logs });
    clearErrors(this, 'set');
    this.bench.drive('free', 0);
    this.reference.faults.close();
  }

  /** Ends a batch. @throws Mismatch unless all is as it has to be. */
  finish(): void {
    this.checkpoint();
    const got = this.bench.memory();
    const { bytes, wild } = this.reference.memory;
    for (let i = 0; i < memoryBytes; i++)
      if (got[i] !== bytes[i] && wild[i] === 0)
        throw new Mismatch(`byte 0x${i.toString(16)} of the BAR memory is ${got[i]} at the end, not ${bytes[i]}`);
    this.reference.faults.close();
    this.reference.faults.end();
  }

  /** All posts of the firmware have come. */
  get noPosts(): boolean {
    return this.posted.every(own => own.length === 0);
  }

  /** The firmware posts a DW. */
  post(f: number, low: number, data: number): void {
    this.count('MWr of the firmware');
    this.posted[f]?.push({ low: posts.from + low, data });
    const { firmware: port } = this.bench;
    port.tell(f, firmware.post_low.offset, posts.from + low);
    port.tell(f, firmware.post_high.offset, this.dma.upper);
    port.tell(f, firmware.post_data.offset, data);
  }

  /** The endpoint sent something. */
  private seen(t: Tlp): void {
    this.unseal(t);
    if (isCompletion(t)) this.reference.requests.complete(t);
    else if (isMessage(t)) this.reference.message(t);
    else if (hasData(t) && t.type === 0 && t.high === this.dma.upper && t.low >= posts.from && t.low < messages + 0x8_0000)
      this.fromRegisters(t);
    else this.dma.request(t);
  }

  /** A post of the firmware, or a message of MSI-X. */
  private fromRegisters(t: Tlp): void {
    const { functions, registers } = this.reference;
    const f = functions.findIndex(({ id }) => id === t.requester);
    try {
      same('the byte enables', t.first_be + t.last_be, 15);
      same('the length', t.length, 1);
      same('what is 0', t.tc + t.attr + t.th + t.td + t.ep + t.at, 0);
      if (f < 0) throw new Mismatch('no function has this ID');
      if (t.low >= posts.to) {
        registers[f]?.message(t);
        return;
      }
      const next = this.posted[f]?.shift();
      if (next?.low !== t.low || next.data !== new DataView(t.body.buffer, t.body.byteOffset, 4).getUint32(0, true))
        throw new Mismatch("it is not the firmware's next post");
    } catch (error) {
      throw error instanceof Mismatch ? new Mismatch(`${error.message}\n  in ${describe(t)}`) : error;
    }
  }

  [Symbol.dispose](): void {
    this.bench[Symbol.dispose]();
  }
}
