import { HostError } from '../host-error.ts';
import { TargetError } from './command-error.ts';
import type { TargetConnection } from './connection.ts';
import { TargetController } from './controller.ts';
import type { TargetMachine } from './machine.ts';
import type { TargetNamespace } from './namespace.ts';
import { anyController, FabricsStatus } from './protocol.ts';
import { type ConnectRequest, type QueueOwner, TargetQueue } from './target-queue.ts';

export interface TargetOptions {
  /** Qualified name of the subsystem. */
  readonly subsystem?: string;
  /** Bytes of data that a command capsule may carry: 4,096 by default, 0 for none. */
  readonly inCapsuleBytes?: number;
  /** I/O queues of a controller, and entries of each: 8 and 128 by default. */
  readonly queues?: number;
  readonly entries?: number;
  /** Hosts that may connect; all by default. */
  readonly hosts?: readonly string[];
}

/** Bytes of memory that are prepared to find out where a namespace's memory is. */
const trialBytes = 4096n;

/**
 * A storage target: a program that owns no device, and brings a network card and drives of others together (M1-19). It has one subsystem, whose namespaces are
 * block devices; their data goes from one to the other through memory of a peer where there is some, and past the host's.
 */
export class NvmeOfTarget implements QueueOwner {
  readonly machine: TargetMachine;
  readonly subsystem: string;
  readonly inCapsuleBytes: number;
  readonly entries: number;
  readonly queues: TargetQueue[] = [];
  private readonly options: TargetOptions;
  private readonly namespaces = new Map<number, TargetNamespace>();
  private readonly controllers = new Map<number, TargetController>();
  private next = 1;

  constructor(machine: TargetMachine, options: TargetOptions = {}) {
    this.machine = machine;
    this.options = options;
    this.subsystem = options.subsystem ?? 'nqn.2026-01.io.p2p-pcie:target';
    this.inCapsuleBytes = options.inCapsuleBytes ?? 4096;
    this.entries = options.entries ?? 128;
  }

  /** Adds a namespace and switches it on. @throws Errno as `NamespaceMemory.enable`; HostError if there is one with this number. */
  add(namespace: TargetNamespace): void {
    if (this.namespaces.has(namespace.id)) throw new HostError(`the subsystem has a namespace ${namespace.id} already`);
    namespace.memory.enable();
    this.namespaces.set(namespace.id, namespace);
  }

  /** Serves a connection that a host has made; ends when the host goes. */
  accept(connection: TargetConnection): void {
    const queue = new TargetQueue(this, connection);
    this.queues.push(queue);
    this.machine.host.scheduler.spawn('queue of the target', () => queue.run());
  }

  /** Controllers that hosts are connected to. */
  get connected(): readonly TargetController[] {
    return [...this.controllers.values()];
  }

  async connect(request: ConnectRequest, connection: TargetConnection): Promise<TargetController> {
    const { subsystem, host, queue, entries } = request;
    const invalid = (why: string) => new TargetError(FabricsStatus.connectInvalidParameters, why);
    if (subsystem !== this.subsystem) throw invalid(`there is no subsystem ${subsystem}`);
    if (this.options.hosts && !this.options.hosts.includes(host))
      throw new TargetError(FabricsStatus.connectInvalidHost, `${host} is not among the hosts of the subsystem`);
    if (entries < 2 || entries > this.entries) throw invalid(`a queue has 2 to ${this.entries} entries, not ${entries}`);
    const controller = queue === 0 ? this.admin(request, connection) : this.known(request);
    if (controller.connected.has(queue))
      throw new TargetError(FabricsStatus.controllerBusy, `queue ${queue} of controller ${controller.id} is connected already`);
    if (queue > controller.queues)
      throw invalid(`controller ${controller.id} has ${controller.queues} I/O queues, and no queue ${queue}`);
    controller.connected.add(queue);
    for (const { memory } of controller.namespaces) {
      const trial = memory.request(connection.network, trialBytes);
      try {
        await connection.prepare(trial);
      } finally {
        trial.free();
      }
    }
    return controller;
  }

  disconnected(controller: TargetController, queue: number): void {
    controller.connected.delete(queue);
    if (queue !== 0) return;
    controller.end();
    this.controllers.delete(controller.id);
  }

  private admin({ controller: id, subsystem, host }: ConnectRequest, { network }: TargetConnection): TargetController {
    if (id !== anyController)
      throw new TargetError(
        FabricsStatus.connectInvalidParameters,
        `controllers are made as hosts come: ask for 0xffff, not ${id}`,
      );
    const controller = new TargetController({
      id: this.next++,
      subsystem,
      host,
      network,
      namespaces: [...this.namespaces.values()],
      maxEntries: this.entries,
      queues: this.options.queues ?? 8,
    });
    this.controllers.set(controller.id, controller);
    return controller;
  }

  private known({ controller: id, host }: ConnectRequest): TargetController {
    const found = this.controllers.get(id);
    if (found?.host !== host || !found.ready)
      throw new TargetError(FabricsStatus.connectInvalidParameters, `${host} has no controller ${id} that is enabled`);
    return found;
  }
}
