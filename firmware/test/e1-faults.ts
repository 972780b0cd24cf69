import { LinkModel } from '@hdl/pcie-rtl';
import type { DeviceFault, EngineFunction } from '@hdl/testbench';
import { HostError } from '../host/src/index.ts';
import { NvmeError } from '../host/src/nvme/index.ts';
import type { NvmeOfInitiator } from '../host/src/nvmeof/index.ts';
import type { PoolMemory, Provider } from '../host/src/p2pdma/index.ts';
import type { PciDevice } from '../host/src/pci/index.ts';
import { Express } from '../host/src/pci/registers.ts';
import { Status } from '../nvme/status.ts';
import { at } from './bench.ts';
import { targetTopology } from './fabric-computer.ts';
import { type TargetFabric, targetFabric } from './nvmeof-fabric.ts';
import { there } from './p2pdma-bench.ts';

/**
 * Faults while a remote host writes and reads drives by way of a card's memory (flows E1 and E2), a random one per run. After each the commands have ended, every
 * block is as it was or as it was written, the pools are whole, and the target serves again.
 */

const block = 512;
const blocksPerDrive = 512;
/** Commands of a run do not touch each other's blocks. */
const lane = 64;
const mostBlocks = 32;
/** Cycles from the last response of a run until all buffers are free. */
const freeCycles = 10_000;
/** Completion timeout value: 50 to 100 microseconds (7.5.3.16). */
const shortTimeout = 0b0001;
const driverOptions = { timeoutCycles: 500_000, queuesInController: false };

