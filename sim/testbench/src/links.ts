import { dataRanges, type Topology } from '@hdl/pcie-rtl';
import type { PortView, Simulation } from '@hdl/ts-hdl';
import { portOf } from './rings.ts';

/** What one direction of a link carried since the counters were cleared. */
export interface DirectionSnapshot {
  /** Whole TLPs by class. */
  readonly posted: number;
  readonly non_posted: number;
  readonly completions: number;
  readonly beats: number;
  /** User data: bytes, and beats of the TLPs that carry it. */
  readonly data_bytes: number;
  readonly data_beats: number;
  /** Payload bytes of all other TLPs. */
  readonly other_bytes: number;
  /** Cycle of the first beat, valid if `beats` is not 0; of the first and last data beat, valid if `data_beats` is not 0. */
  readonly first_cycle: number;
  readonly first_data_cycle: number;
  readonly last_data_cycle: number;
}

export interface LinkSnapshot {
  /** `root`, or the device at the lower end. */
  readonly link: string;
  readonly down: DirectionSnapshot;
  readonly up: DirectionSnapshot;
}

const fields = [
  'posted',
  'non_posted',
  'completions',
  'beats',
  'data_bytes',
  'data_beats',
  'other_bytes',
  'first_cycle',
  'first_data_cycle',
  'last_data_cycle',
] as const;

/** The counters on the links of a fabric. */
export class Links {
  private readonly simulation: Simulation;
  private readonly topology: Topology;

  constructor(simulation: Simulation, topology: Topology) {
    this.simulation = simulation;
    this.topology = topology;
  }

  /** Says where user data lies: at most 4 ranges of bus addresses, `limit` exclusive. @throws RangeError for more. */
  setDataRanges(ranges: readonly { readonly base: bigint; readonly limit: bigint }[]): void {
    if (ranges.length > dataRanges) throw new RangeError(`link counters know ${dataRanges} data ranges, not ${ranges.length}`);
    for (let i = 0; i < dataRanges; i++) {
      const range = ranges[i] ?? { base: 0n, limit: 0n };
      set64(portOf(this.simulation, `ranges_${i}_base`), range.base);
      set64(portOf(this.simulation, `ranges_${i}_limit`), range.limit);
    }
  }

  /** Zeroes all counters; takes 4 cycles, so that what is on its way to the counters is not counted. */
  clear(): void {
    const clear = portOf(this.simulation, 'clear');
    clear.words[0] = 1;
    this.simulation.step(4);
    clear.words[0] = 0;
  }

  /** All links in the order of the topology. */
  snapshot(): LinkSnapshot[] {
    this.simulation.settle();
    return this.topology.links.map((link, i) => ({ link, down: this.direction(i, 'down'), up: this.direction(i, 'up') }));
  }

  private direction(i: number, way: 'down' | 'up'): DirectionSnapshot {
    const values = fields.map(field => [field, number(portOf(this.simulation, `counters_${i}_${way}_${field}`))] as const);
    return Object.fromEntries(values) as { readonly [K in (typeof fields)[number]]: number };
  }
}

function set64(port: PortView, value: bigint): void {
  port.words[0] = Number(value & 0xffff_ffffn);
  port.words[1] = Number(value >> 32n);
}

const number = (port: PortView) => (port.words[0] ?? 0) + 2 ** 32 * (port.words[1] ?? 0);
