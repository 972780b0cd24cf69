import { endpointIdentification } from '@hdl/pcie-rtl';
import {
  CommandStatus,
  decodeIdentity,
  describeStatus,
  type Identity,
  identityDwords,
  identityIndex,
  Opcode,
} from '../../protocol.ts';
import { CommandQueue } from './command-queue.ts';
import { bar0, bar0Places } from './drive-registers.ts';
import type { Host } from './host.ts';
import { HostError } from './host-error.ts';
import { MsixSetup } from './msix.ts';
import { type AddressRange, formatBdf, type PciFunction } from './pci-function.ts';

/** The MSI-X vector that a drive completes its commands with. */
const vector = 0;

export interface BlockDriverOptions {
  /** What messages call the drive; its BDF by default. */
  readonly name?: string;
  /** Simulated cycles after which a command without completion is an error. 2,000,000 by default. */
  readonly timeoutCycles?: number;
}

/** The host's driver of a block device whose firmware speaks the protocol of `protocol.ts`. Several commands may be in flight. */
export class BlockDriver {
  readonly name: string;
  readonly host: Host;
  readonly device: PciFunction;
  readonly identity: Identity;
  /** PCIe addresses of the drive's BAR memory; none if it has no BAR2. */
  readonly memory: AddressRange | undefined;
  private readonly queue: CommandQueue;

  private constructor(host: Host, device: PciFunction, name: string, queue: CommandQueue, identity: Identity) {
    this.host = host;
    this.device = device;
    this.name = name;
    this.queue = queue;
    this.identity = identity;
    const bar2 = device.bars.find(bar => bar.index === 2);
    this.memory = bar2?.address === undefined ? undefined : { base: bar2.address, bytes: bar2.bytes };
  }

  /**
   * Takes a drive into use: checks that it is one, sets up its interrupt and asks what it has. Its firmware must run.
   * @throws HostError if the function is no such device, or does not answer.
   */
  static async probe(host: Host, device: PciFunction, options: BlockDriverOptions = {}): Promise<BlockDriver> {
    const { name = formatBdf(device.bdf), timeoutCycles = 2_000_000 } = options;
    const base = device.bars.find(bar => bar.index === 0)?.address;
    if (base === undefined) throw new HostError(`${name} has no BAR0 with an address: enumerate the fabric first`);
    const id = await host.memory.read32(base + BigInt(bar0.identification.offset));
    if (id !== endpointIdentification)
      throw new HostError(
        `${name} is no block device: it says 0x${id.toString(16)}, not 0x${endpointIdentification.toString(16)}`,
      );
    const places = bar0Places(await host.memory.read32(base + BigInt(bar0.doorbell_layout.offset)));
    if (places.slots === 0) throw new HostError(`${name} has no doorbells: no command can be given to it`);
    const queue = new CommandQueue(host, { name, base, places, vector, timeoutCycles });
    const msix = await MsixSetup.find(host.config, host.memory, device);
    const data = host.interrupts.register(() => queue.interrupt());
    await msix.program(vector, data);
    await msix.enable();
    const nothing = { length: 0, offset: 0n, address: 0n };
    const identity = await queue.submit({ opcode: Opcode.identify, ...nothing }, async ({ status, slot }) => {
      check(`${name}: IDENTIFY`, status);
      return decodeIdentity(await queue.readSlot(slot, identityIndex, identityDwords));
    });
    return new BlockDriver(host, device, name, queue, identity);
  }

  /** Media to PCIe addresses: `bytes` from `offset` on. @throws HostError unless the drive says success. */
  read(offset: number, bytes: number, address: bigint): Promise<void> {
    return this.command('READ', Opcode.read, offset, bytes, address);
  }

  /** From PCIe addresses to the media. @throws HostError unless the drive says success. */
  write(offset: number, bytes: number, address: bigint): Promise<void> {
    return this.command('WRITE', Opcode.write, offset, bytes, address);
  }

  /** From the drive's own BAR memory to the PCIe address of a peer. @throws HostError unless the drive says success. */
  push(memoryOffset: number, bytes: number, address: bigint): Promise<void> {
    return this.command('PUSH', Opcode.push, memoryOffset, bytes, address);
  }

  private command(what: string, opcode: number, offset: number, length: number, address: bigint): Promise<void> {
    const where = `${this.name}: ${what} of ${length} bytes at ${offset}, PCIe address 0x${address.toString(16)},`;
    return this.queue.submit({ opcode, length, offset: BigInt(offset), address }, ({ status }) => check(where, status));
  }
}

function check(what: string, status: number): void {
  if (status !== CommandStatus.success) throw new HostError(`${what} failed: ${describeStatus(status)}`);
}
