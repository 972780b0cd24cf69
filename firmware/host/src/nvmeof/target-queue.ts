import { decode } from '../../../layout.ts';
import { commonCommand } from '../../../nvme/commands.ts';
import { Status } from '../../../nvme/status.ts';
import { HostError } from '../host-error.ts';
import { NvmeError } from '../nvme/index.ts';
import { adminCommand } from './admin-commands.ts';
import { dataOf, encodeResponse } from './capsule.ts';
import { TargetError } from './command-error.ts';
import type { OutgoingData, ReceivedCapsule, TargetConnection } from './connection.ts';
import type { TargetController } from './controller.ts';
import { ioCommand } from './io-commands.ts';
import type { TargetMachine } from './machine.ts';
import {
  connectCommand,
  connectData,
  connectDataBytes,
  FabricsCommand,
  fabricsCommand,
  fabricsOpcode,
  propertyCommand,
} from './protocol.ts';

/** What Connect asks for. */
export interface ConnectRequest {
  readonly queue: number;
  /** Entries. */
  readonly entries: number;
  readonly controller: number;
  readonly subsystem: string;
  readonly host: string;
}

/** What a queue is connected to. */
export interface QueueOwner {
  readonly machine: TargetMachine;
  /** Bytes of data that a capsule may carry. */
  readonly inCapsuleBytes: number;
  /** @throws TargetError if there is no such subsystem, controller or queue, or the host is not admitted. */
  connect(request: ConnectRequest, connection: TargetConnection): Promise<TargetController>;
  /** A connection has ended that was a queue of this controller. */
  disconnected(controller: TargetController, queue: number): void;
}

/** What is to be sent for a command. */
interface Reply {
  readonly status: number;
  readonly result?: bigint;
  readonly outgoing?: OutgoingData;
  readonly free?: () => void;
}

/**
 * A queue of a controller: one connection. Commands are carried out side by side; each ends with a response, which may pass those of others.
 *
 *     receive ─► decode ─┬─► Connect, properties, admin ─┬─► response
 *                        └─► I/O: network ◄─► buffer ◄─► drive
 */
export class TargetQueue {
  /** Commands that ended, by whether with success. */
  readonly commands = { ended: 0, failed: 0 };
  private readonly owner: QueueOwner;
  private readonly connection: TargetConnection;
  private controller: TargetController | undefined;
  private queue = 0;
  private entries = 1;
  private head = 0;

  constructor(owner: QueueOwner, connection: TargetConnection) {
    this.owner = owner;
    this.connection = connection;
  }

  /** Serves the connection until it ends. */
  async run(): Promise<void> {
    const { connection, owner } = this;
    const { scheduler } = owner.machine.host;
    for (let capsule = await connection.receive(); capsule; capsule = await connection.receive()) {
      const taken = capsule;
      this.head = (this.head + 1) % this.entries;
      scheduler.spawn(`command of queue ${this.queue}`, () => this.serve(taken));
    }
    if (this.controller) owner.disconnected(this.controller, this.queue);
  }

  private async serve(capsule: ReceivedCapsule): Promise<void> {
    const { identifier } = decode(commonCommand, capsule.bytes);
    const reply = await this.reply(capsule);
    await capsule.release();
    if (reply === 'later') return;
    const { status, result, outgoing, free } = reply;
    this.commands[status === Status.success ? 'ended' : 'failed']++;
    const response = encodeResponse({ identifier, status, submissionHead: this.head, ...(result !== undefined && { result }) });
    try {
      await this.connection.respond(response, outgoing);
    } catch (error) {
      // The host has gone, or its memory cannot be reached: there is nobody to tell.
      if (!(error instanceof HostError)) throw error;
      await this.connection.close();
    } finally {
      free?.();
    }
  }

  private async reply(capsule: ReceivedCapsule): Promise<Reply | 'later'> {
    try {
      return await this.execute(capsule);
    } catch (error) {
      if (error instanceof TargetError || error instanceof NvmeError) return { status: error.status };
      if (error instanceof HostError) return { status: Status.dataTransferError };
      throw error;
    }
  }

