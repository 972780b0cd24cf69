import type { Clock, ConfigPort, Domain } from '../host/src/pci/config-port.ts';
import { allOnes, notReady } from '../host/src/pci/config-port.ts';
import { PortType } from '../host/src/pci/registers.ts';
import { type Bdf, formatBdf } from '../host/src/pci-function.ts';
import { type FunctionParams, functionsOf, type ModelFunction } from './pci-model-function.ts';

/** A device: its functions by number; without ARI up to 8. */
export type ModelDevice = readonly (FunctionParams | undefined)[];

/**
 * A root complex with everything below it, by the rules of configuration routing (C20 .. C27) and of windows (C30 .. C36). What the rules forbid software to do is
 * noted in `violations`.
 */
export class PciModel implements ConfigPort, Clock {
  readonly violations: string[] = [];
  /** Milliseconds. */
  now = 0;
  /** Requests so far. */
  accesses = 0;
  readonly rootBus: number;
  private readonly root: ModelFunction[][];
  private readonly link: boolean;

  constructor(
    devices: readonly (ModelDevice | undefined)[],
    { bus = 0, link = false }: { readonly bus?: number; readonly link?: boolean } = {},
  ) {
    this.rootBus = bus;
    this.link = link;
    this.root = devices.map(device => functionsOf(device ?? [], undefined, this));
  }

  /** A domain of it. */
  domain(more: Partial<Domain> = {}): Domain {
    return { number: 0, config: this, clock: this, bus: this.rootBus, starts: this.link ? 'link' : 'root bus', ...more };
  }

  /** A function by its name. */
  get(name: string): ModelFunction {
    for (const each of this.all()) if (each.name === name) return each;
    throw new RangeError(`there is no ${name}`);
  }
  *all(): Generator<ModelFunction> {
    for (const device of this.root) for (const each of device) yield* each.all();
  }

  async sleep(milliseconds: number): Promise<void> {
    this.now += milliseconds;
    for (const each of this.all()) each.tick();
  }

  async read(bdf: Bdf, offset: number): Promise<number> {
    this.accesses++;
    const found = this.route(bdf);
    if (!found) return allOnes;
    found.checkWait('read');
    if (!found.ready) {
      if (offset === 0 && found.retriesVisible) return notReady;
      throw new Error(`the read of 0x${offset.toString(16)} of ${found.name} is answered with retry for ever`);
    }
    return found.read(offset);
  }

  async write(bdf: Bdf, offset: number, value: number, mask = 0xf): Promise<void> {
    this.accesses++;
    const found = this.route(bdf);
    if (!found) throw new Error(`the write of 0x${offset.toString(16)} of ${formatBdf(bdf)} ended with unsupported request`);
    found.checkWait('write');
    if (!found.ready) throw new Error(`the write of 0x${offset.toString(16)} of ${found.name} is answered with retry for ever`);
    found.captured = { bus: bdf.bus, devfn: (bdf.device << 3) | bdf.function };
    found.write(offset, value >>> 0, mask);
  }

  /** Where a configuration request ends, by bus numbers only. */
  private route(bdf: Bdf): ModelFunction | undefined {
    if (bdf.bus === this.rootBus) return this.onBus(this.root, bdf, this.link);
    return this.below(this.root.flat(), bdf);
  }

  private below(bridges: readonly ModelFunction[], bdf: Bdf): ModelFunction | undefined {
    for (const bridge of bridges) {
      const { secondary, subordinate } = bridge;
      if (!bridge.isBridge || secondary === 0 || bdf.bus < secondary || bdf.bus > subordinate || !bridge.linkUp) continue;
      // Type 1 becomes type 0 on the secondary bus, and goes on as it is beyond (C20, C21).
      if (bdf.bus === secondary) return this.onBus(bridge.below, bdf, bridge.hasLink, bridge);
      return this.below(bridge.below.flat(), bdf);
    }
    return undefined;
  }

  /** At the lower end of a link there is device 0, and with ARI forwarding the device number is part of the function number (C23, C27). */
  private onBus(
    devices: readonly (readonly ModelFunction[])[],
    bdf: Bdf,
    link: boolean,
    port?: ModelFunction,
  ): ModelFunction | undefined {
    if (link && port?.forwardsAri) return devices[0]?.find(({ number }) => number === ((bdf.device << 3) | bdf.function));
    if (link && bdf.device !== 0) return undefined;
    return devices[bdf.device]?.find(({ number }) => number === bdf.function && number < 8);
  }

  /** The function whose BAR takes a request to an address: from the host, or from a function below (C32 .. C36). */
  routeMemory(address: bigint, from?: ModelFunction): ModelFunction | 'host' | undefined {
    if (!from) return this.down(this.root.flat(), address);
    for (let at = from, above = from.above; ; at = above, above = above.above) {
      if (!above)
        return (
          this.down(
            this.root.flat().filter(each => each !== at),
            address,
          ) ?? 'host'
        );
      if (!above.busMaster && above.isBridge) return undefined;
      // An internal bus of a switch: the other ports are asked first.
      const siblings = above.below.flat().filter(each => each !== at);
      const across = this.down(siblings, address);
      if (across) return across;
      if (above.inWindow(address)) return undefined;
    }
  }

  private down(functions: readonly ModelFunction[], address: bigint): ModelFunction | undefined {
    for (const each of functions) {
      if (each.claims(address)) return each;
      if (each.isBridge && each.memorySpace && each.inWindow(address)) return this.down(each.below.flat(), address);
    }
    return undefined;
  }

  /** A write of `from` of as much as its MPS allows: every function on the way has to take that much (C4). @returns where it ends, or who found it malformed. */
  transfer(from: ModelFunction, address: bigint): string {
    const to = this.routeMemory(address, from);
    if (!to) return 'unsupported request';
    const up = [...from.ancestors()];
    const down = to === 'host' ? [] : [to, ...to.ancestors()];
    const common = up.find(each => down.includes(each));
    // A switch's upstream port is on no link that such a packet takes when it turns there.
    const crossed = [
      ...(common ? up.slice(0, up.indexOf(common)) : up),
      ...(common ? down.slice(0, down.indexOf(common)).toReversed() : down.toReversed()),
    ];
    const refuses = crossed.find(each => each.payload < from.payload);
    return refuses ? `malformed at ${refuses.name}` : to === 'host' ? 'host' : to.name;
  }
}

/** Shorthands for what hangs where. */
export const rootPort = (name: string, below: ModelDevice = [], more: Partial<FunctionParams> = {}): FunctionParams => ({
  name,
  portType: PortType.rootPort,
  ...(below.length > 0 && { below: [below] }),
  ...more,
});
export const endpoint = (name: string, more: Partial<FunctionParams> = {}): FunctionParams => ({
  name,
  portType: PortType.endpoint,
  ...more,
});
/** A switch with one downstream port per device. */
export const switchOf = (
  name: string,
  devices: readonly ModelDevice[],
  ports: Partial<FunctionParams> = {},
  more: Partial<FunctionParams> = {},
): FunctionParams => ({
  name,
  portType: PortType.upstream,
  below: devices.map((device, i) => [
    { name: `${name}.${i}`, portType: PortType.downstream, ...ports, ...(device.length > 0 && { below: [device] }) },
  ]),
  ...more,
});
