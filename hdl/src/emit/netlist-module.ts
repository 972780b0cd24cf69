import type { Assign, Expr, If, Instance, Match, Memory, MemoryWrite, Module, Signal, Statement, Target } from '../ir/ir.ts';
import { bodies, ones, postOrder, targetName } from '../ir/visit.ts';
import { domainPorts } from './domains.ts';
import { guarded } from './expressions.ts';
import { indexWidth } from './literals.ts';
import { type Bits, constantBits, input, memoryId, NetlistBuilder, output } from './netlist-builder.ts';
import {
  blackBoxParameters,
  digits,
  type NetlistMemory,
  type NetlistModule,
  type NetlistName,
  type NetlistPort,
  sourceOf,
} from './netlist-format.ts';
import { portOf, ports } from './ports.ts';

/** The name of the module that stands for a child with these values of its parameters. */
export type VariantOf = (module: Module, values: ReadonlyMap<string, bigint>) => string;

/** Values of targets after the statements so far: those of a branch, over those around it. */
class Values {
  private readonly own = new Map<string, Bits>();
  private readonly around: Values | undefined;

  constructor(around?: Values) {
    this.around = around;
  }

  get(name: string): Bits | undefined {
    return this.own.get(name) ?? this.around?.get(name);
  }

  set(name: string, value: Bits): void {
    this.own.set(name, value);
  }
}

const standing: Bits = ['1'];

/** The netlist of one module with its parameters at given values. */
export class ModuleNetlist {
  private readonly module: Module;
  private readonly parameters: ReadonlyMap<string, bigint>;
  private readonly variant: VariantOf;
  private readonly top: boolean;
  private readonly builder = new NetlistBuilder();
  private readonly signals = new Map<Signal, number[]>();
  private readonly clocks = new Map<string, number[]>();
  private readonly outputs = new Map<Instance, Map<string, number[]>>();
  private readonly done = new Map<Expr, Bits>();
  private readonly seen = new Set<Expr>();
  private writes = 0;

  constructor(module: Module, parameters: ReadonlyMap<string, bigint>, variant: VariantOf, top: boolean) {
    this.module = module;
    this.parameters = parameters;
    this.variant = variant;
    this.top = top;
  }

  netlist(): NetlistModule {
    const { module, builder } = this;
    for (const { name } of domainPorts(module)) this.clocks.set(name, builder.nets(1));
    for (const signal of module.signals) if (signal.kind !== 'parameter') this.signals.set(signal, builder.nets(signal.width));
    for (const instance of module.instances) {
      const nets = ports(instance.module).flatMap(({ kind, name, width }) =>
        kind === 'output' ? [[name, builder.nets(width)] as const] : [],
      );
      this.outputs.set(instance, new Map(nets));
    }
    const values = new Values();
    this.run(module.body, values, standing);
    for (const signal of module.signals) this.drive(signal, values.get(signal.name));
    for (const memory of module.memories) this.contents(memory);
    for (const instance of module.instances) this.instance(instance, values);
    return {
      attributes: { ...(this.top ? { top: digits(1) } : {}), ...sourceOf(module.site) },
      ports: this.ports(),
      cells: builder.finished(),
      memories: Object.fromEntries(module.memories.map(memory => [memory.name, memoryOf(memory)])),
      netnames: this.names(),
    };
  }

  private ports(): { readonly [name: string]: NetlistPort } {
    const clocks = [...this.clocks].map(([name, bits]): [string, NetlistPort] => [name, { direction: 'input', bits }]);
    const others = ports(this.module).map(({ name, kind }): [string, NetlistPort] => [
      name,
      { direction: kind === 'output' ? 'output' : 'input', bits: this.builder.resolved(this.netsOf(name)) },
    ]);
    return Object.fromEntries([...clocks, ...others]);
  }

  private netsOf(name: string): readonly number[] {
    const signal = portOf(this.module, name);
    return (signal && this.signals.get(signal)) ?? [];
  }

  private names(): { readonly [name: string]: NetlistName } {
    const clocks = [...this.clocks].map(([name, bits]): [string, NetlistName] => [name, { hide_name: 0, bits, attributes: {} }]);
    const own = [...this.signals].map(([{ name, site }, bits]): [string, NetlistName] => [
      name,
      { hide_name: 0, bits: this.builder.resolved(bits), attributes: sourceOf(site) },
    ]);
    return Object.fromEntries([...clocks, ...own]);
  }

