import type { Engine } from '@hdl/ts-hdl';
import { FaultLedger } from '../soak/fault-ledger.ts';
import { Random } from '../soak/random.ts';
import { seal } from '../soak/reference/digest.ts';
import { Mismatch, same } from '../soak/reference/mismatch.ts';
import { isCompletion, status, type Tlp, tlp } from '../soak/tlp.ts';
import { type FlipBench, SwitchBench } from './switch-bench.ts';
import { SwitchBoard } from './switch-board.ts';
import { hostile, links } from './switch-harness.ts';
import {
  hostId,
  innerBus,
  ioBase,
  linkBus,
  mebi,
  memoryBase,
  portId,
  prefetchBase,
  prefetchHigh,
  secondary,
  subordinate,
  TlpMaker,
} from './switch-plan.ts';
import { type AccessControl, type Cause, type PortState, SwitchReference } from './switch-reference.ts';

/** Registers of a port that the campaign names. */
export const register = {
  command: 0x04,
  buses: 0x18,
  ioWindow: 0x1c,
  memoryWindow: 0x20,
  prefetchWindow: 0x24,
  prefetchBaseUpper: 0x28,
  prefetchLimitUpper: 0x2c,
  ioUpper: 0x30,
  bridgeControl: 0x3c,
  device: 0x58,
  link: 0x60,
  uncorrectable: 0x104,
  correctableMask: 0x114,
  acs: 0x154,
  vector: 0x158,
  dpc: 0x164,
  dpcStatus: 0x168,
} as const;

const acsBits = ({
  sourceValidation,
  translationBlocking,
  requestRedirect,
  completionRedirect,
  ...rest
}: AccessControl): number =>
  [
    sourceValidation,
    translationBlocking,
    requestRedirect,
    completionRedirect,
    rest.upstreamForwarding,
    rest.egressControl,
    rest.directTranslated,
  ].reduce((bits, on, i) => bits | (on ? 1 << (16 + i) : 0), 0);

/** Tags of configuration requests, which no other request of the host has. */
const configTags = 256;

/** A simulated switch with what is known of it: sends TLPs to both, and compares. */
export class SwitchPlayer implements Disposable {
  readonly bench: SwitchBench;
  readonly faults = new FaultLedger();
  readonly board = new SwitchBoard(this.faults, (t, cause) => this.checked(t, cause));
  readonly width: number;
  random = new Random(0);
  make = new TlpMaker(this.random);
  reference = new SwitchReference([], 64);
  tlps = 0;
  private readonly asked = new Map<number, { readonly t: Tlp; readonly done: (value: number) => void }>();
  private tag = 0;
  private readonly checked: (t: Tlp, cause: Cause) => void;

  /** `checked` hears of each TLP whose outcome was compared with what the reference says. `flips`: bits may flip. */
  constructor(width: number, engine: Engine, checked: (t: Tlp, cause: Cause) => void = () => {}, flips?: FlipBench) {
    this.width = width;
    this.checked = checked;
    this.bench = new SwitchBench(width, engine, (link, t) => this.seen(link, t), flips);
  }

  /** Begins a batch: the switch is reset, and configured with this state of its ports, the upstream one first. */
  start(seed: number, ports: readonly PortState[]): void {
    this.random = new Random(seed);
    this.make = new TlpMaker(this.random);
    this.reference = new SwitchReference(ports, this.width);
    this.faults.begin();
    this.board.reset();
    this.asked.clear();
    this.tag = 0;
    this.bench.restart();
    this.bench.drive('salt', this.random.next());
    for (let link = 0; link < links; link++) {
      const slow = this.random.below(3);
      this.bench.drive(`stall_${link}_closed`, [0, 60, 160][slow] ?? 0);
      this.bench.drive(`stall_${link}_burst`, slow === 2 ? 4 : 0);
    }
    this.configure(ports);
  }

  private configure(ports: readonly PortState[]): void {
    const upper = (address: number) => Math.floor(address / 0x1_0000);
    const window = (base: number, end: number) => ((upper(end - 1) & 0xfff0) * 0x1_0000 + (upper(base) & 0xfff0)) >>> 0;
    const last = links - 1;
    ports.forEach(({ acs, busMaster, payload }, port) => {
      const top = port === 0;
      const [from, to] = top ? [1, last] : [port, port];
      const write = (offset: number, data: number) => this.write(port, offset, data);
      const buses = top ? [linkBus, innerBus, subordinate(last)] : [innerBus, secondary(port), subordinate(port)];
      write(register.buses, ((buses[2] ?? 0) << 16) | ((buses[1] ?? 0) << 8) | (buses[0] ?? 0));
      const ioEnd = ioBase(to) + (top ? 0x2000 : 0x1000);
      write(register.ioWindow, (((ioEnd - 1) >>> 8) & 0xf0) * 256 + ((ioBase(from) >>> 8) & 0xf0));
      write(register.ioUpper, 0);
      const size = top ? 2 * mebi : mebi;
      write(register.memoryWindow, window(memoryBase(from), memoryBase(to) + size));
      write(register.prefetchWindow, window(prefetchBase(from), prefetchBase(to) + size));
      write(register.prefetchBaseUpper, prefetchHigh);
      write(register.prefetchLimitUpper, prefetchHigh);
      write(register.device, Math.log2(payload / 128) << 5);
      write(register.correctableMask, 0);
      if (!top) {
        write(register.acs, acsBits(acs));
        write(register.vector, acs.vector);
      }
      write(register.command, busMaster ? 7 : 3);
      this.wait();
    });
  }

