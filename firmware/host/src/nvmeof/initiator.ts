import { decode, encode, store } from '../../../layout.ts';
import { AdminOpcode, blockCommand, commonCommand, features, identify, NvmOpcode } from '../../../nvme/commands.ts';
import { Feature } from '../../../nvme/features.ts';
import { IdentifyStructure, identifyBytes, identifyNamespace } from '../../../nvme/identify.ts';
import { ControllerStatus, decodeCapabilities, encodeConfiguration, Register } from '../../../nvme/registers.ts';
import { Status } from '../../../nvme/status.ts';
import type { Scheduler } from '../../../ports.ts';
import { Pool } from '../../../semaphore.ts';
import { HostError } from '../host-error.ts';
import { NvmeError } from '../nvme/index.ts';
import { decodeResponse } from './capsule.ts';
import { inCapsuleBytesOf } from './identify.ts';
import {
  anyController,
  commandCapsuleBytes,
  connectCommand,
  connectData,
  connectDataBytes,
  DescriptorKind,
  describeFabricsStatus,
  FabricsCommand,
  fabricsCommand,
  fabricsOpcode,
  inCapsuleDescriptor,
  keyedDescriptor,
  pointerOffset,
  propertyCommand,
} from './protocol.ts';

/** Memory of the remote host that a target reaches. */
export interface InitiatorBuffer {
  readonly address: bigint;
  readonly key: number;
  readonly bytes: number;
  read(): Uint8Array;
  write(data: Uint8Array): void;
  release(): void;
}

/** A connection of the remote host with a target: one queue. */
export interface InitiatorConnection {
  /** Sends a message. @throws HostError if the network fails. */
  send(message: Uint8Array): Promise<void>;
  /** The next message; nothing when the connection has ended. */
  receive(): Promise<Uint8Array | undefined>;
  /** Memory that the target may read, or write. */
  buffer(bytes: number): InitiatorBuffer;
  close(): void;
}

/** The remote host's network. */
export interface InitiatorNetwork {
  readonly scheduler: Scheduler;
  /** Makes a connection for a queue of so many entries, whose commands carry so many bytes at the most. */
  connect(queue: { readonly entries: number; readonly capsuleBytes: number }): Promise<InitiatorConnection>;
}

/** What went out and came back. */
interface Ended {
  readonly result: bigint;
}

/** A queue of the initiator. As many commands may be under way as it has entries less one. */
class InitiatorQueue {
  private readonly connection: InitiatorConnection;
  private readonly identifiers: Pool<number>;
  private readonly waiting = new Map<number, (bytes: Uint8Array | undefined) => void>();

  constructor(scheduler: Scheduler, connection: InitiatorConnection, entries: number) {
    this.connection = connection;
    this.identifiers = new Pool(Array.from({ length: entries - 1 }, (_, i) => i));
    scheduler.spawn('responses of the target', () => this.receive());
  }

  /** Sends a capsule and waits for its response. @throws NvmeError for a status other than success, HostError if the connection ends. */
  async execute(what: string, command: Uint8Array, data?: Uint8Array): Promise<Ended> {
    const identifier = await this.identifiers.acquire();
    const capsule = data ? Buffer.concat([command, data]) : command.slice();
    store(commonCommand, capsule, { identifier });
    const answered = new Promise<Uint8Array | undefined>(resolve => this.waiting.set(identifier, resolve));
    await this.connection.send(capsule);
    const bytes = await answered;
    if (!bytes) throw new HostError(`the connection ended before the response to ${what}`);
    this.identifiers.release(identifier);
    const { status, result } = decodeResponse(bytes);
    if (status !== Status.success) throw failure(what, status);
    return { result };
  }

  buffer(bytes: number): InitiatorBuffer {
    return this.connection.buffer(bytes);
  }
  close(): void {
    this.connection.close();
  }

  private async receive(): Promise<void> {
    for (let bytes = await this.connection.receive(); bytes; bytes = await this.connection.receive()) {
      const { identifier } = decodeResponse(bytes);
      this.waiting.get(identifier)?.(bytes);
      this.waiting.delete(identifier);
    }
    for (const resolve of this.waiting.values()) resolve(undefined);
  }
}

function failure(what: string, status: number): NvmeError {
  const text = describeFabricsStatus(status);
  return new NvmeError(text ? `${what} (${text})` : what, status, true);
}

export interface InitiatorOptions {
  /** I/O queues and entries of each: 1 and 64 by default. */
  readonly queues?: number;
  readonly entries?: number;
  readonly subsystem?: string;
  readonly host?: string;
}

/** A namespace of the target, as the remote host sees it. */
export interface RemoteNamespace {
  readonly id: number;
  readonly blocks: number;
  readonly blockBytes: number;
}

