import type { Contract } from '../../src/cells/contract.ts';
import {
  AsyncFifo,
  Bundle,
  bool,
  Crc,
  CreditCounter,
  crcs,
  Downsizer,
  EagerFork,
  Fifo,
  ForwardRegister,
  HalfRegister,
  LazyFork,
  Lfsr,
  type Module,
  PacketArbiter,
  PacketDownsizer,
  PacketFifo,
  PacketTracker,
  PacketUpsizer,
  PriorityArbiter,
  PulseSynchroniser,
  RegisterSlice,
  ResetSynchroniser,
  RoundRobinArbiter,
  ShowAheadFifo,
  SimpleDualPortRam,
  SkidBuffer,
  StreamDemux,
  StreamJoin,
  StreamMux,
  Synchroniser,
  TrueDualPortRam,
  Upsizer,
  uint,
  WordSynchroniser,
} from '../../src/index.ts';
import type { Bench } from './bench.ts';

/** A cell with parameters, as the tests run it. */
export interface Example {
  /** Unique; a prefix of ports where all cells stand in one top. */
  readonly name: string;
  readonly cell: { readonly name: string; readonly contract: Contract };
  /** The numbers among its parameters, for the formulas of its contract. */
  readonly parameters: { readonly [name: string]: number };
  readonly make: () => Module<never>;
  /** Where it is no stream: the input and the output between which latency is measured. */
  readonly probe?: { readonly from: string; readonly to: string };
  /** How its latency is measured otherwise, in edges. */
  readonly latency?: (bench: Bench) => number;
  /** Its storage counts words of a packet that does not end. */
  readonly open?: boolean;
}

const word = uint(8);
export class Packet extends Bundle({ data: uint(8), last: bool }) {}

/** `new` of a class whose constructor takes parameters of any type. */
type Constructor = (new (p: never) => unknown) & Example['cell'];

function example(name: string, cell: Constructor, p: object, more: Pick<Example, 'probe' | 'open' | 'latency'> = {}): Example {
  const parameters = Object.fromEntries(Object.entries(p).filter(([, value]) => typeof value === 'number'));
  return { name, cell, parameters, make: () => new cell(p as never) as Module<never>, ...more };
}

/** Edges for which the output `reset` lasts after a reset. */
function edgesOfReset(bench: Bench): number {
  let edges = 0;
  for (bench.reset(); bench.get('reset') === 1n; bench.step()) edges++;
  return edges;
}

