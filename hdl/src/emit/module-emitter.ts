import type { Expr, Instance, Module, Signal } from '../ir/ir.ts';
import { needsClock, needsReset } from '../ir/state.ts';
import { postOrder } from '../ir/visit.ts';
import { Expressions } from './expressions.ts';
import type { Drivers } from './grouping.ts';
import type { Hints } from './hints.ts';
import { type InstanceItem, type Item, type Layout, layOut, roots } from './items.ts';
import { comment, lines } from './lines.ts';
import { literal, range } from './literals.ts';
import { Names } from './names.ts';
import { nameNodes } from './naming.ts';
import { Reads } from './reads.ts';
import { type StatementContext, statementLines } from './statements.ts';

/**
 * The Verilog of one module, ending in a newline. No generated name is one of `instanceNames`, the names under which other modules have this
 * one: Verilator warns of names that hide that of the instance they are in.
 */
export function emitModule(module: Module, drivers: Drivers, hints: Hints, instanceNames: Iterable<string>): string {
  return new ModuleEmitter(module, drivers, hints, instanceNames).text();
}

class ModuleEmitter {
  private readonly module: Module;
  private readonly layout: Layout;
  private readonly names = new Names();
  private readonly reads = new Reads();
  private readonly wires: ReadonlyMap<Expr, string>;
  private readonly aliases: ReadonlySet<Expr>;
  private readonly expressions: Expressions;
  private readonly declared = new Set<Expr>();
  private laneVariable: string | undefined;

  constructor(module: Module, drivers: Drivers, hints: Hints, instanceNames: Iterable<string>) {
    this.module = module;
    const all = [...module.signals, ...module.memories, ...module.instances];
    this.names.reserve(['clk', 'rst', ...all.map(item => item.name), ...instanceNames]);
    this.layout = layOut(module, drivers, this.names);
    const list = this.layout.items.flatMap(item => roots(item, this.layout.nameOf));
    const { names, aliases } = nameNodes(list, this.names, hints);
    this.wires = names;
    this.aliases = aliases;
    this.expressions = new Expressions(names, this.reads, (instance, port) => this.outputName(instance, port));
  }

  text(): string {
    const { layout } = this;
    const header = this.header();
    const declarations = this.declarations();
    const body = layout.items.flatMap(item => this.item(item));
    const lane = this.laneVariable === undefined ? [] : [`  integer ${this.laneVariable};`];
    const unused = this.reads.unused();
    const sink = unused.length === 0 ? [] : lines('  ', `wire ${this.names.unique('_unused')} = &{1'b0, ${unused.join(', ')}};`);
    return [...header, ...declarations, ...lane, ...body, ...sink, 'endmodule', ''].join('\n');
  }

  private header(): string[] {
    const { module, layout, reads } = this;
    const ports: string[] = [];
    for (const [name, needed] of [
      ['clk', needsClock(module, module.domains[0])],
      ['rst', needsReset(module, module.domains[0])],
    ] as const) {
      if (!needed) continue;
      reads.declare(name, 1);
      ports.push(`input ${name}`);
    }
    for (const { name, kind, width } of module.signals) {
      if (kind === 'input') {
        reads.declare(name, width);
        ports.push(`input ${range(width)}${name}`);
      } else if (kind === 'output') {
        ports.push(`output ${layout.blockDriven.has(name) ? 'reg ' : ''}${range(width)}${name}`);
      }
    }
    const place = comment(module.site);
    if (ports.length === 0) return [`module ${module.name};${place}`];
    return [`module ${module.name} (${place}`, ports.map(port => `  ${port}`).join(',\n'), ');'];
  }

