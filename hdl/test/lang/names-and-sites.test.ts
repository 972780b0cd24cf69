import { expect, test } from 'vitest';
import {
  bool,
  elaborate,
  highestOne,
  input,
  type ir,
  Module,
  memory,
  output,
  popCount,
  reg,
  stream,
  uint,
  vec,
} from '../../src/index.ts';
import { visitExpressions } from '../../src/ir/visit.ts';
import { Counter, Top } from './examples.ts';

const signalNames = (module: ir.Module | undefined) => module?.signals.map(s => `${s.kind} ${s.name} ${s.width}`);

test('fields give the names of ports, registers and children', () => {
  const { design } = elaborate(() => new Counter({ width: 4 }));
  expect(signalNames(design.top)).toEqual(['input en 1', 'output count 4', 'register value 4']);
  const top = elaborate(() => new Top()).design.top;
  expect(top.instances.map(i => `${i.name}: ${i.module.name}`)).toEqual([
    'arbiter: RoundRobin',
    'skid: Skid',
    'counter: Counter',
  ]);
});

test('the fields of a stream of bundles stand under the stream, those of a vector are numbered, ready goes the other way', () => {
  const { design } = elaborate(() => new Top());
  const arbiter = design.modules.find(m => m.name === 'RoundRobin');
  expect(signalNames(arbiter)?.slice(0, 6)).toEqual([
    'input req_0_data 64',
    'input req_0_keep 8',
    'input req_0_last 1',
    'input req_0_valid 1',
    'output req_0_ready 1',
    'input req_1_data 64',
  ]);
});

class Named extends Module {
  readonly out = output(vec(2, stream(uint(8))));
  private readonly table = memory(uint(8), { depth: 4 });
  private readonly flag = reg(bool, { init: 1 });
  protected override logic() {
    const first = this.table.read(0);
    const second = this.table.read(1);
    this.out.forEach((s, i) => {
      s.valid.set(this.flag);
      s.payload.set(i === 0 ? first : second);
    });
  }
}

test('a plain payload is called payload; synchronous reads are registers named after the memory', () => {
  expect(signalNames(elaborate(() => new Named()).design.top)).toEqual([
    'output out_0_payload 8',
    'output out_0_valid 1',
    'input out_0_ready 1',
    'output out_1_payload 8',
    'output out_1_valid 1',
    'input out_1_ready 1',
    'register flag 1',
    'register table_word 8',
    'register table_word_1 8',
  ]);
});

test('every statement and declaration knows the line it was written on', () => {
  const { design } = elaborate(() => new Counter({ width: 4 }));
  const place = (site: ir.Site) => `${site.frames[0]?.file.replace(/^.*\//, '')}:${site.frames[0]?.line}`;
  expect(design.top.signals.map(s => place(s.site))).toEqual(['examples.ts:24', 'examples.ts:25', 'examples.ts:26']);
  expect(design.top.body.map(s => place(s.site))).toEqual(['examples.ts:29', 'examples.ts:30']);
});

class Deep extends Module {
  readonly a = input(uint(70));
  readonly i = input(uint(7));
  readonly count = output(uint(7));
  readonly place = output(uint(7));
  readonly turned = output(uint(70));
  readonly chosen = output(uint(10));
  readonly element = output(uint(4));
  private readonly list = reg(vec(3, uint(4)));
  protected override logic() {
    this.count.set(popCount(this.a));
    this.place.set(highestOne(this.a));
    this.turned.set(this.a.rotl(this.i).addSat(this.a));
    this.chosen.set(this.a.word(this.i.bits(2, 0), 10));
    this.element.set(this.list.at(this.i.bits(1, 0)));
    this.list.at(this.i.bits(1, 0)).set(3);
  }
}

test('all nodes of an operator that takes many stand where the operator does', () => {
  const { top } = elaborate(() => new Deep()).design;
  const lines = new Set<number | undefined>();
  visitExpressions(top, ({ kind, site }) => {
    if (kind === 'signal') return;
    expect(site.frames[0]?.file).toMatch(/names-and-sites\.test\.ts$/);
    lines.add(site.frames[0]?.line);
  });
  const [first = 0] = lines;
  expect([...lines].map(line => (line ?? 0) - first)).toEqual([0, 1, 2, 3, 4, 5]);
});