const adminEntries = 32;

/** A remote host with a controller of a target: what a kernel's initiator does, in outline. */
export class NvmeOfInitiator {
  readonly scheduler: Scheduler;
  /** Bytes of data that a capsule may carry. */
  readonly inCapsuleBytes: number;
  readonly namespaces: readonly RemoteNamespace[];
  private readonly admin: InitiatorQueue;
  private readonly queues: readonly InitiatorQueue[];
  private turn = 0;

  private constructor(
    of: Pick<NvmeOfInitiator, 'scheduler' | 'inCapsuleBytes' | 'namespaces'>,
    admin: InitiatorQueue,
    queues: readonly InitiatorQueue[],
  ) {
    this.scheduler = of.scheduler;
    this.inCapsuleBytes = of.inCapsuleBytes;
    this.namespaces = of.namespaces;
    this.admin = admin;
    this.queues = queues;
  }

  /** Connects: admin queue, enabling, identification, I/O queues. @throws NvmeError for what the target refuses, HostError if it does not answer. */
  static async connect(network: InitiatorNetwork, options: InitiatorOptions = {}): Promise<NvmeOfInitiator> {
    const { scheduler } = network;
    const {
      queues = 1,
      entries = 64,
      subsystem = 'nqn.2026-01.io.p2p-pcie:target',
      host = 'nqn.2026-01.io.p2p-pcie:host',
    } = options;
    const open = async (queue: number, count: number, controller: number, capsuleBytes: number) => {
      const connection = await network.connect({ entries: count, capsuleBytes });
      const made = new InitiatorQueue(scheduler, connection, count);
      const id = await connectQueue(made, { queue, entries: count, controller, subsystem, host });
      return { made, id };
    };
    const { made: admin, id } = await open(0, adminEntries, anyController, commandCapsuleBytes + connectDataBytes);
    const capabilities = decodeCapabilities(await property(admin, Register.cap, 8));
    await enable(scheduler, admin);
    const identified = await identifyData(admin, IdentifyStructure.controller, 0);
    const inCapsuleBytes = inCapsuleBytesOf(identified);
    const granted = await queueCount(admin, queues);
    const most = Math.min(entries, capabilities.maxEntries);
    const io: InitiatorQueue[] = [];
    const capsuleBytes = commandCapsuleBytes + Math.max(inCapsuleBytes, connectDataBytes);
    for (let queue = 1; queue <= granted; queue++) io.push((await open(queue, most, id, capsuleBytes)).made);
    return new NvmeOfInitiator({ scheduler, inCapsuleBytes, namespaces: await findNamespaces(admin) }, admin, io);
  }

  /** Reads blocks. @throws NvmeError, HostError. */
  async read(namespace: RemoteNamespace, start: number, blocks: number): Promise<Uint8Array> {
    const queue = this.queue();
    const buffer = queue.buffer(blocks * namespace.blockBytes);
    try {
      await queue.execute(`Read of ${blocks} blocks at ${start}`, block(NvmOpcode.read, namespace, start, blocks, keyed(buffer)));
      return buffer.read();
    } finally {
      buffer.release();
    }
  }

  /** Writes whole blocks: in the capsule where they fit and `inCapsule` says so, else from memory that the target reads. @throws NvmeError, HostError. */
  async write(namespace: RemoteNamespace, start: number, data: Uint8Array, { inCapsule = false } = {}): Promise<void> {
    const queue = this.queue();
    const blocks = data.length / namespace.blockBytes;
    const what = `Write of ${blocks} blocks at ${start}`;
    if (inCapsule && data.length <= this.inCapsuleBytes) {
      const pointer = encode(inCapsuleDescriptor, 16, { length: data.length, subtype: 1 });
      await queue.execute(what, block(NvmOpcode.write, namespace, start, blocks, pointer), data);
      return;
    }
    const buffer = queue.buffer(data.length);
    try {
      buffer.write(data);
      await queue.execute(what, block(NvmOpcode.write, namespace, start, blocks, keyed(buffer)));
    } finally {
      buffer.release();
    }
  }

  async writeZeroes(namespace: RemoteNamespace, start: number, blocks: number): Promise<void> {
    await this.queue().execute('Write Zeroes', block(NvmOpcode.writeZeroes, namespace, start, blocks, noData));
  }

  async flush(namespace: RemoteNamespace): Promise<void> {
    await this.queue().execute('Flush', block(NvmOpcode.flush, namespace, 0, 1, noData));
  }

  /** Ends the connections. */
  close(): void {
    for (const queue of [...this.queues, this.admin]) queue.close();
  }

  private queue(): InitiatorQueue {
    const queue = this.queues[this.turn++ % this.queues.length];
    if (!queue) throw new HostError('the target gave no I/O queue');
    return queue;
  }
}

