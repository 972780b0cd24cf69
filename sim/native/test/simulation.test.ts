import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bool,
  elaborate,
  embedded,
  input,
  type ir,
  Module,
  memory,
  output,
  reg,
  type SimulationOptions,
  uint,
  when,
} from '@hdl/ts-hdl';
import { afterAll, expect, test } from 'vitest';
import { NativeError, native, prepareNative } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'native-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Notes the time when asked, in a memory, and says when it has noted four times. */
class Notes extends Module {
  readonly take = input(bool);
  readonly attention = output(bool);
  readonly last = output(uint(48));
  private readonly notes = memory(uint(48), { depth: 4, init: [7, 8] });
  private readonly time = reg(uint(48), { init: 0 });
  private readonly count = reg(uint(3), { init: 0 });

  protected override logic() {
    this.time.set(this.time.add(1));
    when(this.take, () => {
      this.notes.write(this.count.part(0, 2), this.time);
      this.count.set(this.count.add(1));
    });
    this.attention.set(this.count.eq(4));
    this.last.set(this.notes.peek(3));
  }
}

const notes = (): ir.Design => elaborate(() => new Notes()).design;

function portOf(simulation: ReturnType<typeof native>, name: string): Uint32Array {
  const port = simulation.ports.get(name);
  if (!port) throw new Error(`there is no port ${name}`);
  return port.words;
}

test('time passes at once while nothing changes, and the results are exact', () => {
  using simulation = native(notes());
  expect(simulation.engine).toBe('native');
  const { bytes, stride } = simulation.memory('notes');
  expect([bytes[0], bytes[stride]]).toEqual([7, 8]);
  expect(simulation.run(3_000_000_000)).toBe(3_000_000_000);
  portOf(simulation, 'take')[0] = 1;
  expect(simulation.run(1000)).toBe(4);
  expect(simulation.cycle).toBe(3_000_000_004);
  expect(portOf(simulation, 'last')[0]).toBe(3_000_000_003);
  expect(new DataView(bytes.buffer, bytes.byteOffset).getUint32(stride, true)).toBe(3_000_000_001);
  expect(simulation.run(1000)).toBe(0);
});

test('simulations of one design do not know of each other', () => {
  using one = native(notes());
  using other = native(notes());
  portOf(one, 'take')[0] = 1;
  one.step(3);
  other.step(3);
  expect(one.memory('notes').bytes[16]).toBe(2);
  expect(other.memory('notes').bytes[16]).toBe(0);
});

test('a waveform is that of the embedded engine', () => {
  const wave = (create: (design: ir.Design, options: SimulationOptions) => ReturnType<typeof native>) => {
    const trace = join(folder, 'wave.vcd');
    const simulation = create(notes(), { trace });
    for (let i = 0; i < 12; i++) {
      portOf(simulation, 'take')[0] = i % 3 === 0 ? 1 : 0;
      simulation.step();
    }
    simulation[Symbol.dispose]();
    return readFileSync(trace, 'utf8');
  };
  const text = wave(native);
  expect(text.length).toBeGreaterThan(300);
  expect(text).toBe(wave(embedded));
});

/** Sets variables of the environment while `work` runs. */
async function within(variables: Readonly<Record<string, string>>, work: () => void | Promise<void>): Promise<void> {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    await work();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

test('a library is compiled once', async () => {
  await within({ P2P_CACHE: join(folder, 'cache') }, async () => {
    const said: string[] = [];
    const log = (line: string) => said.push(line);
    await prepareNative(notes(), { log });
    native(notes(), { log })[Symbol.dispose]();
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^compiling Notes with \S+ \(kept for the next time\)$/);
    expect(readdirSync(join(folder, 'cache', 'native')).filter(name => !name.includes('.'))).toHaveLength(1);
  });
});

test('a compiler that fails is quoted, and nothing is left in the cache', async () => {
  const compiler = join(folder, 'compiler');
  writeFileSync(compiler, '#!/bin/sh\n[ "$1" = --version ] && { echo fake 1.0; exit 0; }\necho "out of luck" >&2\nexit 1\n');
  chmodSync(compiler, 0o755);
  await within({ P2P_CACHE: join(folder, 'failed'), CXX: compiler }, () => {
    expect(() => native(notes())).toThrow(NativeError);
    expect(() => native(notes())).toThrow(
      /^The C compiler failed on Notes\. The end of what it said:\nout of luck\n(.*\n)*Set CXX to another/,
    );
    expect(existsSync(join(folder, 'failed', 'native')) ? readdirSync(join(folder, 'failed', 'native')) : []).toEqual([]);
  });
});

test('a state saved by one engine goes on in the other', () => {
  const design = notes();
  using first = native(design);
  portOf(first, 'take')[0] = 1;
  first.step(2);
  const state = first.save();
  using second = embedded(design);
  using third = native(design, { gating: 'always' });
  third.step(5);
  for (const simulation of [first, second, third]) {
    simulation.restore(state);
    expect([simulation.cycle, portOf(simulation, 'last')[0]]).toEqual([2, 0]);
    expect(simulation.save()).toEqual(state);
    expect(simulation.run(100)).toBe(2);
    expect([...simulation.memory('notes').bytes]).toEqual([...first.memory('notes').bytes]);
    expect(portOf(simulation, 'last')[0]).toBe(3);
  }
});

test('coverage is the same as that of the embedded engine', () => {
  const design = notes();
  const engines = [native(design, { coverage: true }), embedded(design, { coverage: true })];
  const [first, second] = engines.map(simulation => {
    portOf(simulation, 'rst')[0] = 1;
    simulation.step();
    portOf(simulation, 'rst')[0] = 0;
    simulation.step(3);
    portOf(simulation, 'take')[0] = 1;
    simulation.run(100);
    return simulation.coverage();
  });
  expect(first?.decisions[0]?.ways).toEqual([
    { way: 'when 1', count: 4 },
    { way: 'when 0', count: 4 },
  ]);
  expect(first).toEqual(second);
});
