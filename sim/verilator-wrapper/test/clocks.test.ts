import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clocksOf } from '../src/clocks.ts';
import { type BuildOptions, verilateVerilog } from '../src/index.ts';
import { inFolder, thrown } from './designs.ts';

const twoClocks = {
  top: 'Two',
  sources: [
    {
      name: 'two.v',
      text: `module Two (input clk_a, input clk_b, input step, output reg [15:0] a, output reg [15:0] b, output reg [15:0] a_at_b, output attention);
  assign attention = a == 100;
  always @(posedge clk_a) a <= a + step;
  always @(posedge clk_b) begin
    b <= b + step;
    a_at_b <= a;
  end
endmodule
`,
    },
  ],
  clocks: { clk_a: { period: 10 }, clk_b: { period: 7, phase: 3 } },
  optimize: false,
} satisfies BuildOptions;

test('each cycle is the next instant at which a clock rises; those of one instant rise together', () => {
  inFolder(folder => {
    const file = join(folder, 'two.vcd');
    const model = verilateVerilog({ ...twoClocks, trace: file });
    model.port('step').set(1);
    // At 3: b; 10: both; 17: b; 20: a; 24: b; 30: a; 31: b; 38: b; 40: a.
    const seen = Array.from({ length: 9 }, () => {
      model.step();
      return ['a', 'b', 'a_at_b'].map(name => Number(model.port(name).get())).join(' ');
    });
    expect(seen).toEqual(['0 1 0', '1 2 0', '1 3 1', '2 3 1', '2 4 2', '3 4 2', '3 5 3', '3 6 3', '4 6 3']);
    // Up to time 1000 there are 100 edges of a, 143 of b, and 15 instants of both.
    expect(model.run(1_000_000)).toBe(100 + 143 - 15 - 9);
    expect([model.cycle, model.port('a').get(), model.port('b').get()]).toEqual([228, 100n, 143n]);
    model[Symbol.dispose]();
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('$timescale 100ps $end');
    const rises = (name: string) => {
      const code = new RegExp(`\\$var \\w+ \\d+ (\\S+) ${name} `).exec(text)?.[1];
      const times: number[] = [];
      let time = 0;
      for (const line of text.split('\n')) {
        if (line.startsWith('#')) time = Number(line.slice(1));
        if (line === `1${code}`) times.push(time / 10);
      }
      return times;
    };
    expect(rises('clk_a').slice(0, 4)).toEqual([10, 20, 30, 40]);
    expect(rises('clk_b').slice(0, 5)).toEqual([3, 10, 17, 24, 31]);
  });
});

const input = (name: string, width = 1) => ({ name, direction: 'input' as const, width, member: name });
const ports = (...names: readonly string[]) => [...names.map(name => input(name)), input('wide_clk', 2)];
const found = (options: Partial<BuildOptions>, names: readonly string[]) => {
  const { clocks, timed } = clocksOf({ top: 'm', ...options }, ports(...names));
  return [...clocks.map(({ port, period, phase }) => `${port.name} ${period} ${phase}`), timed];
};

test('without a choice the clock is clk, or the only input of one bit with clk in its name', () => {
  expect(found({}, ['other_clk', 'clk', 'd'])).toEqual(['clk 1 1', false]);
  expect(found({}, ['d', 'sys_CLK_i'])).toEqual(['sys_CLK_i 1 1', false]);
  expect(found({}, ['d'])).toEqual([false]);
  expect(found({ clock: 'd' }, ['d', 'clk'])).toEqual(['d 1 1', false]);
  expect(found({ clocks: {} }, ['clk'])).toEqual([false]);
  expect(found({ clocks: { b: { period: 4 }, a: { period: 6, phase: 2 } } }, ['a', 'b'])).toEqual(['a 6 2', 'b 4 4', true]);
});

test('what is not clear, not there or no time is told', () => {
  const message = (options: Partial<BuildOptions>, ...names: string[]) => thrown(() => found(options, names)).message;
  expect(message({}, 'clk_a', 'clk_b')).toBe(
    'The module m has several inputs that may be clocks: clk_a, clk_b. Say which are, and when they rise, for instance ' +
      'clocks: { clk_a: { period: 10 }, clk_b: { period: 10 } }, or clocks: {} if none is; on the command line --clock clk_a=10 --clock clk_b=10, ' +
      'or --combinational.',
  );
  expect(message({ clocks: { wide_clk: { period: 2 } } }, 'a', 'b')).toBe(
    "The module m has no input 'wide_clk' of one bit to be a clock; it has a, b.",
  );
  expect(message({ clocks: { a: { period: 0 } } }, 'a')).toBe(
    "The period of the clock 'a' is a whole number of at least 1, not 0.",
  );
  expect(message({ clocks: { a: { period: 3, phase: 1.5 } } }, 'a')).toContain("phase of the clock 'a' is a whole number");
});
