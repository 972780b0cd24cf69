import type { Design, Domain, Expr, Instance, Memory, Module, Reset, Signal, Statement } from '../src/ir/ir.ts';
import {
  arithmetic,
  assign,
  chain,
  compare,
  concat,
  connect,
  constant,
  design,
  extend,
  ModuleBuilder,
  match,
  memoryRead,
  mux,
  output,
  read,
  shift,
  site,
  slice,
  unary,
  when,
  write,
} from './engine/ir-builder.ts';
import { Random } from './random.ts';

/** How large random designs are. */
export interface RandomDesignOptions {
  /** Widest value; 300 by default. */
  readonly maxWidth?: number;
  /** Expressions made per module, about; 40 by default. */
  readonly expressions?: number;
  /** Modules below the top at most; 3 by default. */
  readonly children?: number;
  /** How the resets of the two clock domains work; without, there is one domain with the usual reset. */
  readonly resets?: readonly [ResetKind, ResetKind];
}

/** Kind and level of a reset. */
export type ResetKind = Pick<Reset, 'kind' | 'active'>;

/** All of them. */
export const resetKinds: readonly ResetKind[] = [
  { kind: 'sync', active: 'high' },
  { kind: 'sync', active: 'low' },
  { kind: 'async', active: 'high' },
  { kind: 'async', active: 'low' },
];

/** The two domains, `clk` and `other`, that each module of a random design with several clocks has. */
export function twoDomains([first, second]: readonly [ResetKind, ResetKind]): [Domain, Domain] {
  const name = (prefix: string, { active }: ResetKind) => `${prefix}rst${active === 'low' ? '_n' : ''}`;
  return [
    { name: 'clk', clock: 'clk', reset: { ...first, name: name('', first) }, site },
    { name: 'other', clock: 'other_clk', reset: { ...second, name: name('other_', second) }, site },
  ];
}

interface Limits {
  readonly maxWidth: number;
  readonly expressions: number;
}

/** Makes one module. Values go into a pool; a signal is read only after the statement that drives it, so there are no loops. */
class RandomModule {
  private readonly random: Random;
  /** For what has been added to this generator: numbers of its own leave the designs of all seeds as they were otherwise. */
  private readonly late: Random;
  private readonly limits: Limits;
  private readonly builder: ModuleBuilder;
  private readonly pool: Expr[] = [];
  private readonly registers: Signal[] = [];
  private readonly memories: Memory[] = [];
  private readonly writers = new Map<Memory, Domain>();
  private names = 0;

  constructor(random: Random, late: Random, name: string, limits: Limits, resets: RandomDesignOptions['resets']) {
    this.random = random;
    this.late = late;
    this.limits = limits;
    this.builder = resets ? new ModuleBuilder(name, twoDomains(resets)) : new ModuleBuilder(name);
  }

  private domain(): Domain {
    const { domains } = this.builder;
    return domains.length === 1 ? domains[0] : this.random.pick(domains);
  }

  private name(prefix: string): string {
    return `${prefix}${this.names++}`;
  }

  private width(): number {
    const { random } = this;
    const kind = random.below(10);
    const width =
      kind < 3 ? 1 : kind < 7 ? 1 + random.below(40) : kind < 8 ? random.pick([8, 16, 32, 64, 128]) : 1 + random.below(300);
    return Math.min(width, this.limits.maxWidth);
  }

  build(children: readonly Module[]): Module {
    const { random, builder } = this;
    for (let i = 1 + random.below(4); i > 0; i--) this.pool.push(builder.input(this.name('in'), this.width()));
    for (let i = 1 + random.below(5); i > 0; i--) {
      const width = this.width();
      const register = builder.register(
        this.name('reg'),
        width,
        random.chance(0.6) ? random.bits(width) : undefined,
        this.domain(),
      );
      this.registers.push(register);
      this.pool.push(read(register));
    }
    for (let i = random.below(3); i > 0; i--) {
      const lane = 1 + random.below(random.pick([3, 12, 40]));
      const lanes = random.chance(0.5) ? 1 : 1 + random.below(Math.max(1, Math.min(40, Math.floor(this.limits.maxWidth / lane))));
      const width = Math.min(lane * lanes, Math.floor(this.limits.maxWidth / lane) * lane) || lane;
      this.memories.push(builder.memory(this.name('mem'), width, 1 + random.below(random.pick([1, 6, 20])), lane));
      const made = this.memories.at(-1);
      if (made && random.chance(0.3)) {
        const init = Array.from({ length: 1 + random.below(made.depth) }, () => random.bits(made.width));
        this.memories[this.memories.length - 1] = this.builder.replace(made, { ...made, init });
      }
    }
    if (random.chance(0.3)) {
      const parameterWidth = this.width();
      this.pool.push(read(builder.signal('parameter', this.name('par'), parameterWidth, random.bits(parameterWidth))));
    }
    for (const child of children) this.instantiate(child);
    this.grow(this.limits.expressions);
    for (let i = 1 + random.below(3); i > 0; i--) this.drivenNet();
    for (let i = 2 + random.below(4); i > 0; i--) builder.body.push(this.statement(3, []));
    this.grow(5);
    for (let i = 2 + random.below(4); i > 0; i--) builder.output(this.name('out'), this.any(this.width()));
    for (const register of this.registers) builder.output(this.name('out'), read(register));
    this.driveAgain();
    return builder.build();
  }

