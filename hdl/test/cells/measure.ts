import type * as ir from '../../src/ir/ir.ts';
import type { Bits } from '../../src/lang/bits.ts';
import { elaborate } from '../../src/lang/elaborate.ts';
import { Channel, leaves, Record } from '../../src/lang/shapes.ts';
import { checked } from '../../src/passes/checked.ts';
import { CombinationalGraph, type OutputPaths } from '../../src/passes/combinational-graph.ts';
import { Random } from '../random.ts';
import { type Bench, embeddedBench } from './bench.ts';
import type { Example } from './examples.ts';

/** What a cell does, in the terms of its contract. */
export interface Measured {
  readonly latency: number;
  readonly throughput: number | undefined;
  readonly storage: number | undefined;
  readonly paths: readonly string[];
  readonly keeps: readonly string[];
}

export function measure(example: Example): Measured {
  const { dut, design } = elaborate(example.make);
  const { top, modules } = checked(design);
  const keeps = keptBy(top);
  const groups = groupsOf(dut);
  const paths = pathsBetween(groups, combinationalPaths(modules, top));
  const bench = embeddedBench(example);
  const { probe, latency = probe && (() => delay(example, probe)) } = example;
  if (latency) return { latency: latency(bench), throughput: undefined, storage: undefined, paths, keeps };
  const streams = streamsOf(bench);
  return {
    latency: streamLatency(bench, streams),
    throughput: throughput(bench, streams),
    storage: storage(bench, streams, example.open === true),
    paths,
    keeps,
  };
}

/** What reset leaves alone; the registers of a memory's reads count as the memory. */
function keptBy({ signals, memories }: ir.Module): string[] {
  const reads = memories.flatMap(({ name }) => [`${name}_word`, `${name}_address`]);
  const registers = signals.filter(
    ({ kind, init, name }) => kind === 'register' && init === undefined && !reads.some(read => name.startsWith(read)),
  );
  return [...registers, ...memories].map(({ name }) => name);
}

/** Ports of a cell by what a contract calls them: `in.valid` for the `valid` of the stream `in`, and of all streams of a vector. */
function groupsOf(dut: object): Map<string, string> {
  const groups = new Map<string, string>();
  const add = (value: unknown, group: string) => {
    for (const { name } of leaves(value)) if (name !== undefined) groups.set(name, group);
  };
  const visit = (value: unknown, group: string): void => {
    if (value instanceof Channel) {
      add(value.payload, `${group}.payload`);
      add(value.valid, `${group}.valid`);
      add(value.ready, `${group}.ready`);
    } else if (Array.isArray(value) || (value instanceof Record && Object.values(value).some(part => part instanceof Channel)))
      for (const part of Object.values(value)) visit(part, group);
    else if (value instanceof Record || isSignal(value)) add(value, group);
  };
  for (const [field, value] of Object.entries(dut)) if (field !== 'p') visit(value, field);
  return groups;
}

const isSignal = (value: unknown): value is Bits =>
  typeof value === 'object' && value !== null && 'operation' in value && 'width' in value;

function combinationalPaths(modules: readonly ir.Module[], top: ir.Module): OutputPaths {
  const done = new Map<ir.Module, OutputPaths>();
  const none: OutputPaths = new Map();
  for (const module of modules) done.set(module, new CombinationalGraph(module, child => done.get(child) ?? none).paths);
  return done.get(top) ?? none;
}

function pathsBetween(groups: ReadonlyMap<string, string>, paths: OutputPaths): string[] {
  const from = new Map<string, Set<string>>();
  const nameOf = (port: string) => groups.get(port) ?? port;
  for (const [output, inputs] of paths) {
    const sources = from.get(nameOf(output)) ?? new Set();
    for (const port of inputs) sources.add(nameOf(port));
    if (sources.size > 0) from.set(nameOf(output), sources);
  }
  return [...from].map(([output, inputs]) => `${output}: ${[...inputs].sort().join(', ')}`).sort();
}

