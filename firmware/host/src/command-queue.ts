import { type Command, decodeCompletion, encodeCommand, slotBytes } from '../../protocol.ts';
import { Pool } from '../../semaphore.ts';
import { Deadlines } from './deadlines.ts';
import type { Bar0Places } from './drive-registers.ts';
import type { Host } from './host.ts';
import { HostError } from './host-error.ts';
import type { AddressRange } from './pci-function.ts';

/** What a caller asks of a device. */
export type Request = Pick<Command, 'opcode' | 'length' | 'offset' | 'address'>;

/** How a command ended, and the slot that it was in. */
export interface Outcome {
  /** One of `CommandStatus`. */
  readonly status: number;
  readonly slot: number;
}

/** A command that the device works on. */
interface InFlight {
  readonly sequence: number;
  readonly resolve: (status: number) => void;
}

const sequenceLimit = 0xffff;

export interface CommandQueueOptions {
  /** For messages. */
  readonly name: string;
  /** BAR0's address, and what stands where in it. */
  readonly base: bigint;
  readonly places: Bar0Places;
  /** MSI-X vector that commands are completed with. */
  readonly vector: number;
  /** Simulated cycles after which a command without completion is an error. */
  readonly timeoutCycles: number;
}

/**
 * The command slots of a device. A command goes by MWr into a free slot of the mailbox, and the slot's doorbell is rung; the device writes the
 * slot's completion entry in host memory and interrupts. As many commands as there are slots may be in flight; further ones wait for a slot.
 */
export class CommandQueue {
  private readonly host: Host;
  private readonly options: CommandQueueOptions;
  /** A completion entry per slot. */
  private readonly entries: AddressRange;
  private readonly slots: Pool<number>;
  private readonly inFlight = new Map<number, InFlight>();
  private readonly deadlines: Deadlines;
  private sequence = 0;

  constructor(host: Host, options: CommandQueueOptions) {
    this.host = host;
    this.options = options;
    this.deadlines = new Deadlines(host.scheduler, options.timeoutCycles);
    const { slots } = options.places;
    this.slots = new Pool(Array.from({ length: slots }, (_, slot) => slot));
    this.entries = host.control.allocate(4 * slots);
  }

  /**
   * Sends a command and waits for its completion. While `use` runs, with the outcome, the slot is still the command's. A slot whose command
   * timed out is not used again: the device may still write to it. @throws HostError when no completion came in time.
   */
  async submit<T>(request: Request, use: (outcome: Outcome) => T | Promise<T>): Promise<T> {
    const { name, base, places, vector, timeoutCycles } = this.options;
    const slot = await this.slots.acquire();
    const sequence = this.nextSequence();
    const entry = this.entryAddress(slot);
    this.host.writeMemory(entry, new Uint8Array(4));
    const command = encodeCommand({ ...request, sequence, completionAddress: entry, vector });
    const completed = new Promise<number>(resolve => this.inFlight.set(slot, { sequence, resolve }));
    await this.host.memory.write(base + BigInt(places.mailbox + slot * slotBytes), new Uint8Array(command.buffer));
    await this.host.memory.write32(base + BigInt(places.doorbells + places.stride * slot), sequence);
    const status = await this.deadlines.within(completed);
    this.inFlight.delete(slot);
    if (status === undefined)
      throw new HostError(
        `${name} did not complete command ${sequence} (opcode ${request.opcode}) in ${timeoutCycles} cycles: does its firmware run?`,
      );
    try {
      return await use({ status, slot });
    } finally {
      this.slots.release(slot);
    }
  }

  /** Reads DW of a slot in the mailbox, one by one: a device need not answer longer reads of registers (C52). */
  async readSlot(slot: number, index: number, dwords: number): Promise<Uint32Array> {
    const { base, places } = this.options;
    const address = base + BigInt(places.mailbox + slot * slotBytes + 4 * index);
    const words = Array.from({ length: dwords }, (_, i) => this.host.memory.read32(address + BigInt(4 * i)));
    return Uint32Array.from(await Promise.all(words));
  }

  /** The interrupt handler: looks which entries have come. */
  interrupt(): void {
    for (const [slot, { sequence, resolve }] of this.inFlight) {
      const bytes = this.host.readMemory(this.entryAddress(slot), 4);
      const entry = decodeCompletion(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true));
      if (entry.sequence === sequence && entry.slot === slot) resolve(entry.status);
    }
  }

  private entryAddress(slot: number): bigint {
    return this.entries.base + BigInt(4 * slot);
  }

  /** 1 .. 65,535: an entry that is still 0 belongs to no command. */
  private nextSequence(): number {
    this.sequence = (this.sequence % sequenceLimit) + 1;
    return this.sequence;
  }
}
