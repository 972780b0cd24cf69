import { expect, test } from 'vitest';
import {
  checked,
  connect,
  diagnose,
  elaborate,
  emitText,
  formatDiagnostic,
  inDomain,
  input,
  Module,
  output,
  ownDomain,
  reg,
  resetDomain,
  shareModules,
  simulate,
  uint,
} from '../../src/index.ts';
import { examples } from '../cells/examples.ts';

/** What stands in a pair. */
abstract class Part<P = void> extends Module<P> {
  readonly in = input(uint(8));
  readonly out = output(uint(8));
}
type AnyPart = Part<never> | Part<unknown> | Part;

/** Two parts with one input, whose outputs are its own. */
class Pair extends Module<{ make: (i: number) => AnyPart }> {
  readonly in = input(uint(8));
  readonly first_out = output(uint(8));
  readonly second_out = output(uint(8));
  private readonly first = this.p.make(0);
  private readonly second = this.p.make(1);
  protected override logic() {
    connect(this.first, { in: this.in });
    connect(this.second, { in: this.in });
    this.first_out.set(this.first.out);
    this.second_out.set(this.second.out);
  }
}

/** How many modules are described for the parts of a pair, without what is inside of them. */
const described = (make: (i: number) => AnyPart) =>
  new Set(elaborate(() => new Pair({ make })).design.top.instances.map(({ module }) => module)).size;

/** What the two parts give for 1. */
function outputs(make: (i: number) => AnyPart): number[] {
  using sim = simulate(() => new Pair({ make }));
  sim.poke(sim.dut.in, 1);
  sim.step();
  return [sim.peek(sim.dut.first_out), sim.peek(sim.dut.second_out)].map(Number);
}

let runs = 0;
class Adder extends Part<{ by: number }> {
  private readonly sum = reg(uint(8), { init: 0 });
  protected override logic() {
    runs++;
    this.sum.set(this.in.add(this.p.by));
    this.out.set(this.sum);
  }
}

test('the logic of equal modules runs once, and each of them works', () => {
  runs = 0;
  expect(described(() => new Adder({ by: 3 }))).toBe(1);
  expect(runs).toBe(1);
  runs = 0;
  elaborate(() => new Pair({ make: () => new Adder({ by: 3 }) }), { each: true });
  expect(runs).toBe(2);
  class Counting extends Part {
    private readonly sum = reg(uint(8), { init: 0 });
    protected override logic() {
      this.sum.set(this.sum.add(this.in));
      this.out.set(this.sum);
    }
  }
  expect(described(() => new Counting())).toBe(1);
  expect(outputs(() => new Counting())).toEqual([1, 1]);
});

test('modules with other parameters are others', () => {
  expect(described(i => new Adder({ by: i }))).toBe(2);
  expect(outputs(i => new Adder({ by: i }))).toEqual([1, 2]);
});

class Plain extends Part {
  private readonly step: number;
  constructor(step: number) {
    super();
    this.step = step;
  }
  protected override logic() {
    this.out.set(this.in.add(this.step));
  }
}

