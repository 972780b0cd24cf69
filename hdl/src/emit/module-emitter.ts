import type { Expr, Instance, Module, Signal } from '../ir/ir.ts';
import { postOrder } from '../ir/visit.ts';
import type { ClockedItem } from './clocked.ts';
import { blockHead, domainPorts, isReset } from './domains.ts';
import { Expressions } from './expressions.ts';
import type { Drivers } from './grouping.ts';
import type { Hints } from './hints.ts';
import { type InstanceItem, type Item, type Layout, layOut, type ObservedBlock, roots } from './items.ts';
import { Labels } from './labels.ts';
import { comment, lines } from './lines.ts';
import { literal, range } from './literals.ts';
import { memoryInit } from './memory-init.ts';
import { Names } from './names.ts';
import { nameNodes, type Root } from './naming.ts';
import { type Audience, concerning, observedLines } from './observed.ts';
import { portOf, ports } from './ports.ts';
import { quoted } from './quoted.ts';
import { Reads } from './reads.ts';
import { type StatementContext, statementLines } from './statements.ts';

/**
 * The Verilog of one module, ending in a newline. No generated name is one of `instanceNames`, the names under which other modules have this
 * one: Verilator warns of names that hide that of the instance they are in.
 */
export function emitModule(
  module: Module,
  drivers: Drivers,
  hints: Hints,
  instanceNames: Iterable<string>,
  options: ModuleOptions,
): string {
  return new ModuleEmitter(module, drivers, hints, instanceNames, options).text();
}

export interface ModuleOptions {
  /** Whether log lines and failures of properties are told in simulation. */
  readonly simulation: boolean;
}

class ModuleEmitter {
  private readonly module: Module;
  private readonly layout: Layout;
  private readonly roots: ReadonlyMap<Item, readonly Root[]>;
  private readonly names = new Names();
  private readonly reads = new Reads();
  private readonly wires: ReadonlyMap<Expr, string>;
  private readonly aliases: ReadonlySet<Expr>;
  private readonly expressions: Expressions;
  private readonly labels: Labels;
  private readonly declared = new Set<Expr>();
  private readonly variables: string[] = [];
  private readonly options: ModuleOptions;

  constructor(module: Module, drivers: Drivers, hints: Hints, instanceNames: Iterable<string>, options: ModuleOptions) {
    this.module = module;
    this.options = options;
    const all = [...module.signals, ...module.memories, ...module.instances];
    const clocks = module.domains.flatMap(({ clock, reset }) => (reset ? [clock, reset.name] : [clock]));
    this.names.reserve([...clocks, ...all.map(item => item.name), ...instanceNames]);
    this.layout = layOut(module, drivers, this.names);
    this.roots = new Map(this.layout.items.map(item => [item, roots(item, this.layout.nameOf)]));
    const list = [...this.roots.values()].flat();
    const { names, aliases } = nameNodes(list, this.names, hints);
    this.wires = names;
    this.aliases = aliases;
    this.labels = new Labels(this.names);
    this.expressions = new Expressions(names, this.reads, this.outputName, this.labels.use);
  }

  text(): string {
    const { layout } = this;
    const header = this.header();
    const declarations = this.declarations();
    const initial = this.initial();
    const body = layout.items.flatMap(item => this.item(item));
    const variables = this.variables.map(name => `  integer ${name};`);
    const sink = this.sink(this.reads);
    const observed = layout.items.flatMap(item => (item.kind === 'observed' ? this.observed(item.blocks) : []));
    const labels = this.labels.declarations();
    return [...header, ...labels, ...declarations, ...variables, ...initial, ...body, ...sink, ...observed, 'endmodule', ''].join(
      '\n',
    );
  }

  private sink(reads: Reads): string[] {
    const unused = reads.unused();
    return unused.length === 0 ? [] : lines('  ', `wire ${this.names.unique('_unused')} = &{1'b0, ${unused.join(', ')}};`);
  }

  /** A new loop variable. */
  private variable(wanted: string): string {
    const name = this.names.unique(wanted);
    this.variables.push(name);
    return name;
  }

  private header(): string[] {
    const { module, layout, reads } = this;
    const list: string[] = [];
    const parameters: string[] = [];
    for (const { name } of domainPorts(module)) {
      reads.declare(name, 1);
      list.push(`  input ${name}`);
    }
    for (const { name, kind, width, init = 0n } of module.signals) {
      if (kind === 'parameter') {
        reads.declare(name, width, name);
        parameters.push(`  parameter [${width - 1}:0] ${name} = ${literal(width, init)}`);
      } else if (kind === 'input') {
        reads.declare(name, width);
        list.push(`  input ${range(width)}${name}`);
      } else if (kind === 'output') {
        list.push(`  output ${layout.blockDriven.has(name) ? 'reg ' : ''}${range(width)}${name}`);
      }
    }
    const place = comment(module.site);
    const first = parameters.length > 0 ? [`module ${module.name} #(${place}`, parameters.join(',\n')] : [];
    const opening = parameters.length > 0 ? ')' : `module ${module.name}`;
    const rest = parameters.length > 0 ? '' : place;
    if (list.length === 0) return [...first, `${opening};${rest}`];
    return [...first, `${opening} (${rest}`, list.join(',\n'), ');'];
  }

