import { expect, test } from 'vitest';
import {
  assert,
  bool,
  connect,
  constantBits,
  elaborate,
  embedded,
  input,
  Module,
  memory,
  mux,
  output,
  reg,
  u,
  uint,
  unreadBits,
  when,
  wire,
} from '../../src/index.ts';
import type { Design, Expr, Instance, Module as IrModule } from '../../src/ir/ir.ts';
import { rewriteBody } from '../../src/ir/rewrite.ts';
import { lockstep } from '../differential/lockstep.ts';
import { randomDesign } from '../random-design.ts';

const bitsOf = (make: () => Module<never> | Module<unknown>) => {
  const all = unreadBits(elaborate(make).design);
  return (module: string, signal: string) => all.get(module)?.get(signal) ?? 0n;
};

/** Looks at some bits of what it gets. */
class Child extends Module<{ wide: boolean }> {
  readonly value = input(uint(8));
  readonly other = input(uint(8));
  readonly out = output(uint(8));
  readonly extra = output(uint(8));
  private readonly held = reg(uint(8), { init: 0 });
  protected override logic() {
    this.held.set(this.value);
    this.out.set(this.held.and(0x3c));
    when(this.p.wide ? u(1, 1) : u(1, 0), () => this.extra.set(this.other)).otherwise(() => this.extra.set(this.held));
  }
}

test('bits that no chain of registers, children and memories brings to an output', () => {
  class Parent extends Module {
    readonly value = input(uint(8));
    readonly at = input(uint(2));
    readonly enable = input(bool);
    readonly spare = input(uint(8));
    readonly sum = output(uint(4));
    readonly seen = output(uint(2));
    private readonly child = new Child({ wide: false });
    private readonly kept = memory(uint(8), { depth: 4 });
    private readonly count = reg(uint(8), { init: 0 });
    private readonly total = wire(uint(8));
    private readonly idle = wire(uint(8));
    protected override logic() {
      connect(this.child, { value: this.value, other: this.spare });
      // Only its own next value depends on it.
      this.count.set(this.count.add(this.value));
      when(this.enable, () => this.kept.write(this.at, this.spare));
      this.total.set(this.child.out.add(this.value));
      this.sum.set(this.total.trunc(4));
      this.seen.set(this.kept.read(this.at).bits(4, 3));
      this.idle.set(this.kept.read(this.at).xor(this.count));
    }
  }
  const of = bitsOf(() => new Parent());
  // What the child masks, and what is cut off the sum; its other output, and with it its other input, nobody looks at.
  expect(of('Child', 'out')).toBe(0xf3n);
  expect(of('Child', 'held')).toBe(0xf3n);
  expect(of('Child', 'value')).toBe(0xf3n);
  expect(of('Child', 'extra')).toBe(0xffn);
  expect(of('Child', 'other')).toBe(0xffn);
  expect(of('Parent', 'total')).toBe(0xf0n);
  // A carry comes from below alone.
  expect(of('Parent', 'value')).toBe(0xf0n);
  expect(of('Parent', 'count')).toBe(0xffn);
  expect(of('Parent', 'idle')).toBe(0xffn);
  // Of the words of the memory two bits are wanted, and where they are, and when they are written.
  expect(of('Parent', 'spare')).toBe(0xe7n);
  expect(of('Parent', 'at')).toBe(0n);
  expect(of('Parent', 'enable')).toBe(0n);
  expect(of('Parent', 'sum')).toBe(0n);
});

test('one instance that reads is enough, and what a parameter closes is read by none', () => {
  class Two extends Module {
    readonly value = input(uint(8));
    readonly other = input(uint(8));
    readonly out = output(uint(8));
    private readonly first = new Child({ wide: true });
    private readonly second = new Child({ wide: true });
    protected override logic() {
      connect(this.first, { value: this.value, other: this.other });
      connect(this.second, { value: 0, other: this.value });
      this.out.set(this.first.extra.and(0x0f).or(this.second.extra.and(0x30)));
    }
  }
  const of = bitsOf(() => new Two());
  expect(of('Child', 'extra')).toBe(0xc0n);
  expect(of('Child', 'other')).toBe(0xc0n);
  // The register's way to `extra` is closed, and nobody reads `out`.
  expect(of('Child', 'value')).toBe(0xffn);
  // What one instance is asked for, the input of each is read for.
  expect(of('Two', 'value')).toBe(0xc0n);
  expect(of('Two', 'other')).toBe(0xc0n);
});