/** Each cell at least once; the first of a cell is the one whose Verilog is kept. */
export const examples: readonly Example[] = [
  example('fifo', Fifo, { type: word, depth: 8 }),
  example('fifo_2', Fifo, { type: word, depth: 2 }),
  example('show_ahead_fifo', ShowAheadFifo, { type: word, depth: 5 }),
  example('show_ahead_fifo_8', ShowAheadFifo, { type: word, depth: 8 }),
  example('show_ahead_fifo_2', ShowAheadFifo, { type: word, depth: 2 }),
  example('packet_fifo', PacketFifo, { type: Packet, depth: 8 }),
  example('packet_fifo_2', PacketFifo, { type: Packet, depth: 2 }),
  example('forward_register', ForwardRegister, { type: word }),
  example('skid_buffer', SkidBuffer, { type: word }),
  example('half_register', HalfRegister, { type: word }),
  example('register_slice', RegisterSlice, { type: word }),
  example('priority_arbiter', PriorityArbiter, { type: word, n: 3 }),
  example('round_robin_arbiter', RoundRobinArbiter, { type: word, n: 3 }),
  example('weighted_arbiter', RoundRobinArbiter, { type: word, n: 3, weights: [3, 1, 2] }),
  example('packet_arbiter', PacketArbiter, { type: Packet, n: 3 }),
  example('stream_mux', StreamMux, { type: word, n: 3 }),
  example('stream_demux', StreamDemux, { type: word, n: 3 }),
  example('eager_fork', EagerFork, { type: word, n: 3 }),
  example('lazy_fork', LazyFork, { type: word, n: 3 }),
  example('stream_join', StreamJoin, { fields: { a: uint(8), b: uint(4) } }),
  example('upsizer', Upsizer, { width: 8, ratio: 4 }),
  example('upsizer_3', Upsizer, { width: 8, ratio: 3 }),
  example('downsizer', Downsizer, { width: 8, ratio: 4 }),
  example('downsizer_3', Downsizer, { width: 8, ratio: 3 }),
  example('packet_upsizer', PacketUpsizer, { width: 8, lanes: 2, ratio: 4 }, { open: true }),
  example('packet_upsizer_3', PacketUpsizer, { width: 8, lanes: 2, ratio: 3 }, { open: true }),
  example('packet_downsizer', PacketDownsizer, { width: 8, lanes: 2, ratio: 4 }),
  example('packet_downsizer_3', PacketDownsizer, { width: 8, lanes: 2, ratio: 3 }),
  example('packet_tracker', PacketTracker, { width: 3 }, { probe: { from: 'word', to: 'index' } }),
  example(
    'simple_dual_port_ram',
    SimpleDualPortRam,
    { type: word, depth: 16 },
    { probe: { from: 'read_address', to: 'read_data' } },
  ),
  example(
    'write_first_ram',
    SimpleDualPortRam,
    { type: uint(32), depth: 12, lane: 8, collision: 'new' },
    { probe: { from: 'read_address', to: 'read_data' } },
  ),
  example(
    'true_dual_port_ram',
    TrueDualPortRam,
    { type: uint(16), depth: 8, lane: 8 },
    { probe: { from: 'a_address', to: 'a_read_data' } },
  ),
  example(
    'write_first_dual_port_ram',
    TrueDualPortRam,
    { type: word, depth: 8, collision: 'new' },
    { probe: { from: 'b_address', to: 'b_read_data' } },
  ),
  example('credit_counter', CreditCounter, { width: 8 }, { probe: { from: 'limit', to: 'enough' } }),
  example('credit_counter_12', CreditCounter, { width: 12 }, { probe: { from: 'limit', to: 'enough' } }),
  example('lfsr', Lfsr, { width: 16 }, { probe: { from: 'en', to: 'value' } }),
  example('lfsr_by_8', Lfsr, { width: 23, steps: 8, seed: 0x12345 }, { probe: { from: 'en', to: 'value' } }),
  example('crc', Crc, { crc: crcs.crc32, width: 32 }, { probe: { from: 'data', to: 'result' } }),
  ...(['crc32c', 'crc16Ccitt', 'crc16CcittFalse', 'crc8', 'pcieLcrc', 'pcieEcrc', 'pcieDllp'] as const).map(name =>
    example(`crc_${name}`, Crc, { crc: crcs[name], width: 8 }, { probe: { from: 'data', to: 'result' } }),
  ),
  example('async_fifo', AsyncFifo, { type: word, depth: 8, stages: 2 }),
  example('async_fifo_4', AsyncFifo, { type: word, depth: 16, stages: 4 }),
  example('synchroniser', Synchroniser, { width: 4, stages: 2 }, { probe: { from: 'in', to: 'out' } }),
  example('synchroniser_3', Synchroniser, { width: 4, stages: 3 }, { probe: { from: 'in', to: 'out' } }),
  example('pulse_synchroniser', PulseSynchroniser, { stages: 2 }, { probe: { from: 'in', to: 'out' } }),
  example('word_synchroniser', WordSynchroniser, { type: word, stages: 2 }),
  example('word_synchroniser_3', WordSynchroniser, { type: word, stages: 3 }),
  example('reset_synchroniser', ResetSynchroniser, { stages: 2, active: 'high' }, { latency: edgesOfReset }),
  example('reset_synchroniser_4', ResetSynchroniser, { stages: 4 }, { latency: edgesOfReset }),
];

/** @throws if there is none. */
export function exampleOf(name: string): Example {
  const found = examples.find(each => each.name === name);
  if (!found) throw new Error(`no example ${name}`);
  return found;
}
