import type { Scheduler } from '../../../ports.ts';
import type { RemoteNic, RemoteQueuePair } from '../../../rdma/remote/index.ts';
import { HostMemoryPool } from '../host-memory-pool.ts';
import type { InitiatorBuffer, InitiatorConnection, InitiatorNetwork } from './initiator.ts';
import { responseCapsuleBytes } from './protocol.ts';
import type { QueueAnswer, RdmaPort } from './rdma-port.ts';

/** Largest packet on the wire. */
const mtu = 4096;

/** The network of a remote host: its own card, whose wire ends in the target's. */
export class RdmaInitiatorNetwork implements InitiatorNetwork {
  readonly scheduler: Scheduler;
  private readonly nic: RemoteNic;
  private readonly port: RdmaPort;
  private readonly pool: HostMemoryPool;

  constructor(scheduler: Scheduler, nic: RemoteNic, port: RdmaPort) {
    this.scheduler = scheduler;
    this.nic = nic;
    this.port = port;
    this.pool = new HostMemoryPool({ base: 0n, bytes: BigInt(nic.memory.length) });
  }

  async connect({
    entries,
    capsuleBytes,
  }: {
    readonly entries: number;
    readonly capsuleBytes: number;
  }): Promise<InitiatorConnection> {
    const pair = this.nic.createQueuePair();
    let end = () => {};
    const ended = new Promise<undefined>(resolve => {
      end = () => resolve(undefined);
    });
    const answer = await this.port.connect({ remote: pair.number, entries, capsuleBytes, ended: end });
    pair.connect({ remote: answer.queuePair, mtu });
    pair.postReceive(responseCapsuleBytes, entries);
    return this.connection(pair, answer, { ended, end });
  }

  private connection(
    pair: RemoteQueuePair,
    answer: QueueAnswer,
    { ended, end }: { readonly ended: Promise<undefined>; readonly end: () => void },
  ): InitiatorConnection {
    return {
      send: async message => {
        await pair.send(message);
      },
      receive: async () => {
        const message = await Promise.race([pair.receive(), ended]);
        if (message) pair.postReceive(responseCapsuleBytes, 1);
        return message?.data;
      },
      buffer: bytes => this.buffer(bytes),
      close: () => {
        end();
        this.scheduler.spawn('disconnect of the remote host', () => answer.disconnect());
      },
    };
  }

  private buffer(bytes: number): InitiatorBuffer {
    const range = this.pool.allocate(bytes);
    const address = Number(range.base);
    const key = this.nic.register({ address, bytes, remoteRead: true, remoteWrite: true });
    const { memory } = this.nic;
    return {
      address: range.base,
      key,
      bytes,
      read: () => memory.slice(address, address + bytes),
      write: data => memory.set(data, address),
      release: () => {
        this.nic.unregister(key);
        this.pool.release(range);
      },
    };
  }
}