class Private extends Part {
  readonly #step: number;
  constructor(step: number) {
    super();
    this.#step = step;
  }
  protected override logic() {
    this.out.set(this.in.add(this.#step));
  }
}

class Accessor extends Part<{ readonly step: number }> {
  protected override logic() {
    this.out.set(this.in.add(this.p.step));
  }
}

class Calling extends Part<{ readonly step: () => number }> {
  protected override logic() {
    this.out.set(this.in.add(this.p.step()));
  }
}

class Widths extends Part {
  private readonly held;
  constructor(width: number) {
    super();
    this.held = reg(uint(width), { init: 0 });
  }
  protected override logic() {
    this.held.set(0);
    this.out.set(this.in.add(this.held.width));
  }
}

class Around extends Part<{ readonly step: number }> {
  private readonly inner = new Plain(this.p.step);
  protected override logic() {
    connect(this.inner, { in: this.in });
    this.out.set(this.inner.out);
  }
}

/** As `Around`, but what tells two of them apart is only in the child. */
class Hiding extends Part {
  private readonly inner;
  constructor(step: number) {
    super();
    this.inner = new Private(step);
  }
  protected override logic() {
    connect(this.inner, { in: this.in });
    this.out.set(this.inner.out);
  }
}

const places = [{ size: 4 }, { size: 4 }];
class Place extends Part<{ readonly all: readonly object[]; readonly own: object }> {
  protected override logic() {
    this.out.set(this.in.add(this.p.all.indexOf(this.p.own)));
  }
}

let reads = 0;
test.each<[string, (i: number) => AnyPart]>([
  ['a field', i => new Plain(i)],
  ['a private name', i => new Private(i)],
  ['a function', i => new Calling({ step: () => i })],
  ['an accessor', () => new Accessor(Object.defineProperty({ step: 0 }, 'step', { get: () => reads++, enumerable: true }))],
  ['the width of a register', i => new Widths(i + 1)],
  ['a field of a child', i => new Around({ step: i })],
  ['a private name of a child', i => new Hiding(i)],
  ['which of equal objects is meant', i => new Place({ all: places, own: places[i] ?? {} })],
])('modules that differ in %s are not taken for one', (_, make) => {
  expect(described(make)).toBe(2);
  reads = 0;
  const [first = 0, second] = outputs(make);
  expect(second).toBe(first + 1);
});

/** Its logic tells its children apart. */
class Late extends Module {
  readonly in = input(uint(8));
  readonly first_out = output(uint(8));
  readonly second_out = output(uint(8));
  private readonly first = new Told();
  private readonly second = new Told();
  protected override logic() {
    this.second.step = 2;
    connect(this.first, { in: this.in });
    connect(this.second, { in: this.in });
    this.first_out.set(this.first.out);
    this.second_out.set(this.second.out);
  }
}
class Told extends Part {
  step = 1;
  protected override logic() {
    this.out.set(this.in.add(this.step));
  }
}

test('what the logic of the parent does to a module counts', () => {
  using sim = simulate(() => new Late());
  expect([sim.peek(sim.dut.first_out), sim.peek(sim.dut.second_out)]).toEqual([1n, 2n]);
});

/** Of equal children one is in a domain with a reset of its own. */
class Restarted extends Module {
  readonly in = input(uint(8));
  readonly restart = input(uint(1));
  readonly first_out = output(uint(8));
  readonly second_out = output(uint(8));
  readonly again = resetDomain(ownDomain, this.restart, { kind: 'sync' });
  private readonly first = inDomain(this.again, () => new Adder({ by: 1 }));
  private readonly second = inDomain(this.again, () => new Adder({ by: 1 }));
  protected override logic() {
    connect(this.first, { in: this.in });
    connect(this.second, { in: this.in });
    this.first_out.set(this.first.out);
    this.second_out.set(this.second.out);
  }
}

test('equal modules under other resets are reset by their own', () => {
  class Both extends Module {
    readonly in = input(uint(8));
    readonly restart = input(uint(1));
    readonly outs = [output(uint(8)), output(uint(8)), output(uint(8))] as const;
    private readonly part = new Adder({ by: 1 });
    private readonly others = new Restarted();
    protected override logic() {
      connect(this.part, { in: this.in });
      connect(this.others, { in: this.in, restart: this.restart });
      this.outs[0].set(this.part.out);
      this.outs[1].set(this.others.first_out);
      this.outs[2].set(this.others.second_out);
    }
  }
  using sim = simulate(() => new Both());
  const outs = () => sim.dut.outs.map(out => sim.peek(out));
  const rst = sim.engine.ports.get('rst')?.words;
  if (!rst) throw new Error('no reset port');
  sim.poke(sim.dut.in, 5);
  sim.step();
  expect(outs()).toEqual([6n, 6n, 6n]);
  sim.poke(sim.dut.restart, 1);
  sim.step();
  expect(outs()).toEqual([6n, 0n, 0n]);
  sim.poke(sim.dut.restart, 0);
  rst[0] = 1;
  sim.step();
  expect(outs()).toEqual([0n, 6n, 6n]);
});

test('a mistake with the second of equal modules is told with its name and place', () => {
  class Half extends Module {
    readonly in = input(uint(8));
    readonly out = output(uint(8));
    private readonly first = new Adder({ by: 1 });
    private readonly second = new Adder({ by: 1 });
    protected override logic() {
      connect(this.first, { in: this.in });
      this.out.set(this.first.out.add(this.second.out));
    }
  }
  const [problem] = diagnose(shareModules(elaborate(() => new Half()).design));
  if (!problem) throw new Error('nothing was found');
  const text = formatDiagnostic(problem);
  expect(text).toContain("input 'in' of 'second' (Adder) in Half");
  expect(text).toMatch(/at .*equal-modules\.test\.ts.*\n +\d+ \| +private readonly second = new Adder/);

  class Reader extends Module {
    readonly out = output(uint(8));
    private readonly first = new Adder({ by: 1 });
    private readonly second = new Adder({ by: 1 });
    protected override logic() {
      connect(this.first, { in: 0 });
      connect(this.second, { in: 0 });
      const { sum } = this.second as unknown as { readonly sum: Adder['out'] };
      this.out.set(sum);
    }
  }
  expect(() => elaborate(() => new Reader())).toThrow("'sum' belongs to Adder and is used in Reader");
});

test.each(
  examples.map(example => [example.name, example] as const),
)('%s becomes the same Verilog if each module is described', (_, example) => {
  const text = (each: boolean) => emitText(checked(elaborate(example.make, { each }).design));
  expect(text(false)).toBe(text(true));
});
