import { BridgeRegister, CapabilityId, Command, Express, ExtendedId, Header, PortType } from '../host/src/pci/registers.ts';
import type { ModelDevice, PciModel } from './pci-model.ts';

/** A base address register of the model. */
export interface ModelBar {
  readonly index: number;
  readonly kind: 'io' | 'memory32' | 'memory64';
  readonly prefetchable?: boolean;
  bytes: bigint;
  /** Sizes that it can be given, as powers of two above 1 MiB. */
  readonly sizes?: readonly number[];
}

/** What a function is. */
export interface FunctionParams {
  readonly name: string;
  readonly portType?: number;
  readonly ids?: number;
  readonly bars?: readonly ModelBar[];
  /** Largest payload in bytes; 512 without. */
  readonly maxPayload?: number;
  /** What the link or internal bus below has, by device number. */
  readonly below?: readonly ModelDevice[];
  /** Bits of the ACS capability, and of its control as the firmware leaves it. */
  readonly acs?: number;
  readonly firmwareAcs?: number;
  /** The number of the next function. */
  readonly ari?: number;
  readonly forwardsAri?: boolean;
  readonly aer?: boolean;
  readonly dpc?: boolean;
  readonly flr?: boolean;
  readonly slot?: boolean;
  /** Of a bridge's prefetchable window; 64 without. */
  readonly prefetchable?: 64 | 32 | 0;
  readonly io?: boolean;
  /** Milliseconds from a reset until it is ready; 0 without. */
  readonly readyAfter?: number;
}

const expressAt = 0x60;

/** A function with its configuration space: what is written is kept where bits are writable, and sizes, resets and enables do what they do. */
export class ModelFunction {
  readonly name: string;
  readonly number: number;
  readonly params: FunctionParams;
  readonly above: ModelFunction | undefined;
  readonly below: ModelFunction[][];
  readonly bars: ModelBar[];
  /** Offsets of extended capabilities. */
  readonly extended = new Map<number, number>();
  /** Bus, and device and function number, of the last configuration write (C24). */
  captured: { readonly bus: number; readonly devfn: number } | undefined;
  /** Its link below is there and has a device. */
  present: boolean;
  /** How often it was reset. */
  resets = 0;
  private readonly model: PciModel;
  /** Its device has other functions too. */
  private readonly several: boolean;
  private readonly values = new Uint32Array(1024);
  private readonly writable = new Uint32Array(1024);
  private readonly clearable = new Uint32Array(1024);
  /** Bits that a reset leaves: errors for those who look later. */
  private readonly sticky = new Uint32Array(1024);
  private initial = new Uint32Array(1024);
  private readyAt = 0;
  private resetEnd = -1000;

  constructor(params: FunctionParams, number: number, above: ModelFunction | undefined, model: PciModel, several = false) {
    this.name = params.name;
    this.number = number;
    this.params = params;
    this.above = above;
    this.model = model;
    this.several = several;
    this.bars = (params.bars ?? []).map(bar => ({ ...bar }));
    this.below = (params.below ?? []).map(device => functionsOf(device, this, model));
    this.present = !this.hasLink || this.below.flat().length > 0;
    this.lay();
    this.initial = this.values.slice();
  }

  get isBridge(): boolean {
    return [PortType.rootPort, PortType.upstream, PortType.downstream].some(type => type === this.params.portType);
  }
  get hasLink(): boolean {
    return this.params.portType === PortType.rootPort || this.params.portType === PortType.downstream;
  }
  get ready(): boolean {
    return this.model.now >= this.readyAt;
  }
  /** Configuration requests get through its link: it is up, and not contained. */
  get linkUp(): boolean {
    return (
      !this.hasLink ||
      (this.present && (this.at(expressAt + Express.linkControl) & 0x10) === 0 && !this.contained && !this.inReset)
    );
  }
  get inReset(): boolean {
    return (this.at(BridgeRegister.control) & (1 << 22)) !== 0;
  }
  get contained(): boolean {
    const dpc = this.extended.get(ExtendedId.dpc);
    return dpc !== undefined && (this.at(dpc + 8) & 1) !== 0;
  }
  get secondary(): number {
    return (this.at(BridgeRegister.buses) >>> 8) & 0xff;
  }
  get subordinate(): number {
    return (this.at(BridgeRegister.buses) >>> 16) & 0xff;
  }
  get forwardsAri(): boolean {
    return (this.at(expressAt + Express.deviceControl2) & 0x20) !== 0;
  }
  get memorySpace(): boolean {
    return (this.at(Header.command) & Command.memory) !== 0;
  }
  get busMaster(): boolean {
    return (this.at(Header.command) & Command.busMaster) !== 0;
  }
  /** MPS that it is set to. */
  get payload(): number {
    return 128 << ((this.at(expressAt + Express.deviceControl) >>> 5) & 7);
  }
  get readRequest(): number {
    return 128 << ((this.at(expressAt + Express.deviceControl) >>> 12) & 7);
  }
  /** ACS control. */
  get acs(): number {
    return this.at((this.extended.get(ExtendedId.acs) ?? 0) + 4) >>> 16;
  }
  /** The root port above lets software see retries. */
  get retriesVisible(): boolean {
    const root = [...this.ancestors()].at(-1) ?? this;
    return (root.at(expressAt + Express.rootControl) & 0x10) !== 0;
  }