const noData = new Uint8Array(16);

const keyed = ({ address, key, bytes }: InitiatorBuffer): Uint8Array =>
  encode(keyedDescriptor, 16, { address, length: bytes, key, type: DescriptorKind.keyed >> 4 });

function block(opcode: number, namespace: RemoteNamespace, start: number, blocks: number, pointer: Uint8Array): Uint8Array {
  const command = encode(commonCommand, commandCapsuleBytes, { opcode, namespace: namespace.id, pointerKind: 1 });
  command.set(pointer, pointerOffset);
  store(blockCommand, command, { start: BigInt(start), blocks: blocks - 1 });
  return command;
}

async function connectQueue(
  queue: InitiatorQueue,
  of: {
    readonly queue: number;
    readonly entries: number;
    readonly controller: number;
    readonly subsystem: string;
    readonly host: string;
  },
): Promise<number> {
  const { controller, subsystem, host } = of;
  const command = fabrics(FabricsCommand.connect);
  command.set(encode(inCapsuleDescriptor, 16, { length: connectDataBytes, subtype: 1 }), pointerOffset);
  store(connectCommand, command, { queue: of.queue, queueSize: of.entries - 1 });
  const data = encode(connectData, connectDataBytes, { controller, subsystem, host });
  const { result } = await queue.execute(`Connect of queue ${of.queue}`, command, data);
  return Number(result & 0xffffn);
}

const fabrics = (type: number): Uint8Array => {
  const command = encode(commonCommand, commandCapsuleBytes, { opcode: fabricsOpcode, pointerKind: 1 });
  store(fabricsCommand, command, { type });
  return command;
};

async function property(queue: InitiatorQueue, offset: number, bytes: 4 | 8): Promise<bigint> {
  const command = fabrics(FabricsCommand.propertyGet);
  store(propertyCommand, command, { size: bytes === 8 ? 1 : 0, offset });
  return (await queue.execute(`Property Get 0x${offset.toString(16)}`, command)).result;
}

/** Cycles between two looks at the controller's status, and how many of them. */
const lookCycles = 1000;
const mostLooks = 1000;

async function enable(scheduler: Scheduler, queue: InitiatorQueue): Promise<void> {
  const command = fabrics(FabricsCommand.propertySet);
  const configuration = {
    enable: true,
    commandSet: 0,
    page: 0,
    arbitration: 0,
    shutdown: 0,
    submissionEntry: 6,
    completionEntry: 4,
  };
  store(propertyCommand, command, { offset: Register.cc, value: BigInt(encodeConfiguration(configuration)) });
  await queue.execute('Property Set of the configuration', command);
  for (let look = 0; look < mostLooks; look++) {
    if (Number(await property(queue, Register.csts, 4)) & ControllerStatus.ready) return;
    await scheduler.delay(lookCycles);
  }
  throw new HostError(`the target's controller is not ready after ${lookCycles * mostLooks} cycles`);
}

async function identifyData(queue: InitiatorQueue, structure: number, namespace: number): Promise<Uint8Array> {
  const buffer = queue.buffer(identifyBytes);
  try {
    const command = encode(commonCommand, commandCapsuleBytes, { opcode: AdminOpcode.identify, namespace, pointerKind: 1 });
    command.set(keyed(buffer), pointerOffset);
    store(identify, command, { structure });
    await queue.execute(`Identify ${structure}`, command);
    return buffer.read();
  } finally {
    buffer.release();
  }
}

/** Asks for I/O queues. @returns how many there are of them. */
async function queueCount(queue: InitiatorQueue, wanted: number): Promise<number> {
  const command = encode(commonCommand, commandCapsuleBytes, { opcode: AdminOpcode.setFeatures, pointerKind: 1 });
  store(features, command, { feature: Feature.numberOfQueues, value: (wanted - 1) | ((wanted - 1) << 16) });
  const { result } = await queue.execute('Set Features: number of queues', command);
  return Math.min(wanted, Number(result & 0xffffn) + 1);
}

async function findNamespaces(queue: InitiatorQueue): Promise<RemoteNamespace[]> {
  const list = await identifyData(queue, IdentifyStructure.activeNamespaces, 0);
  const view = new DataView(list.buffer, list.byteOffset);
  const found: RemoteNamespace[] = [];
  for (let at = 0; at < identifyBytes; at += 4) {
    const id = view.getUint32(at, true);
    if (id === 0) break;
    const { size, blockShift } = decode(identifyNamespace, await identifyData(queue, IdentifyStructure.namespace, id));
    found.push({ id, blocks: Number(size), blockBytes: 2 ** blockShift });
  }
  return found;
}