  private declarations(): string[] {
    const { module, layout, reads } = this;
    const result: string[] = [];
    for (const memory of module.memories) {
      reads.declare(memory.name, memory.width, true);
      if (memory.style) result.push(`  (* ram_style = "${memory.style}" *)`);
      result.push(`  reg ${range(memory.width)}${memory.name} [0:${memory.depth - 1}];${comment(memory.site)}`);
    }
    for (const signal of module.signals) {
      if (signal.kind !== 'wire' && signal.kind !== 'register') continue;
      reads.declare(signal.name, signal.width);
      result.push(this.declaration(signal));
    }
    for (const instance of module.instances) {
      for (const signal of instance.module.signals) {
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

  private declaration({ name, kind, width, site }: Signal): string {
    const { layout } = this;
    if (kind === 'register') {
      const constant = this.module.signals.find(signal => signal.name === name && layout.constants.has(signal));
      if (constant) return `  wire ${range(width)}${name} = ${literal(width, 0n)};${comment(site)}`;
    }
    const reg = kind === 'register' || layout.blockDriven.has(name);
    return `  ${reg ? 'reg' : 'wire'} ${range(width)}${name};${comment(site)}`;
  }

  private outputName(instance: Instance, port: string): string {
    const signal = instance.module.signals.find(s => s.name === port);
    return signal ? this.layout.nameOf({ instance, signal }) : `${instance.name}_${port}`;
  }

  /** The item, after the wires that it is the first to use. */
  private item(item: Item): string[] {
    const wires = roots(item, this.layout.nameOf).flatMap(root => this.wiresBelow(root.expr));
    return [...wires, ...this.itemLines(item)];
  }

  private wiresBelow(root: Expr): string[] {
    const result: string[] = [];
    postOrder(root, this.declared, expr => {
      const name = this.wires.get(expr);
      if (name === undefined || this.aliases.has(expr)) return;
      this.reads.declare(name, expr.width);
      const text = `wire ${range(expr.width)}${name} = ${this.expressions.definition(expr)};`;
      result.push(...lines('  ', text, comment(expr.site)));
    });
    return result;
  }

  private itemLines(item: Item): string[] {
    switch (item.kind) {
      case 'assign': {
        const { name, value, site } = item;
        const alias = this.aliases.has(value) && this.wires.get(value) === name;
        const text = alias ? this.expressions.definition(value) : this.expressions.value(value);
        return lines('  ', `assign ${name} = ${text};`, comment(site));
      }
      case 'block':
        return ['  always @* begin', ...statementLines(item.statements, this.context(), '=', '    '), '  end'];
      case 'clocked': {
        const body = statementLines(item.statements, this.context(), '<=', '    ');
        this.reads.mark('clk', 0, 1);
        if (item.resets.length > 0) {
          this.reads.mark('rst', 0, 1);
          const resets = item.resets.map(({ name, width, init = 0n, states }) => {
            const note = comment({ frames: [] }, states?.[Number(init)]);
            return `      ${name} <= ${literal(width, init)};${note}`;
          });
          body.push('    if (rst) begin', ...resets, '    end');
        }
        return ['  always @(posedge clk) begin', ...body, '  end'];
      }
      case 'instance':
        return this.instance(item);
    }
  }

  private context(): StatementContext {
    return {
      expressions: this.expressions,
      nameOf: this.layout.nameOf,
      lane: () => {
        this.laneVariable ??= this.names.unique('lane');
        return this.laneVariable;
      },
    };
  }

  private instance({ instance, inputs }: InstanceItem): string[] {
    const { module: child, name, site } = instance;
    const connections: string[] = [];
    for (const [port, needed] of [
      ['clk', needsClock(child, child.domains[0])],
      ['rst', needsReset(child, child.domains[0])],
    ] as const) {
      if (!needed) continue;
      this.reads.mark(port, 0, 1);
      connections.push(`.${port}(${port})`);
    }
    for (const signal of child.signals) {
      if (signal.kind !== 'input' && signal.kind !== 'output') continue;
      const own = this.layout.nameOf({ instance, signal });
      const value = inputs.get(signal.name);
      if (signal.kind === 'output') {
        connections.push(`.${signal.name}(${this.layout.direct.get(`${name}.${signal.name}`) ?? own})`);
      } else {
        if (!value) this.reads.mark(own, 0, signal.width);
        connections.push(`.${signal.name}(${value ? this.expressions.value(value) : own})`);
      }
    }
    if (connections.length === 0) return [`  ${child.name} ${name} ();${comment(site)}`];
    return [`  ${child.name} ${name} (${comment(site)}`, connections.map(c => `    ${c}`).join(',\n'), '  );'];
  }
}