  *all(): Generator<ModelFunction> {
    yield this;
    for (const device of this.below) for (const each of device) yield* each.all();
  }
  *ancestors(): Generator<ModelFunction> {
    for (let above = this.above; above; above = above.above) yield above;
  }

  /** The register at an offset as it is, without rules. */
  at(offset: number): number {
    return this.values[offset >> 2] ?? 0;
  }
  poke(offset: number, value: number): void {
    this.values[offset >> 2] = value;
  }

  read(offset: number): number {
    return this.at(offset);
  }

  write(offset: number, value: number, mask: number): void {
    const index = offset >> 2;
    const bytes = [0, 1, 2, 3].reduce((sum, i) => sum | ((mask & (1 << i)) !== 0 ? 0xff << (8 * i) : 0), 0) >>> 0;
    const before = this.at(offset);
    const keep = ~(bytes & (this.writable[index] ?? 0));
    const cleared = value & bytes & (this.clearable[index] ?? 0);
    this.values[index] = (((before & keep) | (value & ~keep)) & ~cleared) >>> 0;
    if (offset >= Header.bar0 && offset < Header.bar0 + 24 && this.bars.length > 0 && this.memorySpace)
      this.model.violations.push(`a BAR of ${this.name} is written while it decodes`);
    this.react(offset, value & bytes, before);
  }

  private react(offset: number, value: number, before: number): void {
    if (offset === expressAt + Express.deviceControl && (value & 0x8000) !== 0) {
      this.poke(offset, this.at(offset) & ~0x8000);
      if (this.params.flr) this.reset(false);
      else this.model.violations.push(`${this.name} has no function level reset`);
    }
    if (offset === BridgeRegister.control && this.isBridge && (before & (1 << 22)) !== (this.at(offset) & (1 << 22)))
      for (const each of this.below.flat()) for (const lower of each.all()) lower.reset(true, this.inReset);
    const rebar = this.extended.get(ExtendedId.resizableBar);
    if (rebar !== undefined && offset > rebar && (offset - rebar) % 8 === 0) this.resize(offset);
  }

  private resize(offset: number): void {
    const control = this.at(offset);
    const bar = this.bars.find(({ index }) => index === (control & 7));
    const size = (control >>> 8) & 0x3f;
    if (!bar?.sizes?.includes(size)) this.model.violations.push(`BAR${control & 7} of ${this.name} cannot have size ${size}`);
    else {
      if (this.memorySpace) this.model.violations.push(`a BAR of ${this.name} is resized while it decodes`);
      bar.bytes = 1n << BigInt(20 + size);
      this.maskBar(bar);
    }
  }

  /** All is as after power-up but what is sticky; then it is not ready for a while. A function level reset leaves MPS and what lies below. The end of a bus reset begins the waiting anew. */
  reset(whole: boolean, begins = true): void {
    if (begins) this.resets++;
    const control = this.at(expressAt + Express.deviceControl) & 0x00e0;
    for (const [i, value] of this.initial.entries()) {
      const kept = this.sticky[i] ?? 0;
      this.values[i] = ((this.values[i] ?? 0) & kept) | (value & ~kept);
    }
    if (!whole) this.poke(expressAt + Express.deviceControl, this.at(expressAt + Express.deviceControl) | control);
    for (const [i, bar] of this.bars.entries()) {
      bar.bytes = this.params.bars?.[i]?.bytes ?? bar.bytes;
      this.maskBar(bar);
    }
    this.captured = undefined;
    this.resetEnd = this.model.now;
    this.readyAt = this.model.now + Math.max(this.params.readyAfter ?? 0, 1);
  }

  /** Software has to wait 100 ms after a reset before it asks (C86). */
  checkWait(what: string): void {
    const since = this.model.now - this.resetEnd;
    if (since < 100) this.model.violations.push(`a configuration ${what} of ${this.name} comes ${since} ms after its reset`);
  }