  private declarations(): string[] {
    const { module, layout, reads } = this;
    const result: string[] = [];
    for (const memory of module.memories) {
      reads.declare(memory.name, memory.width, `${memory.name}[0]`);
      const attributes = [
        ...(memory.style ? [`ram_style = "${memory.style}"`] : []),
        // Of Yosys; others do not know it.
        ...(memory.collisions === 'never' ? ['no_rw_check'] : []),
      ];
      if (attributes.length > 0) result.push(`  (* ${attributes.join(', ')} *)`);
      result.push(`  reg ${range(memory.width)}${memory.name} [0:${memory.depth - 1}];${comment(memory.site)}`);
    }
    for (const signal of module.signals) {
      if (signal.kind !== 'wire' && signal.kind !== 'register') continue;
      reads.declare(signal.name, signal.width);
      if (layout.synchronisers.has(signal)) result.push('  (* ASYNC_REG = "TRUE" *)');
      result.push(this.declaration(signal));
    }
    for (const instance of module.instances) {
      for (const signal of ports(instance.module)) {
        const block = layout.blockDriven.has(layout.nameOf({ instance, signal }));
        const driven = signal.kind === 'input' && block;
        const output = signal.kind === 'output' && !layout.direct.has(`${instance.name}.${signal.name}`);
        if (!driven && !output) continue;
        const name = layout.nameOf({ instance, signal });
        reads.declare(name, signal.width);
        result.push(`  ${driven ? 'reg' : 'wire'} ${range(signal.width)}${name};`);
      }
    }
    return result;
  }

  private declaration(signal: Signal): string {
    const { layout } = this;
    const { name, kind, width, site } = signal;
    if (layout.constants.has(signal)) return `  wire ${range(width)}${name} = ${literal(width, 0n)};${comment(site)}`;
    const reg = kind === 'register' || layout.blockDriven.has(name);
    return `  ${reg ? 'reg' : 'wire'} ${range(width)}${name};${comment(site)}`;
  }

  /** The contents that memories begin with. */
  private initial(): string[] {
    let word: string | undefined;
    const variable = () => {
      word ??= this.variable('word');
      return word;
    };
    const filled = this.module.memories.filter(memory => memory.init !== undefined || this.layout.zeroed.includes(memory));
    return filled.flatMap(memory => memoryInit(memory, variable));
  }

  private readonly outputName = (instance: Instance, port: string): string => {
    const signal = portOf(instance.module, port);
    return signal ? this.layout.nameOf({ instance, signal }) : `${instance.name}_${port}`;
  };

  /** The item, after the wires that it is the first to use. */
  private item(item: Item): string[] {
    if (item.kind === 'observed') return [];
    const wires = (this.roots.get(item) ?? []).flatMap(root =>
      this.wiresBelow(root.expr, this.declared, this.reads, this.expressions),
    );
    return [...wires, ...this.itemLines(item)];
  }

  private wiresBelow(root: Expr, declared: Set<Expr>, reads: Reads, expressions: Expressions): string[] {
    const result: string[] = [];
    postOrder(root, declared, expr => {
      const name = this.wires.get(expr);
      if (name === undefined || this.aliases.has(expr)) return;
      reads.declare(name, expr.width);
      const text = `wire ${range(expr.width)}${name} = ${expressions.definition(expr)};`;
      result.push(...lines('  ', text, comment(expr.site)));
    });
    return result;
  }

  private itemLines(item: Exclude<Item, { kind: 'observed' }>): string[] {
    switch (item.kind) {
      case 'assign': {
        const { name, value, signal, site } = item;
        const alias = this.aliases.has(value) && this.wires.get(value) === name;
        const text = alias ? this.expressions.definition(value, signal) : this.expressions.value(value, signal);
        return lines('  ', `assign ${name} = ${text};`, comment(site));
      }
      case 'block':
        return ['  always @* begin', ...statementLines(item.statements, this.context(this.expressions), '=', '    '), '  end'];
      case 'clocked':
        return this.clocked(item);
      case 'instance':
        return this.instance(item);
    }
  }

