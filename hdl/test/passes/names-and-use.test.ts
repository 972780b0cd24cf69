import { expect, test } from 'vitest';
import { nameClash } from '../../src/passes/name-clash.ts';
import { neverWritten } from '../../src/passes/never-written.ts';
import { unreachableArm } from '../../src/passes/unreachable-arm.ts';
import { unused } from '../../src/passes/unused.ts';
import { wellFormed } from '../../src/passes/well-formed.ts';
import { assign, constant, design, ModuleBuilder, match, read, write } from '../engine/ir-builder.ts';
import { asText, messages, place } from './design.ts';

test('names: reserved words, no identifiers, names given twice', () => {
  const m = new ModuleBuilder('Top');
  m.input('table', 1);
  m.input('new', 1);
  m.input('double', 1);
  m.input('size$', 1);
  m.input('process', 1);
  m.register('clk', 1, 0n);
  m.wire('twice', 1);
  m.memory('twice', 8, 4);
  expect(messages(nameClash, design(m.build()))).toEqual([
    "an input of Top has the name 'table', a reserved word of Verilog",
    "an input of Top has the name 'new', a reserved word of SystemVerilog",
    "an input of Top has the name 'double', a reserved word of C++, which Verilator translates to",
    "an input of Top has the name 'size$', which is no identifier of Verilog",
    "an input of Top hides the class 'process' of SystemVerilog's package std",
    "register and the clock of Top are both called 'clk'",
    "memory and wire of Top are both called 'twice'",
  ]);
});

test('names: without state there is no clock to clash with', () => {
  const m = new ModuleBuilder('Top');
  m.input('clk', 1);
  m.input('rst', 1);
  expect(messages(nameClash, design(m.build()))).toEqual([]);
});

test('names: a child that something inside it hides', () => {
  const child = new ModuleBuilder('Child');
  child.input('fifo', 1);
  const m = new ModuleBuilder('Top');
  m.instance('fifo', child.build());
  const [found] = nameClash(design(m.build()));
  expect(found && asText(found)).toBe(
    `error: child 'fifo' of Top has the name of something inside it: Child has 'fifo' too [name-clash]
  help: rename the field of Top that holds the child`,
  );
});

test('names: two modules of one name', () => {
  const child = new ModuleBuilder('Same');
  const m = new ModuleBuilder('Same');
  m.instance('inner', child.build());
  expect(messages(nameClash, design(m.build()))).toEqual(['two modules are called Same']);
});

test('use: what nothing reads, what nothing writes', () => {
  const m = new ModuleBuilder('Top');
  const w = m.wire('w', 1);
  const r = m.register('r', 4, 3n);
  m.register('dead', 4);
  m.output('q', read(r));
  const ring = m.memory('ring', 8, 4);
  m.body.push(assign(w, constant(1, 0)), write(ring, constant(2, 0), constant(8, 0)));
  const built = design(m.build());
  const found = [...unused(built), ...neverWritten(built)];
  expect(found.every(d => d.severity === 'warning')).toBe(true);
  expect(found.map(d => d.message)).toEqual([
    "wire 'w' of Top is never read",
    "register 'dead' of Top is never read",
    "memory 'ring' of Top is never read",
    "register 'r' of Top is never written: it is 3 after reset for ever",
    "register 'dead' of Top is never written: it is 0 for ever",
  ]);
});

test('match arms: values that cannot be, that stand twice, and a rest that is empty', () => {
  const m = new ModuleBuilder('Top');
  const a = m.input('a', 1);
  const x = m.wire('x', 1);
  const arm = (v: bigint) => [v, [assign(x, constant(1, v))]] as const;
  m.body.push(match(a, [arm(0n), arm(1n), arm(1n), arm(2n)], [assign(x, constant(1, 0))]));
  const base = match(a, [arm(0n)]);
  m.body.push({ ...base, site: place(5, 5), arms: [...base.arms, { value: 3n, label: 'Drain', body: [] }] });
  expect(unreachableArm(design(m.build())).map(d => `${d.severity}: ${d.message}`)).toEqual([
    'error: the arm 1 stands twice in Top',
    'error: the arm 2 can never be taken: the subject has 1 bit in Top',
    'error: the arm Drain (3) can never be taken: the subject has 1 bit in Top',
  ]);
  const full = new ModuleBuilder('Full');
  const b = full.input('b', 1);
  full.body.push(match(b, [arm(0n), arm(1n)], [assign(x, constant(1, 0))]));
  expect(unreachableArm(design(full.build())).map(d => `${d.severity}: ${d.message}`)).toEqual([
    'warning: the otherwise of a match can never be taken: the arms name every value in Full',
  ]);
});

test('well-formed: widths that do not agree', () => {
  const m = new ModuleBuilder('Top');
  const a = m.input('a', 4);
  const x = m.wire('x', 4);
  const { site } = a;
  m.body.push(
    assign(x, { kind: 'binary', op: 'add', signed: false, width: 4, left: a, right: constant(5, 0), site }),
    assign(x, { kind: 'slice', value: a, low: 3, width: 2, site }),
    assign(x, constant(4, 0), 1),
    assign(x, { kind: 'const', width: 4, value: 16n, site }),
  );
  expect(messages(wellFormed, design(m.build()))).toEqual([
    'the netlist of Top is inconsistent: the right side of add has 5 bits where 4 belong',
    'the netlist of Top is inconsistent: bits 4 to 3 are taken of 4',
    'the netlist of Top is inconsistent: the constant 16 does not fit in 4 bits',
    "the netlist of Top is inconsistent: bits 4 to 1 of 'x' are driven, which has 4",
  ]);
});