  tick(): void {
    const up = this.hasLink && this.linkUp;
    const link = expressAt + Express.linkControl;
    if (this.hasLink) this.poke(link, up ? this.at(link) | (1 << 29) : this.at(link) & ~(1 << 29));
  }

  /** Plugs a device in: what was below is gone. */
  plug(device: ModelDevice): void {
    this.below.length = 0;
    this.below.push(functionsOf(device, this, this.model));
    this.setPresent(device.length > 0);
    for (const each of this.below.flat()) each.reset(true);
  }
  /** Pulls it out. */
  unplug(): void {
    this.below.length = 0;
    this.setPresent(false);
  }
  private setPresent(present: boolean): void {
    this.present = present;
    const slot = expressAt + Express.slotControl;
    this.poke(slot, (present ? this.at(slot) | (1 << 22) : this.at(slot) & ~(1 << 22)) | (1 << 19) | (1 << 24));
    this.tick();
  }

  /** The range of a window, by its registers (C30, C31). */
  private window(base: number, limit: number): boolean | readonly [bigint, bigint] {
    return base > limit ? false : [BigInt(base), BigInt(limit)];
  }
  /** An address lies in one of the bridge's memory windows. */
  inWindow(address: bigint): boolean {
    const memory = this.at(BridgeRegister.memory);
    const low = this.window((memory & 0xfff0) >>> 4, memory >>> 20);
    if (Array.isArray(low) && address >> 32n === 0n && address >> 20n >= low[0] && address >> 20n <= low[1]) return true;
    const prefetchable = this.at(BridgeRegister.prefetchable);
    const upper = (offset: number) => BigInt(this.at(offset)) << 12n;
    const base = upper(BridgeRegister.prefetchableBaseUpper) | BigInt((prefetchable & 0xfff0) >>> 4);
    const limit = upper(BridgeRegister.prefetchableLimitUpper) | BigInt(prefetchable >>> 20);
    return this.params.prefetchable !== 0 && base <= limit && address >> 20n >= base && address >> 20n <= limit;
  }
  /** An address lies in one of its memory BARs. */
  claims(address: bigint): boolean {
    if (!this.memorySpace) return false;
    return this.bars.some(bar => {
      if (bar.kind === 'io') return false;
      const base = this.address(bar);
      return base !== 0n && address >= base && address < base + bar.bytes;
    });
  }
  address(bar: ModelBar): bigint {
    const offset = Header.bar0 + 4 * bar.index;
    const low = BigInt(this.at(offset) & (bar.kind === 'io' ? ~3 : ~15) & 0xffff_ffff) & 0xffff_ffffn;
    return bar.kind === 'memory64' ? low | (BigInt(this.at(offset + 4)) << 32n) : low;
  }

  private set(offset: number, value: number, writable = 0, clearable = 0, sticky = 0): void {
    const index = offset >> 2;
    this.values[index] = value;
    this.writable[index] = writable;
    this.clearable[index] = clearable;
    this.sticky[index] = sticky;
  }

  private maskBar({ index, kind, prefetchable, bytes }: ModelBar): void {
    const flags = kind === 'io' ? 1 : (kind === 'memory64' ? 4 : 0) | (prefetchable ? 8 : 0);
    const mask = ~(bytes - 1n);
    this.set(Header.bar0 + 4 * index, flags, Number(mask & 0xffff_ffffn) & (kind === 'io' ? ~3 : ~15));
    if (kind === 'memory64') this.set(Header.bar0 + 4 * index + 4, 0, Number((mask >> 32n) & 0xffff_ffffn));
  }

  /** Lays its registers out. */
  private lay(): void {
    const { params } = this;
    this.set(Header.id, params.ids ?? 0xe000_1d1d);
    this.set(Header.command, Command.capabilityList, 0x0547);
    this.set(Header.classCode, this.isBridge ? 0x0604_0000 : 0x0180_0000);
    this.set(Header.type, (this.isBridge ? 0x1_0000 : 0) | (this.several ? 0x80_0000 : 0));
    for (const bar of this.bars) this.maskBar(bar);
    if (this.isBridge) this.layBridge();
    this.set(Header.capabilities, expressAt);
    this.layExpress();
    let last = 0;
    let next = 0x100;
    const extend = (id: number, bytes: number): number => {
      const offset = next;
      this.set(offset, id | 0x1_0000);
      if (last !== 0) this.poke(last, this.at(last) | (offset << 20));
      this.extended.set(id, offset);
      last = offset;
      next += bytes;
      return offset;
    };
    this.layExtended(extend);
  }