  private clocked({ domain, statements, resets }: ClockedItem): string[] {
    const { clock, reset } = domain;
    this.reads.mark(clock, 0, 1);
    const head = `  ${blockHead(domain, resets.length > 0)} begin`;
    const context = this.context(this.expressions);
    if (!reset || resets.length === 0) return [head, ...statementLines(statements, context, '<=', '    '), '  end'];
    this.reads.mark(reset.name, 0, 1);
    const values = resets.map(register => {
      const { name, width, init = 0n } = register;
      return `      ${name} <= ${this.expressions.constant(width, init, register)};`;
    });
    const under = [`    if (${isReset(reset)}) begin`, ...values];
    if (reset.kind === 'sync') return [head, ...statementLines(statements, context, '<=', '    '), ...under, '    end', '  end'];
    const [only] = statements;
    if (only?.kind === 'if' && statements.length === 1) {
      const [first = '', ...others] = statementLines(statements, context, '<=', '    ');
      return [head, ...under, `    end else ${first.trimStart()}`, ...others, '  end'];
    }
    const rest = statementLines(statements, context, '<=', '      ');
    return [head, ...under, ...(rest.length > 0 ? ['    end else begin', ...rest] : []), '    end', '  end'];
  }

  /**
   * Properties and log lines, apart from the hardware: nothing that only they read counts as used, so that there is nothing to warn of whichever
   * macros are defined.
   */
  private observed(blocks: readonly ObservedBlock[]): string[] {
    const part = (audience: Audience) => {
      const concerned = blocks.flatMap(block => concerning(audience, block));
      if (concerned.length === 0) return [];
      const reads = new Reads();
      const expressions = new Expressions(this.wires, reads, this.outputName, this.labels.known);
      const declared = new Set(this.declared);
      const all = roots({ kind: 'observed', blocks: concerned }, this.layout.nameOf);
      const wires = all.flatMap(root => this.wiresBelow(root.expr, declared, reads, expressions));
      const body = observedLines(audience, concerned, this.context(expressions), this.names);
      return [...wires, ...body, ...this.sink(reads)];
    };
    const formal = part('formal');
    const simulation = this.options.simulation ? part('simulation') : [];
    if (formal.length > 0 && simulation.length > 0)
      return ['`ifdef FORMAL', ...formal, '`else', '`ifndef SYNTHESIS', ...simulation, '`endif', '`endif'];
    if (formal.length > 0) return ['`ifdef FORMAL', ...formal, '`endif'];
    return simulation.length > 0 ? ['`ifndef FORMAL', '`ifndef SYNTHESIS', ...simulation, '`endif', '`endif'] : [];
  }

  private context(expressions: Expressions): StatementContext {
    let lane: string | undefined;
    return {
      expressions,
      nameOf: this.layout.nameOf,
      lane: () => {
        lane ??= this.variable('lane');
        return lane;
      },
    };
  }

  private instance({ instance, inputs }: InstanceItem): string[] {
    const { module: child, name, site } = instance;
    const connections: string[] = [];
    for (const { name: port, domain, role } of domainPorts(child)) {
      const outer = instance.domains.get(domain.name);
      const source = role === 'clock' ? outer?.clock : outer?.reset?.name;
      if (source === undefined) throw new Error(`nothing drives '${port}' of '${name}' in ${this.module.name}`);
      this.reads.mark(source, 0, 1);
      connections.push(`.${port}(${source})`);
    }
    for (const signal of ports(child)) {
      const own = this.layout.nameOf({ instance, signal });
      const value = inputs.get(signal.name);
      if (signal.kind === 'output') {
        connections.push(`.${signal.name}(${this.layout.direct.get(`${name}.${signal.name}`) ?? own})`);
      } else {
        if (!value) this.reads.mark(own, 0, signal.width);
        connections.push(`.${signal.name}(${value ? this.expressions.value(value, signal) : own})`);
      }
    }
    const values = parameterValues(instance);
    const parameters = values.length > 0 ? ` #(${values.join(', ')})` : '';
    const head = lines('  ', `${child.external?.name ?? child.name}${parameters} ${name} (`, comment(site));
    if (connections.length === 0)
      return lines('  ', `${child.external?.name ?? child.name}${parameters} ${name} ();`, comment(site));
    return [...head, connections.map(c => `    ${c}`).join(',\n'), '  );'];
  }
}

/** The parameters that an instance states: those that differ from the module's, and all of a black box. */
function parameterValues({ module, parameters }: Instance): string[] {
  if (module.external) {
    return [...module.external.parameters].map(([name, value]) => {
      if (typeof value === 'string') return `.${name}("${quoted(value)}")`;
      return `.${name}(${-(2n ** 31n) <= value && value < 2n ** 31n ? value : literal(value.toString(2).length, value)})`;
    });
  }
  return module.signals.flatMap(({ kind, name, width, init }) => {
    const value = parameters.get(name);
    return kind === 'parameter' && value !== undefined && value !== init ? [`.${name}(${literal(width, value)})`] : [];
  });
}