/** What a run does to the fabric. */
export const faultKinds = [
  'nothing',
  'empty pool',
  'poisoned write of the network card',
  'poisoned write of a drive',
  'poisoned answer',
  'lost answer',
  'reset of the provider',
  'removal of the provider',
  'removal of a drive',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** What happened in a run. */
export interface FaultRun {
  readonly kind: FaultKind;
  /** The fault struck: a command was under way that met it. */
  readonly struck: boolean;
  readonly commands: number;
  readonly failed: number;
  /** The connection was lost, and made again. */
  readonly reconnected: boolean;
}

/** Small random numbers from a seed (xorshift). */
export function randomFrom(seed: number): (below: number) => number {
  let state = Math.imul(seed + 1, 0x9e37_79b1) | 1;
  return below => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

interface Command {
  readonly drive: number;
  readonly start: number;
  readonly data: Uint8Array;
  readonly write: boolean;
}

export class FaultRuns implements Disposable {
  private readonly fabric: TargetFabric;
  private readonly port: PciDevice;
  private card: PciDevice;
  private provider: Provider;
  private host: NvmeOfInitiator | undefined;
  /** What the drives have to hold. */
  private readonly content: Uint8Array[];

  static async start(engine?: EngineFunction): Promise<FaultRuns> {
    const model = {
      width: 256,
      clock_mhz: 250,
      generation: 4,
      lanes: 4,
      max_payload: 256,
      latency_ns: 40,
      faults: true,
    } as const;
    const fabric = await targetFabric({
      topology: targetTopology(2, { card: true }),
      capacity: blocksPerDrive * block,
      between: link => (link === 'root' ? undefined : new LinkModel(model)),
      // Enough for RAM and the card's memory, and not for memory that has gone.
      card: { memoryRegions: 4 },
      driver: driverOptions,
      ...(engine && { engine }),
    });
    const { computer } = fabric.on;
    const card = fabric.on.device('card0');
    return await fabric.on.testbench.scheduler.run(async () => {
      const runs = new FaultRuns(fabric, card, provide(fabric, card));
      await computer.reportErrors();
      for (const device of computer.endpoints) await shorten(device);
      await runs.connect();
      return runs;
    });
  }

  private constructor(fabric: TargetFabric, card: PciDevice, provider: Provider) {
    this.fabric = fabric;
    this.card = card;
    this.port = there(card.parent);
    this.provider = provider;
    this.content = fabric.on.drives.map(({ media }) => media.bytes.slice());
  }

  [Symbol.dispose](): void {
    this.fabric.on[Symbol.dispose]();
  }

  /** Cycles so far. */
  get cycles(): number {
    return this.fabric.on.testbench.scheduler.now;
  }

  /** Bytes of RAM that drivers and buffers leave free. */
  get freeMemory(): bigint {
    return this.fabric.on.computer.host.data.available;
  }

  /** A run. @throws Error for whatever must not be. */
  run(seed: number, kind?: FaultKind): Promise<FaultRun> {
    const random = randomFrom(seed);
    const chosen = kind ?? at(faultKinds, random(faultKinds.length));
    return this.fabric.on.testbench.scheduler.run(() => this.one(chosen, random));
  }

  /** Cycles of a write and a read of both drives with nothing else on the way: more than before if credits or tags have leaked. */
  reference(): Promise<number> {
    const { scheduler } = this.fabric.on.testbench;
    return scheduler.run(async () => {
      const random = randomFrom(0);
      const begin = scheduler.now;
      for (const drive of [0, 1]) {
        await this.carryOut({ drive, start: 0, write: true, data: randomData(random, mostBlocks) });
        await this.carryOut({ drive, start: 0, write: false, data: new Uint8Array(mostBlocks * block) });
      }
      return scheduler.now - begin;
    });
  }

  private async one(kind: FaultKind, random: (below: number) => number): Promise<FaultRun> {
    const commands = this.commands(kind, random);
    const losses = this.provider.losses;
    const root = this.countRoot();
    const undo = await this.begin(kind, random);
    const outcomes = await Promise.all(commands.map(command => this.outcome(command)));
    const struck = await undo();
    const failed = outcomes.filter(outcome => outcome !== undefined);
    if (failed.length > 0 && !struck && this.provider.losses === losses)
      throw new Error(`nothing went wrong, and a command failed: ${failed.map(String).join('; ')}`, { cause: failed[0] });
    if (kind === 'nothing' && root() > 0) throw new Error(`${root()} bytes of data were on the root link`);
    const lost = failed.some(error => !(error instanceof NvmeError));
    if (lost || kind.startsWith('removal')) await this.reconnect();
    await this.checkPools();
    for (const [i, command] of commands.entries()) if (command.write && outcomes[i]) this.settle(command);
    this.compare();
    return { kind, struck, commands: commands.length, failed: failed.length, reconnected: lost };
  }

  private commands(kind: FaultKind, random: (below: number) => number): Command[] {
    const count = 1 + random(4);
    const taken = new Set<number>();
    return Array.from({ length: count }, () => {
      const drive = random(2);
      let start = lane * random(blocksPerDrive / lane);
      while (taken.has(drive * blocksPerDrive + start)) start = (start + lane) % blocksPerDrive;
      taken.add(drive * blocksPerDrive + start);
      const write = kind === 'poisoned write of a drive' ? random(4) === 0 : random(4) !== 0;
      return { drive, start, write, data: randomData(random, 1 + random(mostBlocks)) };
    });
  }

  /** Lets a fault begin. @returns what ends it, and tells whether it struck. */
  private async begin(kind: FaultKind, random: (below: number) => number): Promise<() => Promise<boolean>> {
    const { on } = this.fabric;
    const { scheduler } = on.testbench;
    const armed = (link: string, fault: DeviceFault) => {
      const faults = there(on.testbench.faults);
      faults.arm(link, fault);
      return async () => {
        const happened = faults.happened(link);
        faults.arm(link, undefined);
        await scheduler.delay(2);
        return happened;
      };
    };
    const later = (task: () => Promise<boolean>) => {
      const cycles = random(6000);
      const done = new Promise<boolean>((resolve, reject) =>
        scheduler.spawn(kind, async () => {
          await scheduler.delay(cycles);
          await task().then(resolve, reject);
        }),
      );
      done.catch(() => {});
      return () => done;
    };
    switch (kind) {
      case 'nothing':
        return async () => false;
      case 'empty pool':
        return this.emptyPool(random);
      case 'poisoned write of the network card':
        return armed('nic0', { how: 'poison', traffic: 'posted', bytes: 128 });
      case 'poisoned write of a drive':
        return armed(`nvme${random(2)}`, { how: 'poison', traffic: 'posted', bytes: 128 });
      case 'poisoned answer':
        return armed('card0', { how: 'poison', traffic: 'completion', bytes: 64 });
      case 'lost answer':
        return armed('card0', { how: 'lose', traffic: 'completion' });
      case 'reset of the provider':
        return later(async () => {
          await on.computer.reset(this.card);
          await shorten(this.card);
          return true;
        });
      case 'removal of the provider':
        return later(() => this.pull());
      case 'removal of a drive': {
        const drive = random(2);
        return later(() => this.pullDrive(drive));
      }
    }
  }

  /** Takes most of the pool, so that commands find none. */
  private emptyPool(random: (below: number) => number): () => Promise<boolean> {
    const memory: PoolMemory[] = [];
    const left = BigInt(4096 * random(4));
    while (this.provider.available > left) memory.push(there(this.provider.alloc(4096n)));
    return async () => {
      for (const each of memory) this.provider.free(each);
      return false;
    };
  }

  /** The card is pulled out, and another one like it put in. */
  private async pull(): Promise<boolean> {
    this.card = await this.swap('card0', this.port);
    this.provider = provide(this.fabric, this.card);
    return true;
  }

  /** A drive is pulled out, and put in again with what it holds. */
  private async pullDrive(index: number): Promise<boolean> {
    const { computer, drives } = this.fabric.on;
    const { device, driver, media } = at(drives, index);
    const drive = await this.swap(`nvme${index}`, there(device.parent), () => driver.gone());
    const used = await computer.nvme(drive, driverOptions);
    drives[index] = { device: drive, media, driver: used, provider: there(computer.registry.of(computer.tree.node(drive))) };
    return true;
  }

  /** The device below a port is pulled out, and put in again soon after its driver has heard of it. @returns its function. */
  private async swap(link: string, port: PciDevice, gone: () => void = () => {}): Promise<PciDevice> {
    const { computer, testbench } = this.fabric.on;
    const faults = there(testbench.faults);
    faults.pull(link, true);
    await testbench.scheduler.delay(200);
    gone();
    await computer.unplug(port);
    faults.pull(link, false);
    const device = there((await computer.plug(port))[0]);
    await shorten(device);
    return device;
  }

  private async carryOut({ drive, start, data, write }: Command): Promise<void> {
    const host = there(this.host);
    const namespace = at(host.namespaces, drive);
    if (write) {
      await host.write(namespace, start, data);
      at(this.content, drive).set(data, start * block);
      return;
    }
    const read = await host.read(namespace, start, data.length / block);
    const expected = at(this.content, drive).subarray(start * block, start * block + data.length);
    if (Buffer.compare(read, expected) !== 0) throw new Error(`a read of drive ${drive} brought what is not there`);
  }

  /** @returns nothing for success, else the error, if it is one that a fault may cause. */
  private async outcome(command: Command): Promise<HostError | undefined> {
    try {
      await this.carryOut(command);
      return undefined;
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      if (error instanceof NvmeError && error.status !== Status.dataTransferError) throw error;
      return error;
    }
  }

  /** Of a write that failed, or whose response was lost, each block is as before or as it was to be. */
  private settle({ drive, start, data }: Command): void {
    const content = at(this.content, drive);
    const media = at(this.fabric.on.drives, drive).media.bytes;
    for (let offset = 0; offset < data.length; offset += block) {
      const place = start * block + offset;
      const found = media.subarray(place, place + block);
      const isNew = Buffer.compare(found, data.subarray(offset, offset + block)) === 0;
      if (!isNew && Buffer.compare(found, content.subarray(place, place + block)) !== 0)
        throw new Error(`block ${place / block} of drive ${drive} is neither as it was nor as it was written`);
      if (isNew) content.set(found, place);
    }
  }

  private compare(): void {
    for (const [i, { media }] of this.fabric.on.drives.entries())
      for (let start = 0; start < media.bytes.length; start += block)
        if (Buffer.compare(media.bytes.subarray(start, start + block), at(this.content, i).subarray(start, start + block)) !== 0)
          throw new Error(`block ${start / block} of drive ${i} is not what it has to be`);
  }

  /** All memory is free, soon after the last response: a provider's, and the system's. */
  private async checkPools(): Promise<void> {
    const { computer, testbench } = this.fabric.on;
    const { scheduler } = testbench;
    const used = () => [this.provider.size - this.provider.available, computer.system.used] as const;
    for (const until = scheduler.now + freeCycles; used().some(Boolean) && scheduler.now < until; ) await scheduler.delay(100);
    const [bytes, buffers] = used();
    if (bytes > 0n || buffers > 0) throw new Error(`${bytes} bytes of the provider and ${buffers} buffers in RAM are not free`);
  }

  private async connect(): Promise<void> {
    const name = this.fabric.on.computer.tree.node(this.card).name;
    this.host = (await this.fabric.target([name, name])).host;
  }

  private async reconnect(): Promise<void> {
    this.host?.close();
    await this.fabric.on.testbench.scheduler.delay(10_000);
    await this.connect();
  }

  /** Counts user data from now on. @returns the bytes of it on the root link so far. */
  private countRoot(): () => number {
    const { on } = this.fabric;
    const memory = there(this.provider.alloc(this.provider.available));
    this.provider.free(memory);
    on.countData(on.computer.buffers, { base: memory.bus, bytes: memory.bytes });
    return () => {
      const [down = 0, up = 0] = on.data().root ?? [];
      return down + up;
    };
  }
}

/** Makes a card's memory a provider that others find. */
function provide({ on: { computer } }: TargetFabric, card: PciDevice): Provider {
  const provider = computer.provide(card);
  provider.addResource(0);
  provider.publish(true);
  return provider;
}

/** A completion timeout that tests can wait for. */
async function shorten(device: PciDevice): Promise<void> {
  await device.change(device.express(Express.deviceControl2), 0xf, shortTimeout);
}

function randomData(random: (below: number) => number, blocks: number): Uint8Array {
  const words = new Uint32Array((blocks * block) / 4);
  for (let i = 0; i < words.length; i++) words[i] = random(0x1_0000_0000);
  return new Uint8Array(words.buffer);
}
