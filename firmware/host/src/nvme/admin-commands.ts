import { decode, encode, store, type Values } from '../../../layout.ts';
import {
  AdminOpcode,
  abort,
  type Completion,
  commandBytes,
  commonCommand,
  createCompletionQueue,
  createSubmissionQueue,
  deleteQueue,
  features,
  getLogPage,
  identify,
} from '../../../nvme/commands.ts';
import { event, Feature, type FeatureSelect, queueCounts } from '../../../nvme/features.ts';
import { IdentifyStructure, identifyBytes, identifyController, identifyNamespace } from '../../../nvme/identify.ts';
import { type NvmePlatform, pageBytes } from './platform.ts';

/** Sends a command of 64 bytes to the admin queue, and waits for it. `what` is for messages. */
export type AdminExecutor = (what: string, command: Uint8Array, wait: 'with time limit' | 'for ever') => Promise<Completion>;

export type ControllerIdentity = Values<typeof identifyController>;
export type NamespaceIdentity = Values<typeof identifyNamespace>;
/** An asynchronous event: what the controller told (5.2.1). */
export type EventReport = Values<typeof event>;

/** What both creations of queues need. */
export interface QueueShape {
  readonly id: number;
  /** Entries. */
  readonly size: number;
  readonly address: bigint;
}

/** Admin commands (NVMe 1.4 section 5). All of them throw NvmeError for a status other than success, and HostError as the executor does. */
export class AdminCommands {
  private readonly platform: NvmePlatform;
  private readonly execute: AdminExecutor;

  constructor(platform: NvmePlatform, execute: AdminExecutor) {
    this.platform = platform;
    this.execute = execute;
  }

  async identifyController(): Promise<ControllerIdentity> {
    return decode(identifyController, await this.identify(IdentifyStructure.controller, 0));
  }

  async identifyNamespace(namespace: number): Promise<NamespaceIdentity> {
    return decode(identifyNamespace, await this.identify(IdentifyStructure.namespace, namespace));
  }

  /** Identifiers of all active namespaces. */
  async activeNamespaces(): Promise<number[]> {
    const found: number[] = [];
    for (;;) {
      const bytes = await this.identify(IdentifyStructure.activeNamespaces, found.at(-1) ?? 0);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const ids = Array.from({ length: identifyBytes / 4 }, (_, i) => view.getUint32(4 * i, true));
      const end = ids.indexOf(0);
      found.push(...(end < 0 ? ids : ids.slice(0, end)));
      if (end >= 0) return found;
    }
  }

  /** One of `Feature`. `parameter` is DW11, for features that need it. @returns DW0 of the completion. */
  async getFeature(
    feature: number,
    select: (typeof FeatureSelect)[keyof typeof FeatureSelect] = 0,
    parameter = 0,
    namespace = 0,
  ): Promise<number> {
    const command = entry(AdminOpcode.getFeatures, { namespace });
    store(features, command, { feature, select, value: parameter });
    return (await this.execute(`Get Features ${feature}`, command, 'with time limit')).result;
  }

  /** @returns DW0 of the completion. */
  async setFeature(feature: number, value: number, namespace = 0): Promise<number> {
    const command = entry(AdminOpcode.setFeatures, { namespace });
    store(features, command, { feature, value });
    return (await this.execute(`Set Features ${feature}`, command, 'with time limit')).result;
  }

  /** Asks for so many I/O queues of each kind. @returns how many there are. */
  async setQueueCount(count: number): Promise<number> {
    const wanted = encode(queueCounts, 4, { submission: count - 1, completion: count - 1 });
    const result = await this.setFeature(Feature.numberOfQueues, new DataView(wanted.buffer).getUint32(0, true));
    const given = decode(queueCounts, new Uint8Array(Uint32Array.of(result).buffer));
    return Math.min(count, given.submission + 1, given.completion + 1);
  }

  /** A log page, one of `LogPage`. Reading it lets the controller tell events of its kind again. */
  async logPage(page: number, bytes: number, offset = 0): Promise<Uint8Array> {
    return this.withPages(bytes, async (prp1, prp2) => {
      const command = entry(AdminOpcode.getLogPage, { namespace: 0xffff_ffff, prp1, prp2 });
      const dwords = bytes / 4 - 1;
      store(getLogPage, command, {
        page,
        dwordsLow: dwords & 0xffff,
        dwordsHigh: Math.floor(dwords / 0x1_0000),
        offset: BigInt(offset),
      });
      await this.execute(`Get Log Page ${page}`, command, 'with time limit');
    });
  }

  /** Without a vector nobody is told of completions: who waits for them looks. */
  async createCompletionQueue({ id, size, address }: QueueShape, vector?: number): Promise<void> {
    const command = entry(AdminOpcode.createCompletionQueue, { prp1: address });
    store(createCompletionQueue, command, {
      queue: id,
      size: size - 1,
      contiguous: 1,
      interrupts: vector === undefined ? 0 : 1,
      vector: vector ?? 0,
    });
    await this.execute(`Create I/O Completion Queue ${id}`, command, 'with time limit');
  }

  async createSubmissionQueue({ id, size, address }: QueueShape, completionQueue: number): Promise<void> {
    const command = entry(AdminOpcode.createSubmissionQueue, { prp1: address });
    store(createSubmissionQueue, command, { queue: id, size: size - 1, contiguous: 1, completionQueue });
    await this.execute(`Create I/O Submission Queue ${id}`, command, 'with time limit');
  }

  async deleteSubmissionQueue(id: number): Promise<void> {
    const command = entry(AdminOpcode.deleteSubmissionQueue, {});
    store(deleteQueue, command, { queue: id });
    await this.execute(`Delete I/O Submission Queue ${id}`, command, 'with time limit');
  }

  async deleteCompletionQueue(id: number): Promise<void> {
    const command = entry(AdminOpcode.deleteCompletionQueue, {});
    store(deleteQueue, command, { queue: id });
    await this.execute(`Delete I/O Completion Queue ${id}`, command, 'with time limit');
  }

  /** @returns whether the controller says that it aborted the command. */
  async abort(queue: number, identifier: number): Promise<boolean> {
    const command = entry(AdminOpcode.abort, {});
    store(abort, command, { queue, identifier });
    return ((await this.execute('Abort', command, 'with time limit')).result & 1) === 0;
  }

  /** Waits until something happens, however long it takes. */
  async nextEvent(): Promise<EventReport> {
    const command = entry(AdminOpcode.asynchronousEventRequest, {});
    const { result } = await this.execute('Asynchronous Event Request', command, 'for ever');
    return decode(event, new Uint8Array(Uint32Array.of(result).buffer));
  }

  private identify(structure: number, namespace: number): Promise<Uint8Array> {
    return this.withPages(identifyBytes, async prp1 => {
      const command = entry(AdminOpcode.identify, { namespace, prp1 });
      store(identify, command, { structure });
      await this.execute(`Identify ${structure} of namespace ${namespace}`, command, 'with time limit');
    });
  }

  /** Memory for up to two pages of answer, while `work` runs. @returns what is in it then. */
  private async withPages(bytes: number, work: (prp1: bigint, prp2: bigint) => Promise<void>): Promise<Uint8Array> {
    const { memory } = this.platform;
    const area = memory.allocate(bytes, pageBytes);
    try {
      await work(area.base, bytes > pageBytes ? area.base + BigInt(pageBytes) : 0n);
      return memory.read(area.base, bytes);
    } finally {
      memory.release(area);
    }
  }
}

const entry = (opcode: number, values: Partial<Values<typeof commonCommand>>): Uint8Array =>
  encode(commonCommand, commandBytes, { ...values, opcode });