  /** What the end of the body gives a signal. */
  private drive(signal: Signal, value: Bits | undefined): void {
    const nets = this.signals.get(signal) ?? [];
    if (signal.kind === 'wire' || signal.kind === 'output') this.builder.alias(nets, value ?? constantBits(0n, signal.width));
    if (signal.kind !== 'register') return;
    const { width, init, domain, site } = signal;
    const reset = init === undefined ? undefined : domain?.reset;
    if (!domain || (value === undefined && !reset)) {
      this.builder.alias(nets, constantBits(0n, width));
      return;
    }
    const shared = { CLK: input(this.clock(domain.clock)), D: input(value ?? nets), Q: output(nets) };
    const parameters = { CLK_POLARITY: 1, WIDTH: width };
    if (!reset) {
      this.builder.cell('$dff', parameters, shared, site);
      return;
    }
    const kind = reset.kind === 'async' ? 'ARST' : 'SRST';
    this.builder.cell(
      reset.kind === 'async' ? '$adff' : '$sdff',
      { ...parameters, [`${kind}_POLARITY`]: reset.active === 'high' ? 1 : 0, [`${kind}_VALUE`]: digits(init ?? 0n, width) },
      { ...shared, [kind]: input(this.clock(reset.name)) },
      site,
    );
  }

  private clock(name: string): Bits {
    const own = this.module.signals.find(signal => signal.name === name);
    return this.clocks.get(name) ?? (own && this.signals.get(own)) ?? ['0'];
  }

  private instance(instance: Instance, values: Values): void {
    const { module: child, name, site } = instance;
    const clocks = domainPorts(child).map(({ name: port, domain, role }) => {
      const outer = instance.domains.get(domain.name);
      return [port, input(this.clock((role === 'clock' ? outer?.clock : outer?.reset?.name) ?? ''))] as const;
    });
    const others = ports(child).map(signal => {
      const value = values.get(targetName({ instance, signal })) ?? constantBits(0n, signal.width);
      return [
        signal.name,
        signal.kind === 'output' ? output(this.outputs.get(instance)?.get(signal.name) ?? []) : input(value),
      ] as const;
    });
    const type = this.variant(child, instance.parameters);
    this.builder.cell(type, blackBoxParameters(child), Object.fromEntries([...clocks, ...others]), site, name);
  }

  /** Executes statements; `path` is 1 where they are reached. */
  private run(body: readonly Statement[], values: Values, path: Bits): void {
    for (const statement of body) {
      switch (statement.kind) {
        case 'assign':
          this.assign(statement, values);
          break;
        case 'memory-write':
          this.write(statement, path);
          break;
        case 'if':
        case 'match':
          this.branch(statement, values, path);
          break;
        case 'property':
        case 'log':
          break;
      }
    }
  }

  /** The value of a target before any assignment: a register keeps its own, everything else is 0. */
  private before({ instance, signal }: Target): Bits {
    const nets = instance || signal.kind !== 'register' ? undefined : this.signals.get(signal);
    return nets ?? constantBits(0n, signal.width);
  }

  private assign({ target, low, offset, value, site }: Assign, values: Values): void {
    const name = targetName(target);
    const bits = this.expression(value);
    const old = values.get(name) ?? this.before(target);
    if (offset === undefined) {
      values.set(name, [...old.slice(0, low), ...bits, ...old.slice(low + bits.length)]);
      return;
    }
    const { width } = target.signal;
    const { builder } = this;
    const by = this.expression(offset);
    const moved = (from: Bits) => {
      const placed = [...constantBits(0n, low), ...from, ...constantBits(0n, width)].slice(0, width);
      return builder.binary('shl', placed, by, width, false, site);
    };
    const kept = builder.not(moved(constantBits(ones(bits.length), bits.length)), site);
    const rest = builder.binary('and', old, kept, width, false, site);
    values.set(name, builder.binary('or', rest, moved(bits), width, false, site));
  }

  /** Executes all branches apart and selects what the taken one gives. */
  private branch(statement: If | Match, values: Values, path: Bits): void {
    const { builder } = this;
    const { site } = statement;
    const conditions =
      statement.kind === 'if' ? statement.arms.map(arm => this.expression(arm.condition)) : this.cases(statement);
    const writes = bodies(statement).some(writesMemory);
    let rest = path;
    const results = bodies(statement).map((body, i) => {
      const condition = conditions[i];
      const here = condition && writes ? builder.binary('and', rest, condition, 1, false, site) : rest;
      const inner = new Values(values);
      this.run(body, inner, here);
      if (condition && writes) rest = builder.binary('and', rest, builder.not(condition, site), 1, false, site);
      return inner;
    });
    const targets = new Map<string, Target>();
    for (const body of bodies(statement)) assignedIn(body, targets);
    for (const [name, target] of targets) {
      const of = (inner: Values | undefined) => inner?.get(name) ?? this.before(target);
      const last = of(results.at(-1));
      const value = conditions.reduceRight(
        (otherwise, condition, i) => builder.mux(condition, of(results[i]), otherwise, site),
        last,
      );
      values.set(name, value);
    }
  }

