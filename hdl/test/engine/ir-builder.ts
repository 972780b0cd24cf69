import type {
  ArithmeticOp,
  Assign,
  CompareOp,
  Design,
  Domain,
  Expr,
  If,
  Instance,
  Match,
  Memory,
  MemoryWrite,
  Module,
  ShiftOp,
  Signal,
  Site,
  Statement,
  Unary,
} from '../../src/ir/ir.ts';
import { standardDomain } from '../../src/ir/visit.ts';

/** IR written by hand: every function gives one node, whose width follows from its operands. */

export const site: Site = { frames: [] };

/** The domain of all modules. */
export const clock = standardDomain(site);

export function constant(width: number, value: bigint | number): Expr {
  return { kind: 'const', width, site, value: BigInt.asUintN(width, BigInt(value)) };
}

export function read(signal: Signal): Expr {
  return { kind: 'signal', width: signal.width, site, signal };
}

export function output(instance: Instance, name: string): Expr {
  const port = portOf(instance, name);
  return { kind: 'instance', width: port.width, site, instance, port };
}

function portOf(instance: Instance, name: string): Signal {
  const port = instance.module.signals.find(signal => signal.name === name);
  if (port === undefined) throw new Error(`${instance.module.name} has no port ${name}`);
  return port;
}

export function unary(op: Unary['op'], value: Expr): Expr {
  return { kind: 'unary', width: op === 'not' ? value.width : 1, site, op, value };
}

export function arithmetic(op: ArithmeticOp, left: Expr, right: Expr): Expr {
  return { kind: 'binary', width: left.width, site, op, signed: false, left, right };
}

export function compare(op: CompareOp, left: Expr, right: Expr, signed = false): Expr {
  return { kind: 'binary', width: 1, site, op, signed, left, right };
}

export function shift(op: ShiftOp, left: Expr, right: Expr, signed = false): Expr {
  return { kind: 'binary', width: left.width, site, op, signed, left, right };
}

export function mux(condition: Expr, whenTrue: Expr, whenFalse: Expr): Expr {
  return { kind: 'mux', width: whenTrue.width, site, condition, whenTrue, whenFalse };
}

/** Most significant part first. */
export function concat(...parts: readonly Expr[]): Expr {
  return { kind: 'concat', width: parts.reduce((sum, part) => sum + part.width, 0), site, parts };
}

export function slice(value: Expr, low: number, width: number): Expr {
  return { kind: 'slice', width, site, value, low };
}

export function extend(value: Expr, width: number, signed = false): Expr {
  return { kind: 'extend', width, site, signed, value };
}

export function memoryRead(memory: Memory, address: Expr): Expr {
  return { kind: 'memory-read', width: memory.width, site, memory, address };
}

/** Drives a signal of the module, from bit `low` on. */
export function assign(signal: Signal, value: Expr, low = 0, offset?: Expr): Assign {
  return { kind: 'assign', target: { instance: undefined, signal }, low, offset, value, site };
}

/** Drives an input of a child, from bit `low` on. */
export function connect(instance: Instance, name: string, value: Expr, low = 0, offset?: Expr): Assign {
  return { kind: 'assign', target: { instance, signal: portOf(instance, name) }, low, offset, value, site };
}

export function when(condition: Expr, body: readonly Statement[], otherwise: readonly Statement[] = []): If {
  return { kind: 'if', arms: [{ condition, body }], otherwise, site };
}

export function chain(arms: readonly (readonly [Expr, readonly Statement[]])[], otherwise: readonly Statement[] = []): If {
  return { kind: 'if', arms: arms.map(([condition, body]) => ({ condition, body })), otherwise, site };
}

export function match(
  subject: Expr,
  arms: readonly (readonly [bigint, readonly Statement[]])[],
  otherwise: readonly Statement[] = [],
): Match {
  return { kind: 'match', subject, arms: arms.map(([value, body]) => ({ value, label: `${value}`, body })), otherwise, site };
}

export function write(memory: Memory, address: Expr, data: Expr, mask?: Expr, domain = clock): MemoryWrite {
  return { kind: 'memory-write', memory, address, data, mask, domain, site };
}

/** Collects what a module has; `build` gives the finished module. */
export class ModuleBuilder {
  readonly name: string;
  readonly domains: [Domain, ...Domain[]];
  readonly signals: Signal[] = [];
  readonly memories: Memory[] = [];
  readonly instances: Instance[] = [];
  readonly body: Statement[] = [];

  constructor(name: string, domains: [Domain, ...Domain[]] = [clock]) {
    this.name = name;
    this.domains = domains;
  }

  signal(kind: Signal['kind'], name: string, width: number, init?: bigint, domain = this.domains[0]): Signal {
    const signal: Signal = {
      name,
      kind,
      width,
      init,
      domain: kind === 'register' || kind === 'input' ? domain : undefined,
      crossing: false,
      states: undefined,
      site,
    };
    this.signals.push(signal);
    return signal;
  }

  input(name: string, width: number): Expr {
    return read(this.signal('input', name, width));
  }

  /** A new output that is always `value`. */
  output(name: string, value: Expr): Signal {
    const signal = this.signal('output', name, value.width);
    this.body.push(assign(signal, value));
    return signal;
  }

  wire(name: string, width: number): Signal {
    return this.signal('wire', name, width);
  }

  register(name: string, width: number, init?: bigint, domain = this.domains[0]): Signal {
    return this.signal('register', name, width, init, domain);
  }

  memory(name: string, width: number, depth: number, lane = width, init?: readonly bigint[]): Memory {
    const memory: Memory = { name, width, depth, lane, style: undefined, init, site };
    this.memories.push(memory);
    return memory;
  }

  /** Puts another memory in the place of one that nothing uses yet. */
  replace(old: Memory, now: Memory): Memory {
    this.memories[this.memories.indexOf(old)] = now;
    return now;
  }

  instance(
    name: string,
    module: Module,
    domains: ReadonlyMap<string, Domain> = new Map([['clk', this.domains[0]]]),
    parameters: ReadonlyMap<string, bigint> = new Map(),
  ): Instance {
    const instance: Instance = { name, module, domains, parameters, site };
    this.instances.push(instance);
    return instance;
  }

  build(): Module {
    const { name, domains, signals, memories, instances, body } = this;
    return { name, domains, external: undefined, signals, memories, instances, body, site };
  }
}

/** The design below a top module: every module once, children first. */
export function design(top: Module): Design {
  const modules = new Set<Module>();
  const visit = (module: Module) => {
    for (const { module: child } of module.instances) visit(child);
    modules.add(module);
  };
  visit(top);
  return { top, modules: [...modules] };
}