  private layBridge(): void {
    const { prefetchable = 64, io = false } = this.params;
    this.set(BridgeRegister.buses, 0, 0x00ff_ffff);
    this.set(BridgeRegister.memory, 0, 0xfff0_fff0);
    if (prefetchable !== 0) this.set(BridgeRegister.prefetchable, prefetchable === 64 ? 0x0001_0001 : 0, 0xfff0_fff0);
    if (prefetchable === 64) {
      this.set(BridgeRegister.prefetchableBaseUpper, 0, 0xffff_ffff);
      this.set(BridgeRegister.prefetchableLimitUpper, 0, 0xffff_ffff);
    }
    if (io) {
      this.set(BridgeRegister.io, 0x0101, 0xf0f0);
      this.set(BridgeRegister.ioUpper, 0, 0xffff_ffff);
    }
    this.set(BridgeRegister.control, 0, 0x0043_0000);
  }

  private layExpress(): void {
    const { portType = PortType.endpoint, maxPayload = 512, flr, slot, forwardsAri } = this.params;
    this.set(expressAt, CapabilityId.express | (2 << 16) | (portType << 20));
    this.set(expressAt + Express.deviceCapabilities, Math.log2(maxPayload / 128) | (flr ? 1 << 28 : 0));
    this.set(expressAt + Express.deviceControl, 0x2000, 0xffff, 0x000f_0000);
    this.set(expressAt + Express.linkControl, this.present && this.hasLink ? 1 << 29 : 0, 0x0fff);
    this.set(expressAt + Express.slotCapabilities, slot ? 0x40 : 0);
    this.set(expressAt + Express.slotControl, this.present ? 1 << 22 : 0, 0x1fff, 0x011f_0000);
    if (portType === PortType.rootPort) this.set(expressAt + Express.rootControl, 1 << 16, 0x1f);
    this.set(expressAt + Express.deviceCapabilities2, forwardsAri ? 0x20 : 0);
    this.set(expressAt + Express.deviceControl2, 0, 0xffff);
  }

  private layExtended(extend: (id: number, bytes: number) => number): void {
    const { acs, firmwareAcs = 0, ari, aer, dpc, portType } = this.params;
    const errors = 0x07ff_f030;
    if (aer) {
      const at = extend(ExtendedId.aer, 0x48);
      this.set(at + 4, 0, 0, errors, errors);
      this.set(at + 8, 0x0040_0000, errors, 0, errors);
      this.set(at + 0xc, 0x0046_2030, errors, 0, errors);
      this.set(at + 0x10, 0, 0, 0xf1c1, 0xf1c1);
      this.set(at + 0x14, 0x2000, 0xf1c1, 0, 0xf1c1);
      for (let i = 0; i < 4; i++) this.set(at + 0x1c + 4 * i, 0, 0, 0, 0xffff_ffff);
      this.set(at + 0x18, 0, 0, 0, 0x1f);
      if (portType === PortType.rootPort) {
        this.set(at + 0x2c, 0, 7);
        this.set(at + 0x30, 0, 0, 0x7f, 0x7f);
      }
    }
    if (acs !== undefined) this.set(extend(ExtendedId.acs, 8) + 4, acs | (firmwareAcs << 16), (acs & 0x7f) << 16);
    if (ari !== undefined) this.set(extend(ExtendedId.ari, 8) + 4, ari << 8);
    const resizable = this.bars.filter(({ sizes }) => sizes);
    if (resizable.length > 0) {
      const at = extend(ExtendedId.resizableBar, 4 + 8 * resizable.length);
      resizable.forEach(({ index, bytes, sizes = [] }, i) => {
        this.set(
          at + 4 + 8 * i,
          sizes.reduce((sum, size) => sum | (1 << (size + 4)), 0),
        );
        const size = bytes.toString(2).length - 21;
        this.set(at + 8 + 8 * i, index | (i === 0 ? resizable.length << 5 : 0) | (size << 8), 0x3f00);
      });
    }
    if (dpc) {
      const at = extend(ExtendedId.dpc, 0x30);
      this.set(at + 4, 0, 0xffff_0000);
      this.set(at + 8, 0, 0, 0x0009);
    }
  }
}

/** The functions of a device. */
export function functionsOf(device: ModelDevice, above: ModelFunction | undefined, model: PciModel): ModelFunction[] {
  const several = device.filter(each => each).length > 1;
  return device.flatMap((each, number) => (each ? [new ModelFunction(each, number, above, model, several)] : []));
}
