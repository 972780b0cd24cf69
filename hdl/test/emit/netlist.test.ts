import { runYosys } from '@yowasp/yosys';
import { expect, test } from 'vitest';
import { emitNetlist } from '../../src/emit/netlist.ts';
import type { NetlistModule } from '../../src/emit/netlist-format.ts';
import { emitText } from '../../src/emit/verilog.ts';
import { elaborate, type Module } from '../../src/index.ts';
import type { Design } from '../../src/ir/ir.ts';
import { shareModules } from '../../src/passes/index.ts';
import { Assembled, Observed, Placed, Tables, TwoClocks, Watched } from './constructs.ts';
import { gather } from './gather.ts';
import { Chain, Counter, Decoder, Gate, Machine, Parent } from './modules.ts';
import { ResetTree } from './reset-tree.ts';

const made = (make: () => Module<never> | Module<unknown>): Design => shareModules(elaborate(make).design);

/** What Yosys says beside its progress. */
async function yosys(script: readonly string[], files: { readonly [name: string]: string }): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  const collect = (bytes: Uint8Array | null) => {
    if (bytes) text += decoder.decode(bytes);
  };
  try {
    await runYosys(['-q', '-p', script.join('; ')], { ...files }, { stdout: collect, stderr: collect });
  } catch (error) {
    text += `${error instanceof Error ? error.message : String(error)}`;
  }
  return text.trim();
}

/** Proves that netlist and Verilog are the same hardware; nothing if they are. `change` may spoil the netlist. */
async function equivalence(design: Design, change = (json: string) => json): Promise<string> {
  const { name } = design.top;
  const lower = `hierarchy -check -top ${name}; proc; flatten; memory_map; opt_clean; async2sync; dffunmap; opt_clean`;
  const script = [
    'read_verilog design.v',
    lower,
    'design -stash gold',
    'read_json design.json',
    lower,
    'design -stash gate',
    `design -copy-from gold -as gold ${name}`,
    `design -copy-from gate -as gate ${name}`,
    'equiv_make gold gate equiv',
    'hierarchy -top equiv',
    'equiv_simple',
    'equiv_induct',
    'equiv_status -assert',
  ];
  const json = change(JSON.stringify(emitNetlist(design)));
  return yosys(script, { 'design.v': emitText(design), 'design.json': json });
}

test('netlist and Verilog are the same hardware: Yosys proves it', async () => {
  const makes: readonly (() => Module<never> | Module<unknown>)[] = [
    () => new Counter({ width: 4 }),
    () => new Machine(),
    () => new Gate(),
    () => new Parent(),
    () => new Decoder(),
    () => new Chain(),
    () => new TwoClocks(),
    () => new ResetTree(),
    () => new Placed(),
    () => new Tables(),
    () => new Observed(),
    () => new Watched(),
  ];
  const designs = makes.map(make => elaborate(make).design);
  expect(await equivalence(gather(designs))).toBe('');
});

test('the proof sees a difference', async () => {
  const spoilt = await equivalence(
    made(() => new Counter({ width: 4 })),
    json => json.replace('"$add"', '"$sub"'),
  );
  expect(spoilt).toMatch(/unproven/);
});

/** The cells of a module: what they are, what they take, what they give. */
function cells({ cells, netnames }: NetlistModule): string[] {
  const names = new Map(
    Object.entries(netnames).flatMap(([name, { bits }]) => bits.map((bit, i) => [bit, `${name}.${i}`] as const)),
  );
  const text = (bits: readonly (number | '0' | '1')[]) =>
    bits.map(bit => (typeof bit === 'string' ? bit : (names.get(bit) ?? `n${bit}`))).join(' ');
  return Object.entries(cells).map(([name, { type, connections, attributes }]) => {
    const ends = Object.entries(connections).map(([port, bits]) => `${port}: ${text(bits)}`);
    return `${name} ${type} (${ends.join(', ')}) ${attributes.src}`;
  });
}

test('a counter: names of signals, places in the source', () => {
  const { modules } = emitNetlist(made(() => new Counter({ width: 2 })));
  expect(Object.keys(modules)).toEqual(['Counter']);
  const { Counter: module } = modules;
  expect(module && cells(module)).toMatchInlineSnapshot(`
    [
      "$add$1 $add (A: value.0 value.1, B: 1 0, Y: n9 n10) modules.ts:27.51",
      "$mux$2 $mux (A: value.0 value.1, B: n9 n10, S: en.0, Y: n11 n12) modules.ts:27.5",
      "$sdff$3 $sdff (CLK: clk.0, D: n11 n12, Q: value.0 value.1, SRST: rst.0) modules.ts:24.28",
    ]
  `);
  expect(module?.ports.count).toEqual({ direction: 'output', bits: module?.netnames.value?.bits });
});

test('variants for parameters, black boxes with theirs; Yosys reads all of it', async () => {
  const netlist = emitNetlist(made(() => new Assembled()));
  expect(Object.keys(netlist.modules)).toEqual([
    'Limited',
    "$paramod\\Limited\\limit=8'00001001\\inverted=1'1",
    'IOBUF',
    'Modelled',
    'Assembled',
  ]);
  expect(netlist.modules.Assembled?.cells.buffer).toMatchInlineSnapshot(`
    {
      "attributes": {
        "src": "constructs.ts:109.29",
      },
      "connections": {
        "C": [
          2,
        ],
        "i": [
          14,
        ],
        "o": [
          16,
        ],
      },
      "hide_name": 0,
      "parameters": {
        "DRIVE": "00000000000000000000000000001100",
        "SLEW": "SLOW",
      },
      "port_directions": {
        "C": "input",
        "i": "input",
        "o": "output",
      },
      "type": "IOBUF",
    }
  `);
  const files = { 'design.json': JSON.stringify(netlist) };
  expect(await yosys(['read_json design.json', 'hierarchy -top Assembled', 'check -assert'], files)).toBe('');
});