test('conditions are read if what is under them is, shifts and multiplexers by constants as they go', () => {
  class Conditions extends Module {
    readonly value = input(uint(8));
    readonly a = input(bool);
    readonly b = input(bool);
    readonly out = output(uint(8));
    private readonly unseen = reg(uint(4), { init: 0 });
    private readonly fixed = reg(bool, { init: 1 });
    private readonly choice = wire(uint(8));
    protected override logic() {
      when(this.a, () => this.unseen.set(this.value.trunc(4)));
      this.fixed.set(1);
      this.choice.set(mux(this.fixed, this.value.shr(2), this.value.shl(7)));
      this.out.set(0);
      when(this.b, () => this.out.set(this.choice));
    }
  }
  const of = bitsOf(() => new Conditions());
  expect(of('Conditions', 'a')).toBe(1n);
  expect(of('Conditions', 'b')).toBe(0n);
  expect(of('Conditions', 'unseen')).toBe(0xfn);
  expect(of('Conditions', 'value')).toBe(0x03n);
});

test('what an assertion looks at is read', () => {
  class Asserted extends Module {
    readonly value = input(uint(8));
    readonly ready = input(bool);
    private readonly held = reg(uint(8), { init: 0 });
    protected override logic() {
      when(this.ready, () => this.held.set(this.value));
      assert(this.held.trunc(4).lt(9), 'at most 8');
    }
  }
  const of = bitsOf(() => new Asserted());
  expect(of('Asserted', 'held')).toBe(0xf0n);
  expect(of('Asserted', 'value')).toBe(0xf0n);
  expect(of('Asserted', 'ready')).toBe(0n);
});

/** A design in which all bits that are said to be unread, and move, are inverted wherever something looks at them. */
function scrambled(design: Design): { readonly design: Design; readonly bits: number } {
  const unread = unreadBits(design);
  const constant = constantBits(design);
  let bits = 0;
  const done = new Map<IrModule, IrModule>();
  const inverted = (expr: Expr, module: string, name: string): Expr => {
    const value = (unread.get(module)?.get(name) ?? 0n) & ~(constant.get(module)?.get(name) ?? 0n);
    if (value === 0n) return expr;
    bits++;
    const { width, site } = expr;
    return { kind: 'binary', op: 'xor', signed: false, left: expr, right: { kind: 'const', width, site, value }, width, site };
  };
  for (const module of design.modules) {
    const instances = new Map<Instance, Instance>();
    for (const instance of module.instances)
      instances.set(instance, { ...instance, module: done.get(instance.module) ?? instance.module });
    const body = rewriteBody(module.body, {
      signal: expr => inverted(expr, module.name, expr.signal.name),
      output: (instance, port) => ({ instance: instances.get(instance) ?? instance, port }),
      expression: (_, now) => (now.kind === 'instance' ? inverted(now, now.instance.module.name, now.port.name) : now),
      target: target => (target.instance ? { ...target, instance: instances.get(target.instance) ?? target.instance } : target),
      statement: statement => [statement],
    });
    done.set(module, { ...module, instances: [...instances.values()], body });
  }
  const of = (module: IrModule) => done.get(module) ?? module;
  return { design: { top: of(design.top), modules: design.modules.map(of) }, bits };
}

test('no output of a random design changes when unread bits do', () => {
  let reads = 0;
  for (let seed = 1; seed <= 25; seed++) {
    const design = randomDesign(seed, { maxWidth: 70, expressions: 30 });
    const other = scrambled(design);
    reads += other.bits;
    const differences = lockstep(design, [embedded, () => embedded(other.design)], seed, 50);
    expect([...differences], `seed ${seed}`).toEqual([]);
  }
  expect(reads).toBeGreaterThan(100);
});