  /** Sends a good TLP, of which what the reference says has to become. */
  send(from: number, t: Tlp, lossy = false): void {
    this.tlps++;
    this.board.enters(t, from, this.reference.judge(t, from), lossy);
    this.bench.send(from, t);
  }
  /** Sends a TLP that is a fault of a class. */
  inject(fault: string, t: Tlp, from: number = hostile): void {
    this.faults.injected(fault, t);
    this.send(from, t);
    const { to, status: refused, error } = this.reference.judge(t, from);
    if (to === undefined && refused === undefined && error === undefined) this.faults.found(t, 'harmless');
  }

  private config(port: number, offset: number, write: number | undefined, done: (value: number) => void): void {
    const id = portId(port);
    const tag = this.tag;
    this.tag = (tag + 1) % configTags;
    this.bench.until(
      () => !this.asked.has(tag),
      () => 'configuration requests',
    );
    const body = new Uint8Array(write === undefined ? 0 : 4);
    if (write !== undefined) new DataView(body.buffer).setUint32(0, write >>> 0, true);
    const low = ((id << 16) | offset) >>> 0;
    const type = port === 0 ? 4 : 5;
    this.tlps++;
    const t = tlp({ fmt: write === undefined ? 0 : 2, type, low, first_be: 15, requester: hostId, tag, body });
    this.asked.set(tag, { t, done });
    this.bench.send(0, t);
  }
  /** Writes a register of a port; `wait` says when it is written. */
  write(port: number, offset: number, data: number): void {
    this.config(port, offset, data, () => {});
  }
  /** Reads a register; `done` gets what is there. */
  read(port: number, offset: number, done: (value: number) => void): void {
    this.config(port, offset, undefined, done);
  }
  /** Reads a register, and waits for what is there. */
  readNow(port: number, offset: number): number {
    let got = 0;
    this.read(port, offset, value => (got = value));
    this.wait();
    return got;
  }
  /** Waits until all configuration requests are answered. */
  wait(): void {
    this.bench.until(
      () => this.asked.size === 0,
      () => 'an answer to a configuration request',
    );
  }

  /** Waits until all that has to come has come, and all that was sent into the hostile port: behind it comes a TLP of each class, if its link is up. */
  settle(): void {
    if (this.reference.ports[hostile]?.link === 'up')
      for (const t of this.make.markers(hostile)) {
        seal(t);
        this.send(hostile, t);
      }
    this.bench.until(
      () => this.board.outstanding === 0,
      () => this.board.oldest,
    );
    this.bench.silence(64);
  }

  /** Looks at everything that a window has left behind: what has to come came, and each port has logged what it has to. @throws Mismatch */
  inspect(): void {
    this.settle();
    this.board.writeOff();
    const read: number[] = [];
    for (let port = 0; port < links; port++) this.read(port, register.uncorrectable, value => (read[port] = value));
    this.wait();
    read.forEach((value, port) => {
      this.board.check(port, value);
      if (value !== 0) this.write(port, register.uncorrectable, value);
    });
    this.wait();
    this.board.allow(0);
    this.board.close();
    this.faults.close();
  }

  private seen(link: number, t: Tlp): void {
    if (this.board.altered(t, link)) return;
    if (link === 0 && isCompletion(t) && t.requester === hostId) {
      const asked = this.asked.get(t.tag);
      if (!asked) throw new Mismatch(`nobody asked for the completion with tag ${t.tag}`);
      this.asked.delete(t.tag);
      same('the status of a configuration request', status(t), 0);
      this.checked(asked.t, { route: 'here', access: 'none', trouble: 'none' });
      asked.done(t.body.length >= 4 ? new DataView(t.body.buffer, t.body.byteOffset).getUint32(0, true) : 0);
      return;
    }
    this.board.leaves(t, link);
  }

  [Symbol.dispose](): void {
    this.bench[Symbol.dispose]();
  }
}