  private cases({ subject, arms, site }: Match): Bits[] {
    const bits = this.expression(subject);
    return arms.map(({ value }) => this.builder.binary('eq', bits, constantBits(value, bits.length), 1, false, site));
  }

  private write({ memory, address, data, mask, domain, site }: MemoryWrite, path: Bits): void {
    const { builder } = this;
    const lanes = mask ? this.expression(mask) : constantBits(ones(memory.width / memory.lane), memory.width / memory.lane);
    const at = this.expression(address);
    const inside = guarded(memory, address) ? builder.binary('and', path, this.inside(memory, address), 1, false, site) : path;
    const enable = lanes.map(lane => (lane === '1' ? inside : builder.binary('and', [lane], inside, 1, false, site)));
    const parameters = { MEMID: memoryId(memory.name), ABITS: at.length, WIDTH: memory.width, CLK_ENABLE: 1, CLK_POLARITY: 1 };
    const connections = {
      CLK: input(this.clock(domain.clock)),
      EN: input(enable.flatMap(bit => Array.from({ length: memory.lane }, () => bit[0] ?? '0'))),
      ADDR: input(at),
      DATA: input(this.expression(data)),
    };
    this.builder.cell('$memwr', { ...parameters, PRIORITY: this.writes++ }, connections, site);
  }

  private inside(memory: Memory, address: Expr): Bits {
    const limit = constantBits(BigInt(memory.depth), address.width);
    return this.builder.binary('lt', this.expression(address), limit, 1, false, address.site);
  }

  private contents({ name, width, depth, init, site }: Memory): void {
    if (!init) return;
    const words = Array.from({ length: depth }, (_, i) => constantBits(init[i] ?? 0n, width)).flat();
    const bits = indexWidth(depth);
    const parameters = { MEMID: memoryId(name), ABITS: bits, WIDTH: width, WORDS: depth, PRIORITY: 0 };
    this.builder.cell('$meminit', parameters, { ADDR: input(constantBits(0n, bits)), DATA: input(words) }, site);
  }

  private expression(root: Expr): Bits {
    postOrder(root, this.seen, expr => {
      this.done.set(expr, this.convert(expr));
    });
    return this.of(root);
  }

  private of(expr: Expr): Bits {
    const found = this.done.get(expr);
    if (!found) throw new Error(`a ${expr.kind} was not converted`);
    return found;
  }

  private convert(expr: Expr): Bits {
    const { builder } = this;
    const { width, site } = expr;
    switch (expr.kind) {
      case 'const':
        return constantBits(expr.value, width);
      case 'signal': {
        const { signal } = expr;
        const value = this.parameters.get(signal.name) ?? signal.init ?? 0n;
        return signal.kind === 'parameter' ? constantBits(value, width) : (this.signals.get(signal) ?? []);
      }
      case 'instance':
        return this.outputs.get(expr.instance)?.get(expr.port.name) ?? [];
      case 'unary':
        return builder.unary(`$${expr.op}`, this.of(expr.value), width, site);
      case 'binary':
        return builder.binary(expr.op, this.of(expr.left), this.of(expr.right), width, expr.signed, site);
      case 'mux':
        return builder.mux(this.of(expr.condition), this.of(expr.whenTrue), this.of(expr.whenFalse), site);
      case 'concat':
        return expr.parts.toReversed().flatMap(part => this.of(part));
      case 'slice':
        return this.of(expr.value).slice(expr.low, expr.low + width);
      case 'extend': {
        const bits = this.of(expr.value);
        const fill = expr.signed ? (bits.at(-1) ?? '0') : '0';
        return [...bits, ...Array.from({ length: width - bits.length }, () => fill)];
      }
      case 'memory-read': {
        const { memory, address } = expr;
        const data = builder.nets(width);
        const at = this.of(address);
        const parameters = { MEMID: memoryId(memory.name), ABITS: at.length, WIDTH: width };
        const connections = { CLK: input(['0']), EN: input(['1']), ADDR: input(at), DATA: output(data) };
        builder.cell('$memrd', { ...parameters, CLK_ENABLE: 0, CLK_POLARITY: 0, TRANSPARENT: 0 }, connections, site);
        return guarded(memory, address) ? builder.mux(this.inside(memory, address), data, constantBits(0n, width), site) : data;
      }
    }
  }
}

function writesMemory(body: readonly Statement[]): boolean {
  return body.some(statement => statement.kind === 'memory-write' || bodies(statement).some(writesMemory));
}

function assignedIn(body: readonly Statement[], found: Map<string, Target>): void {
  for (const statement of body) {
    if (statement.kind === 'assign') found.set(targetName(statement.target), statement.target);
    for (const inner of bodies(statement)) assignedIn(inner, found);
  }
}

function memoryOf({ width, depth, site }: Memory): NetlistMemory {
  return { hide_name: 0, attributes: sourceOf(site), width, start_offset: 0, size: depth };
}