interface Streams {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

function streamsOf(bench: Bench): Streams {
  const named = (direction: 'input' | 'output') =>
    bench
      .names(direction)
      .filter(name => name.endsWith('_valid'))
      .map(name => name.slice(0, -'_valid'.length));
  return { inputs: named('input'), outputs: named('output') };
}

/** Payload ports are all ones (`last` 0 in an `open` packet), every other input 0. */
function prepare(bench: Bench, { inputs }: Streams, open = false): void {
  bench.reset();
  for (const name of bench.names('input')) {
    const stream = inputs.find(each => name.startsWith(`${each}_`));
    if (stream && name !== `${stream}_valid`) bench.set(name, open && name.endsWith('_last') ? 0 : -1);
  }
}

/** From the taking of the word that completes one for the output, to its offer. */
function streamLatency(bench: Bench, streams: Streams): number {
  for (let needed = 1; needed < 20; needed++) {
    prepare(bench, streams);
    for (const name of streams.outputs) bench.set(`${name}_ready`, 1);
    const left = new Map(streams.inputs.map(name => [name, needed]));
    let last = 0;
    for (let cycle = 0; cycle < 40; cycle++) {
      for (const name of streams.inputs) bench.set(`${name}_valid`, (left.get(name) ?? 0) > 0);
      bench.settle();
      for (const name of streams.inputs) {
        if ((left.get(name) ?? 0) === 0 || bench.get(`${name}_ready`) === 0n) continue;
        left.set(name, (left.get(name) ?? 0) - 1);
        if (left.get(name) === 0) last = Math.max(last, cycle);
      }
      if (streams.outputs.some(name => bench.get(`${name}_valid`) === 1n))
        return streams.inputs.length > 1 ? cycle : cycle - last;
      bench.step();
    }
  }
  throw new Error('nothing came out');
}

/** Words per cycle on the busiest stream, in the long run, while nobody stalls. */
function throughput(bench: Bench, streams: Streams): number {
  const cycles = 240;
  prepare(bench, streams);
  for (const name of streams.inputs) bench.set(`${name}_valid`, 1);
  for (const name of streams.outputs) bench.set(`${name}_ready`, 1);
  bench.step(20);
  const counts = new Map<string, number>();
  for (let cycle = 0; cycle < cycles; cycle++) {
    bench.settle();
    for (const name of [...streams.inputs, ...streams.outputs]) {
      if (bench.get(`${name}_${streams.inputs.includes(name) ? 'ready' : 'valid'}`) === 1n)
        counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    bench.step();
  }
  return Math.max(...counts.values()) / cycles;
}

/** Words that it takes at all its inputs while its outputs are stopped. */
function storage(bench: Bench, streams: Streams, open: boolean): number {
  prepare(bench, streams, open);
  for (const name of streams.inputs) bench.set(`${name}_valid`, 1);
  let taken = 0;
  for (let cycle = 0; cycle < 100; cycle++) {
    bench.settle();
    taken += streams.inputs.filter(name => bench.get(`${name}_ready`) === 1n).length;
    bench.step();
  }
  return taken;
}

/** The fewest cycles after which a change of one input in one cycle can show at an output: random inputs, twice, with that one difference. */
function delay(example: Example, { from, to }: { readonly from: string; readonly to: string }): number {
  const random = new Random(1);
  const trials = Array.from({ length: 16 }, () => once([embeddedBench(example), embeddedBench(example)], from, to, random));
  return Math.min(...trials);
}

/** The cycles after which the difference shows in one run; none if it does not. */
function once([first, second]: readonly [Bench, Bench], from: string, to: string, random: Random): number {
  const at = 10;
  first.reset();
  second.reset();
  for (let cycle = 0; cycle < at + 10; cycle++) {
    for (const name of first.names('input')) {
      const value = Math.floor(random.fraction() * 2 ** 32);
      first.set(name, value);
      second.set(name, value);
    }
    if (cycle === at) second.set(from, ~second.get(from));
    first.settle();
    second.settle();
    if (first.get(to) !== second.get(to)) return cycle - at;
    first.step();
    second.step();
  }
  return Number.POSITIVE_INFINITY;
}