  /** Drives parts of outputs and of inputs of children once more, often at places that a value chooses. It reads only what closes no loops. */
  private driveAgain(): void {
    const { late, builder } = this;
    const still = builder.signals.filter(({ kind }) => kind === 'input' || kind === 'register').map(read);
    const value = (width: number): Expr => {
      const from = late.pick(still);
      if (from.width < width) return extend(from, width, late.chance(0.5));
      return from.width === width ? from : slice(from, late.below(from.width - width + 1), width);
    };
    const part = (target: number, put: (value: Expr, low: number, offset?: Expr) => Statement) => {
      const low = late.below(target);
      const width = 1 + late.below(target - low);
      const placed = late.chance(0.7) ? put(value(width), late.below(low + 1), value(1 + late.below(9))) : put(value(width), low);
      builder.body.push(late.chance(0.5) ? placed : when(value(1), [placed]));
    };
    for (const instance of builder.instances)
      for (const { kind, name, width } of instance.module.signals)
        if (kind === 'input' && late.chance(0.3)) part(width, (v, low, offset) => connect(instance, name, v, low, offset));
    for (const signal of builder.signals)
      if (signal.kind === 'output' && late.chance(0.15)) part(signal.width, (v, low, offset) => assign(signal, v, low, offset));
  }

  private instantiate(module: Module): void {
    const instance = this.builder.instance(this.name('child'), module, this.binding(module), this.parameters(module));
    this.grow(4);
    for (const port of module.signals) if (port.kind === 'input') this.drive(instance, port);
    for (const port of module.signals) if (port.kind === 'output') this.pool.push(output(instance, port.name));
  }

  /** Parent's domains for the child's: those of the same name, or exchanged where they are of one kind. */
  private binding(module: Module): ReadonlyMap<string, Domain> {
    const [first, second] = this.builder.domains;
    if (!second) return new Map(module.domains.map(({ name }) => [name, first]));
    const alike = first.reset?.kind === second.reset?.kind && first.reset?.active === second.reset?.active;
    const [one, two] = alike && this.random.chance(0.5) ? [second, first] : [first, second];
    return new Map([
      ['clk', one],
      ['other', two],
    ]);
  }

  private parameters(module: Module): ReadonlyMap<string, bigint> {
    const found = module.signals.filter(({ kind }) => kind === 'parameter');
    return new Map(found.map(({ name, width }) => [name, this.random.bits(width)]));
  }

  private drive(instance: Instance, port: Signal): void {
    const { random } = this;
    this.builder.body.push(connect(instance, port.name, this.any(port.width)));
    if (!random.chance(0.3)) return;
    const [low, width] = this.range(port.width);
    this.builder.body.push(when(this.any(1), [connect(instance, port.name, this.any(width), low)]));
  }

  private range(width: number): [number, number] {
    const low = this.random.below(width);
    return [low, 1 + this.random.below(width - low)];
  }

  private grow(count: number): void {
    for (let i = 0; i < count; i++) this.pool.push(this.expression());
  }

  /** A value of the pool with exactly this width, by whatever adapts one. */
  private any(width: number): Expr {
    const { random } = this;
    if (random.chance(0.1)) return constant(width, random.bits(width));
    const fitting = this.pool.filter(value => value.width === width);
    if (fitting.length > 0 && random.chance(0.7)) return random.pick(fitting);
    const value = random.pick(this.pool);
    if (value.width === width) return value;
    if (value.width < width) return extend(value, width, random.chance(0.5));
    return slice(value, random.below(value.width - width + 1), width);
  }