  private async execute(capsule: ReceivedCapsule): Promise<Reply | 'later'> {
    const { opcode, namespace } = decode(commonCommand, capsule.bytes);
    if (opcode === fabricsOpcode) return this.fabrics(capsule);
    const { controller, owner, connection } = this;
    if (!controller?.ready) throw new TargetError(Status.sequenceError, 'the controller is not enabled');
    if (this.queue > 0) {
      return {
        status: Status.success,
        ...(await ioCommand(owner.machine, connection, controller.namespace(namespace), capsule)),
      };
    }
    const limits = { inCapsuleBytes: owner.inCapsuleBytes, maxCommands: this.entries };
    const result = adminCommand(controller, capsule.bytes, limits);
    if (result === 'later') return result;
    const { data, ...rest } = result;
    return { status: Status.success, ...rest, ...(data && this.sendData(capsule, data)) };
  }

  /** Data of administration is in RAM. */
  private sendData(capsule: ReceivedCapsule, data: Uint8Array): Pick<Reply, 'outgoing' | 'free'> {
    const to = dataOf(capsule);
    if (to.in === 'capsule')
      throw new TargetError(Status.invalidField, 'a response carries no data: describe memory of the host');
    const { system, host } = this.owner.machine;
    const bytes = Math.min(data.length, to.bytes);
    const cpu = system.alloc(BigInt(data.length));
    host.writeMemory(cpu, data);
    return { outgoing: { from: { cpu, bytes: BigInt(bytes) }, to: { ...to, bytes } }, free: () => system.free(cpu) };
  }

  private async fabrics(capsule: ReceivedCapsule): Promise<Reply> {
    const { type } = decode(fabricsCommand, capsule.bytes);
    if (type === FabricsCommand.connect) return this.connect(capsule);
    const { controller } = this;
    if (!controller) throw new TargetError(Status.sequenceError, 'the queue is not connected');
    if (type === FabricsCommand.disconnect) return { status: Status.success };
    const { size, offset, value } = decode(propertyCommand, capsule.bytes);
    if (size > 1) throw new TargetError(Status.invalidField, 'a property has 4 or 8 bytes');
    if (type === FabricsCommand.propertyGet) return { status: Status.success, result: controller.property(offset) };
    if (type !== FabricsCommand.propertySet) throw new TargetError(Status.invalidField, `there is no fabrics command ${type}`);
    controller.setProperty(offset, value);
    return { status: Status.success };
  }

  private async connect(capsule: ReceivedCapsule): Promise<Reply> {
    if (this.controller) throw new TargetError(Status.sequenceError, 'the queue is connected already');
    const { queue, queueSize } = decode(connectCommand, capsule.bytes);
    const data = await this.connectData(capsule);
    const { controller, subsystem, host } = decode(connectData, data);
    const request = { queue, entries: queueSize + 1, controller, subsystem, host };
    this.controller = await this.owner.connect(request, this.connection);
    this.queue = queue;
    this.entries = request.entries;
    this.head = 1 % this.entries;
    return { status: Status.success, result: BigInt(this.controller.id) };
  }

  private async connectData(capsule: ReceivedCapsule): Promise<Uint8Array> {
    const data = dataOf(capsule);
    const bytes = data.in === 'capsule' ? data.bytes.length : data.bytes;
    if (bytes < connectDataBytes)
      throw new TargetError(Status.dataLengthInvalid, `Connect carries ${connectDataBytes} bytes, not ${bytes}`);
    if (data.in === 'capsule') return data.bytes;
    const { system, host } = this.owner.machine;
    const cpu = system.alloc(BigInt(bytes));
    try {
      await this.connection.fetch(data, { cpu, bytes: BigInt(bytes) });
      return host.readMemory(cpu, connectDataBytes);
    } finally {
      system.free(cpu);
    }
  }
}
