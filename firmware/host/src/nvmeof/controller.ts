import {
  ControllerStatus,
  decodeConfiguration,
  encodeCapabilities,
  Register,
  ShutdownNotification,
  version,
} from '../../../nvme/registers.ts';
import { Status } from '../../../nvme/status.ts';
import type { DmaClient } from '../p2pdma/index.ts';
import { TargetError } from './command-error.ts';
import type { TargetNamespace } from './namespace.ts';

/** What of a subsystem a controller shows. */
export interface ControllerParams {
  readonly id: number;
  readonly subsystem: string;
  readonly namespaces: readonly TargetNamespace[];
  /** The host's name. */
  readonly host: string;
  /** The network card that the host came through. */
  readonly network: DmaClient;
  readonly maxEntries: number;
  /** I/O queues. */
  readonly queues: number;
}

/** A controller of a target: it exists from a host's Connect of its admin queue to the end of that queue; registers are properties here (NVMe over Fabrics 1.1 section 3.5). */
export class TargetController {
  readonly id: number;
  readonly subsystem: string;
  readonly namespaces: readonly TargetNamespace[];
  readonly host: string;
  readonly queues: number;
  /** Queues that are connected. */
  readonly connected = new Set<number>();
  private readonly network: DmaClient;
  private readonly capabilities: bigint;
  private configuration = 0;
  private status = 0;

  /** Decides for each namespace which memory its data will use (M1-21). */
  constructor(of: ControllerParams) {
    this.id = of.id;
    this.subsystem = of.subsystem;
    this.namespaces = of.namespaces;
    this.host = of.host;
    this.network = of.network;
    this.queues = of.queues;
    this.capabilities = encodeCapabilities({
      maxEntries: of.maxEntries,
      contiguousQueues: true,
      arbitration: 0,
      timeout: 20,
      doorbellStride: 0,
      commandSets: 1,
      minPage: 0,
      maxPage: 0,
      memoryBuffer: false,
    });
    for (const { memory } of of.namespaces) memory.connect(of.network);
  }

  /** It was enabled, and is not shut down. */
  get ready(): boolean {
    return (this.status & (ControllerStatus.ready | ControllerStatus.shutdownMask)) === ControllerStatus.ready;
  }

  /** A property as hosts read it. @throws TargetError for one that is none. */
  property(offset: number): bigint {
    if (offset === Register.cap) return this.capabilities;
    if (offset === Register.vs) return BigInt(version);
    if (offset === Register.cc) return BigInt(this.configuration);
    if (offset === Register.csts) return BigInt(this.status);
    throw new TargetError(Status.invalidField, `there is no property at 0x${offset.toString(16)}`);
  }

  /** @throws TargetError for a property that hosts do not write. */
  setProperty(offset: number, value: bigint): void {
    if (offset !== Register.cc)
      throw new TargetError(Status.invalidField, `the property at 0x${offset.toString(16)} is not for hosts to write`);
    this.configuration = Number(value & 0xffff_ffffn);
    const { enable, shutdown } = decodeConfiguration(this.configuration);
    const off = shutdown === ShutdownNotification.none ? 0 : ControllerStatus.shutdownComplete;
    this.status = (enable ? ControllerStatus.ready : 0) | off;
  }

  /** @throws TargetError for a namespace that is not there. */
  namespace(id: number): TargetNamespace {
    const found = this.namespaces.find(each => each.id === id);
    if (!found) throw new TargetError(Status.invalidNamespace, `the subsystem has no namespace ${id}`);
    return found;
  }

  /** The host has gone. */
  end(): void {
    for (const { memory } of this.namespaces) memory.disconnect(this.network);
  }
}