  private expression(): Expr {
    const { random } = this;
    const width = this.width();
    const left = this.any(width);
    switch (random.below(14)) {
      case 0:
        return unary('not', left);
      case 1:
        return unary(random.pick(['reduce_and', 'reduce_or', 'reduce_xor'] as const), left);
      case 2:
      case 3:
      case 4:
        return arithmetic(random.pick(['add', 'sub', 'mul', 'and', 'or', 'xor'] as const), left, this.any(width));
      case 5:
      case 6:
        return compare(random.pick(['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const), left, this.any(width), random.chance(0.5));
      case 7:
        return shift('shl', left, this.amount(width));
      case 8:
        return shift('shr', left, this.amount(width), random.chance(0.5));
      case 9:
      case 10:
        return mux(this.any(1), left, this.any(width));
      case 11: {
        const parts = Array.from({ length: 2 + random.below(3) }, () => this.any(Math.min(this.width(), 100)));
        const joined = concat(...parts);
        return joined.width <= this.limits.maxWidth ? joined : slice(joined, random.below(joined.width - width + 1), width);
      }
      case 12: {
        const [low, part] = this.range(width);
        return slice(left, low, part);
      }
      default:
        return this.memories.length > 0 ? memoryRead(random.pick(this.memories), this.any(1 + random.below(8))) : left;
    }
  }

  private amount(width: number): Expr {
    const { random } = this;
    if (random.chance(0.3)) return constant(10, random.below(width + 3));
    return this.any(random.chance(0.7) ? 1 + random.below(9) : this.width());
  }

  /** A wire with a default, then conditional and partial assignments; readable from there on. */
  private drivenNet(): void {
    const { random, builder } = this;
    const width = this.width();
    const wire = builder.wire(this.name('wire'), width);
    if (random.chance(0.3) && width > 1) {
      const cut = 1 + random.below(width - 1);
      builder.body.push(assign(wire, this.any(cut)));
      // The upper part depends on the lower part of the same wire.
      const lower = slice(read(wire), random.below(cut), 1);
      builder.body.push(assign(wire, mux(lower, this.any(width - cut), this.any(width - cut)), cut));
    } else {
      builder.body.push(assign(wire, this.any(width)));
    }
    for (let i = random.below(3); i > 0 && !random.chance(0.2); i--) builder.body.push(this.statement(2, [wire]));
    this.pool.push(read(wire));
    this.grow(3);
  }

  private assignment(wires: readonly Signal[]): Statement {
    const { random } = this;
    if (wires.length === 0 && this.memories.length > 0 && random.chance(0.25)) {
      const memory = random.pick(this.memories);
      const mask = random.chance(0.5) ? this.any(memory.width / memory.lane) : undefined;
      return write(memory, this.any(1 + random.below(7)), this.any(memory.width), mask, this.writerOf(memory));
    }
    const target = random.pick(wires.length > 0 ? wires : this.registers);
    if (random.chance(0.6)) return assign(target, this.any(target.width));
    const [low, width] = this.range(target.width);
    if (random.chance(0.7)) return assign(target, this.any(width), low);
    return assign(target, this.any(width), random.below(low + 1), this.any(1 + random.below(9)));
  }

  /** All writes of a memory are in one domain: which of two at the same instant wins is nobody's promise. */
  private writerOf(memory: Memory): Domain {
    let domain = this.writers.get(memory);
    if (!domain) {
      domain = this.domain();
      this.writers.set(memory, domain);
    }
    return domain;
  }

  private block(depth: number, wires: readonly Signal[]): Statement[] {
    return Array.from({ length: this.random.below(4) }, () => this.statement(depth, wires));
  }

  /** A statement that drives `wires`, or registers and memories if there are none. */
  private statement(depth: number, wires: readonly Signal[]): Statement {
    const { random } = this;
    const kind = depth === 0 ? 0 : random.below(4);
    if (kind < 2) return this.assignment(wires);
    if (kind === 2) {
      const arms = Array.from({ length: 1 + random.below(3) }, () => [this.any(1), this.block(depth - 1, wires)] as const);
      return chain(arms, this.block(depth - 1, wires));
    }
    const subject = this.any(1 + random.below(4));
    const values = new Set(Array.from({ length: 1 + random.below(4) }, () => BigInt(random.below(2 ** subject.width))));
    return match(
      subject,
      [...values].map(value => [value, this.block(depth - 1, wires)] as const),
      this.block(depth - 1, wires),
    );
  }
}

/**
 * A random design without combinational loops (but with words whose upper bits depend on lower ones): every operator, memories with
 * lanes and contents, registers with and without reset, nested conditions, partial assignments and such at dynamic offsets of all targets, parameters, two clocks, and
 * modules that are instantiated more than once.
 * The same seed and options give the same design.
 */
export function randomDesign(seed: number, options: RandomDesignOptions = {}): Design {
  const { maxWidth = 300, expressions = 40, children = 3, resets } = options;
  const random = new Random(seed);
  const late = new Random(seed ^ 0x1a7e);
  const limits = { maxWidth, expressions };
  const modules: Module[] = [];
  for (let i = random.below(children + 1); i > 0; i--) {
    const below = modules.filter(() => random.chance(0.4));
    modules.push(new RandomModule(random, late, `Child${modules.length}`, limits, resets).build(below));
  }
  const instances = modules.flatMap(module => (random.chance(0.4) ? [module, module] : random.chance(0.8) ? [module] : []));
  return design(new RandomModule(random, late, 'Top', limits, resets).build(instances));
}
