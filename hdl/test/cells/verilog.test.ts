import { expect, test } from 'vitest';
import { lint } from '../../../scripts/test/lint.ts';
import {
  AsyncFifo,
  Crc,
  CreditCounter,
  checked,
  crcs,
  Downsizer,
  diagnose,
  EagerFork,
  elaborate,
  emitText,
  emitVerilog,
  Fifo,
  LazyFork,
  Lfsr,
  PacketArbiter,
  PacketDownsizer,
  PacketTracker,
  PacketUpsizer,
  PriorityArbiter,
  ResetSynchroniser,
  RoundRobinArbiter,
  ShowAheadFifo,
  SimpleDualPortRam,
  StreamDemux,
  StreamMux,
  TrueDualPortRam,
  Upsizer,
  uint,
} from '../../src/index.ts';
import { gather } from '../emit/gather.ts';
import { examples, Packet } from './examples.ts';

/** One example of each cell, and those that look different by a parameter. */
const variants = ['weighted_arbiter', 'write_first_ram', 'lfsr_by_8'];
const kept = examples.flatMap(example => {
  const first = examples.find(({ cell }) => cell === example.cell) === example;
  return first || variants.includes(example.name) ? [[first ? example.cell.name : example.name, example.make] as const] : [];
});

test.each(kept)('the Verilog of %s is as a person would write it', async (name, make) => {
  await expect(emitText(checked(elaborate(make).design))).toMatchFileSnapshot(`verilog/${name}.v`);
});

test('the checks of the language find nothing, not even what only deserves a warning', () => {
  expect(
    examples.flatMap(({ name, make }) => diagnose(checked(elaborate(make).design)).map(({ message }) => `${name}: ${message}`)),
  ).toEqual([]);
});

/** Sizes at which an index or a counter has a bit too many, or a part falls away. */
const sizes = [
  ...[1, 2, 4, 5].flatMap(n => [
    () => new PriorityArbiter({ n, type: uint(1) }),
    () => new RoundRobinArbiter({ n, type: uint(1) }),
    () => new RoundRobinArbiter({ n, type: uint(1), weights: Array.from({ length: n }, (_, i) => i + 1) }),
    () => new PacketArbiter({ n, type: Packet }),
    () => new StreamMux({ n, type: uint(1) }),
    () => new StreamDemux({ n, type: uint(1) }),
    () => new EagerFork({ n, type: uint(1) }),
    () => new LazyFork({ n, type: uint(1) }),
  ]),
  ...[2, 4, 5].flatMap(ratio => [
    () => new Upsizer({ width: 1, ratio }),
    () => new Downsizer({ width: 1, ratio }),
    () => new PacketUpsizer({ width: 1, lanes: 1, ratio }),
    () => new PacketDownsizer({ width: 1, lanes: 1, ratio }),
  ]),
  ...[1, 3, 4].map(depth => () => new SimpleDualPortRam({ type: uint(2), depth, lane: 1, collision: 'new' })),
  ...[1, 3, 8].map(depth => () => new TrueDualPortRam({ type: uint(1), depth })),
  ...[3, 4, 7].map(depth => () => new ShowAheadFifo({ type: uint(1), depth })),
  () => new Fifo({ type: uint(1), depth: 2 }),
  () => new AsyncFifo({ type: uint(1), depth: 2, stages: 3 }),
  () => new CreditCounter({ width: 2 }),
  () => new Lfsr({ width: 2, steps: 3 }),
  () => new Lfsr({ width: 64 }),
  () => new Crc({ crc: crcs.crc8, width: 3 }),
  () => new PacketTracker({ width: 1 }),
  () => new ResetSynchroniser({ active: 'low' }),
].map(make => elaborate(make as () => never).design);

const files = emitVerilog(gather([...examples.map(({ make }) => elaborate(make).design), ...sizes]));

test('Verilator, slang, Yosys and Icarus have nothing to say', async () => {
  expect(await lint(files, 'Gathered')).toBe('');
});
