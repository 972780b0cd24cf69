import { FaultReason, IommuFault, IommuTables, windowsPerPort } from '@hdl/pcie-rtl';
import type { PortView, Simulation } from '@hdl/ts-hdl';
import { iommuPath } from './fabric-harness.ts';
import { portOf, RingReader } from './rings.ts';
import type { RootBridgeParams } from './root-complex.ts';
import { type BelowRoot, nothingBelow } from './root-routes.ts';

/** Which requests of devices a host bridge sends down again. */
export type Forwarding = 'nothing' | 'writes' | 'all';

/** A request that the IOMMU refused. */
export interface RefusedRequest {
  readonly requester_id: number;
  readonly address: bigint;
  readonly access: 'read' | 'write';
  readonly reason: keyof typeof FaultReason;
}

const pageBytes = 4096n;
const reasons = Object.keys(FaultReason) as (keyof typeof FaultReason)[];

/** What software sees of the host bridge above the root ports: what lies below, what is forwarded, the IOMMUs' tables and their faults. */
export class HostBridgePort {
  /** By root port: the tables for what comes up by it. */
  readonly tables: readonly IommuTables[];
  private readonly simulation: Simulation;
  private readonly faults: RingReader;

  constructor(simulation: Simulation, ports: number, width: number, params: RootBridgeParams) {
    this.simulation = simulation;
    const numbers = [...Array(ports).keys()];
    this.tables = numbers.map(i => new IommuTables(path => simulation.memory(path), iommuPath(i), { ...params, width }));
    this.faults = new RingReader(simulation, 'a fault of the IOMMU', 'faults_control', 'faults_status', 'faults');
    for (const port of numbers) this.describe(port, nothingBelow);
  }

  /** Says what lies below a root port: memory as whole pages, and bus numbers. @throws RangeError for more windows than there are. */
  describe(port: number, { windows, buses }: BelowRoot): void {
    if (windows.length > windowsPerPort) throw new RangeError(`${windows.length} windows: the host bridge has ${windowsPerPort}`);
    for (let i = 0; i < windowsPerPort; i++) {
      const { base, bytes } = windows[i] ?? { base: pageBytes, bytes: 0n };
      this.set(`below_${port}_windows_${i}_base`, base / pageBytes);
      this.set(`below_${port}_windows_${i}_limit`, (base + bytes) / pageBytes - 1n);
    }
    this.set(`below_${port}_secondary`, BigInt(buses.first));
    this.set(`below_${port}_subordinate`, BigInt(buses.last));
  }

  forward(what: Forwarding): void {
    this.set('forwards_posted', what === 'nothing' ? 0n : 1n);
    this.set('forwards_non_posted', what === 'all' ? 1n : 0n);
  }

  /** Switches the translation of addresses on or off. */
  translate(on: boolean): void {
    this.set('translates', on ? 1n : 0n);
  }

  /** The faults since the last call, in order. */
  takeFaults(): RefusedRequest[] {
    const words = this.faults.available;
    const bytes = this.faults.take(words);
    return Array.from({ length: words }, (_, i) => {
      const word = bytes.subarray(i * this.faults.wordBytes, (i + 1) * this.faults.wordBytes);
      const bits = word.reduceRight((high, byte) => (high << 8n) | BigInt(byte), 0n);
      const field = (low: number, width: number) => (bits >> BigInt(low)) & ((1n << BigInt(width)) - 1n);
      const reason = reasons[Number(field(64, 2))];
      if (!reason) throw new RangeError(`a fault of ${IommuFault.width} bits has an unknown reason`);
      return {
        requester_id: Number(field(67, 16)),
        access: field(66, 1) === 1n ? ('write' as const) : ('read' as const),
        reason,
        address: field(0, 64),
      };
    });
  }

  private set(name: string, value: bigint): void {
    const port: PortView = portOf(this.simulation, `bridge_control_${name}`);
    for (let i = 0; i < port.words.length; i++) port.words[i] = Number((value >> BigInt(32 * i)) & 0xffff_ffffn);
  }
}
