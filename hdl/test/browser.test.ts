import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';
import { readVcd } from './waves/changes.ts';
import { readFst } from './waves/read-fst.ts';

/** What a user's page has: a design, and a simulation of it by all that the library offers there. */
const page = `
  import { bool, elaborate, emitText, FstWriter, input, Module, output, reg, runAsync, simulate, uint, VcdWriter, waves, when } from './src/index.ts';

  class Counter extends Module {
    en = input(bool);
    count = output(uint(8));
    value = reg(uint(8), { init: 0 });
    logic() {
      when(this.en, () => this.value.set(this.value.add(1)));
      this.count.set(this.value);
    }
  }

  class Wrong extends Module {
    count = output(uint(8));
    logic() {}
  }

  const started = options => {
    const sim = simulate(() => new Counter(), options);
    sim.poke(sim.dut.en, 1);
    return sim;
  };

  export const count = cycles => {
    const sim = started();
    sim.step(cycles);
    return Number(sim.peek(sim.dut.count));
  };
  export const drawn = () => waves(started({ signals: true }), { signals: ['value'], cycles: 4 });
  export const verilog = () => emitText(elaborate(() => new Counter()).design);
  export const later = async () => runAsync(started().engine, 100_000);
  export const goneBack = () => {
    const sim = started();
    const state = sim.save();
    sim.step(5);
    sim.restore(state);
    return Number(sim.peek(sim.dut.count));
  };
  export const traced = () => simulate(() => new Counter(), { trace: 'x.vcd' });
  export const wrong = () => simulate(() => new Wrong());
  export const waveforms = () => {
    const sim = started({ signals: true });
    const signals = [...sim.engine.signals.values()].map(({ name, width, words }) => {
      return { scope: name === 'value' ? ['Counter', 'long'.repeat(200)] : ['Counter'], name, width, words };
    });
    let vcd = '';
    let fst = new Uint8Array(0);
    const writers = [
      new VcdWriter({ write: text => (vcd += text), close() {} }, signals),
      new FstWriter({ write: more => { fst = Uint8Array.of(...fst, ...more); }, replace: (at, bytes) => fst.set(bytes, at), close() {} }, signals),
    ];
    for (; sim.cycle < 10; sim.step()) for (const writer of writers) writer.sample(sim.cycle);
    for (const writer of writers) writer.close(sim.cycle);
    return { vcd, fst };
  };
  export const named = length => {
    const signals = [{ scope: ['top'], name: 'n'.repeat(length), width: 1, words: new Uint32Array(1) }];
    const pieces = [];
    new FstWriter({ write: bytes => pieces.push(...bytes), replace() {}, close() {} }, signals).close(0);
    return Uint8Array.from(pieces);
  };
  export const isBrowser = () => typeof process === 'undefined';
`;

interface Page {
  count(cycles: number): number;
  drawn(): string;
  verilog(): string;
  later(): Promise<number>;
  goneBack(): number;
  traced(): void;
  wrong(): void;
  waveforms(): { readonly vcd: string; readonly fst: Uint8Array };
  named(length: number): Uint8Array;
  isBrowser(): boolean;
}

let bundle = '';
let inPage: Page;

beforeAll(async () => {
  const result = await build({
    stdin: { contents: page, resolveDir: fileURLToPath(new URL('..', import.meta.url)), loader: 'ts' },
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'page',
    write: false,
    logLevel: 'silent',
  });
  bundle = result.outputFiles[0]?.text ?? '';
  // A script has nothing here but the language and what every browser offers.
  const context = createContext({ TextEncoder, TextDecoder, URL, performance, MessageChannel });
  runInContext(bundle, context);
  inPage = runInContext('page', context) as Page;
});

test('the library makes a bundle that asks for nothing of Node', () => {
  expect(inPage.isBrowser()).toBe(true);
  expect(bundle).not.toMatch(/["']node:[a-z]+["'](?!\))/);
});

test('a counter simulates', () => {
  expect(inPage.count(10)).toBe(10);
  expect(inPage.count(300)).toBe(300 % 256);
});

test('waves are drawn', () => {
  expect(inPage.drawn()).toMatchInlineSnapshot(`
    "       0  1  2  3
    value  │00│01│02│03"
  `);
});

test('Verilog is emitted', () => {
  expect(inPage.verilog()).toContain('value <= value + 8');
});

test('a long run leaves the page its turn, and a state can be gone back to', async () => {
  expect(await inPage.later()).toBe(100_000);
  expect(inPage.goneBack()).toBe(0);
});

test('waveforms are made in memory, where there is nothing to compress with', () => {
  const { vcd, fst } = inPage.waveforms();
  expect(readVcd(vcd).signals.get('Counter.count')?.length).toBe(10);
  expect(readFst(fst)).toMatchObject({ signals: readVcd(vcd).signals, end: 10 });
});

test('names of any length are stored as they are', () => {
  for (let length = 1; length < 600; length++) {
    // Blocks are not counted in a file whose head was not replaced.
    const file = inPage.named(length).with(72, 1);
    expect([...readFst(file).signals.keys()]).toEqual([`top.${'n'.repeat(length)}`]);
  }
});

test('what needs a file system says so, and mistakes are told without places', () => {
  expect(() => inPage.traced()).toThrow('The waveform x.vcd cannot be written: this runtime has no file system.');
  expect(() => inPage.wrong()).toThrow("output 'count' of Wrong is never driven");
});
