import type { Binary, Design, Domain, Expr, Instance, Memory, Module, Signal, Statement } from '../src/ir/ir.ts';

/*
 * The meaning of the IR, written to be read: values are BigInts, and the bodies of all modules are executed again and again until no
 * signal changes any more. The oracle of the engines' tests; slow.
 */

function ones(width: number): bigint {
  return (1n << BigInt(width)) - 1n;
}

function truncate(width: number, value: bigint): bigint {
  return BigInt.asUintN(width, value);
}

/** Replaces bits `low` to `low + width - 1` of `word`. */
function insert(word: bigint, low: number, width: number, value: bigint): bigint {
  return (word & ~(ones(width) << BigInt(low))) | (value << BigInt(low));
}

function binary(expr: Binary, left: bigint, right: bigint): bigint {
  const { width } = expr.left;
  const [a, b] = expr.signed ? [BigInt.asIntN(width, left), BigInt.asIntN(width, right)] : [left, right];
  switch (expr.op) {
    case 'add':
      return truncate(width, left + right);
    case 'sub':
      return truncate(width, left - right);
    case 'mul':
      return truncate(width, left * right);
    case 'and':
      return left & right;
    case 'or':
      return left | right;
    case 'xor':
      return left ^ right;
    case 'eq':
      return left === right ? 1n : 0n;
    case 'ne':
      return left !== right ? 1n : 0n;
    case 'lt':
      return a < b ? 1n : 0n;
    case 'le':
      return a <= b ? 1n : 0n;
    case 'gt':
      return a > b ? 1n : 0n;
    case 'ge':
      return a >= b ? 1n : 0n;
    case 'shl':
      return right >= BigInt(width) ? 0n : truncate(width, left << right);
    case 'shr':
      return truncate(width, a >> (right >= BigInt(width) ? BigInt(width) : right));
  }
}

/** The values of one instance. */
class InstanceState {
  readonly module: Module;
  readonly children: ReadonlyMap<Instance, InstanceState>;
  /** What every signal is in this cycle; registers: before the edge. */
  readonly values = new Map<Signal, bigint>();
  readonly memories: ReadonlyMap<Memory, bigint[]>;
  /** What the last execution of the body found for the edge. */
  private next = new Map<Signal, bigint>();
  private writes: { readonly domain: Domain; readonly write: () => void }[] = [];
  private known = new Map<Expr, bigint>();
  /** The top's domain for each of this module's. */
  private readonly domains: ReadonlyMap<string, Domain>;

  constructor(module: Module, domains: ReadonlyMap<string, Domain>, parameters: ReadonlyMap<string, bigint>) {
    this.module = module;
    this.domains = domains;
    this.children = new Map(
      module.instances.map(instance => {
        const inner = [...instance.domains].flatMap(([name, outer]) => {
          const top = domains.get(outer.name);
          return top ? [[name, top] as const] : [];
        });
        return [instance, new InstanceState(instance.module, new Map(inner), instance.parameters)];
      }),
    );
    this.memories = new Map(
      module.memories.map(memory => [memory, Array.from({ length: memory.depth }, (_, i) => memory.init?.[i] ?? 0n)]),
    );
    for (const signal of module.signals) {
      this.values.set(signal, signal.kind === 'parameter' ? (parameters.get(signal.name) ?? signal.init ?? 0n) : 0n);
    }
  }

  private edge(domain: Domain | undefined, edges: Edges): boolean {
    const top = domain && this.domains.get(domain.name);
    return top !== undefined && edges.rising.has(top);
  }

  private inReset(domain: Domain | undefined, edges: Edges): boolean {
    const top = domain && this.domains.get(domain.name);
    return top !== undefined && edges.resetting.has(top);
  }

  /** Asynchronous resets act at once. */
  resetNow(edges: Edges): void {
    for (const signal of this.module.signals) {
      if (signal.kind !== 'register' || signal.init === undefined || signal.domain?.reset?.kind !== 'async') continue;
      if (this.inReset(signal.domain, edges)) this.values.set(signal, signal.init);
    }
    for (const child of this.children.values()) child.resetNow(edges);
  }

  /** Executes the body once. @returns whether any signal changed, here or below. */
  execute(): boolean {
    this.known = new Map();
    this.writes = [];
    const nets = new Map<Signal, bigint>();
    this.next = new Map();
    const inputs = new Map<InstanceState, Map<Signal, bigint>>();
    for (const child of this.children.values()) inputs.set(child, new Map());
    this.statements(this.module.body, nets, inputs);
    let changed = false;
    const set = (state: InstanceState, signal: Signal, value: bigint) => {
      if (state.values.get(signal) !== value) changed = true;
      state.values.set(signal, value);
    };
    for (const signal of this.module.signals)
      if (signal.kind === 'wire' || signal.kind === 'output') set(this, signal, nets.get(signal) ?? 0n);
    for (const [child, values] of inputs)
      for (const signal of child.module.signals) if (signal.kind === 'input') set(child, signal, values.get(signal) ?? 0n);
    for (const child of this.children.values()) if (child.execute()) changed = true;
    return changed;
  }

  clock(edges: Edges): void {
    for (const signal of this.module.signals) {
      if (signal.kind !== 'register' || !this.edge(signal.domain, edges)) continue;
      const value = this.next.get(signal);
      if (value !== undefined) this.values.set(signal, value);
      if (this.inReset(signal.domain, edges) && signal.init !== undefined) this.values.set(signal, signal.init);
    }
    for (const { domain, write } of this.writes) if (this.edge(domain, edges)) write();
    for (const child of this.children.values()) child.clock(edges);
  }

  private statements(
    body: readonly Statement[],
    nets: Map<Signal, bigint>,
    inputs: ReadonlyMap<InstanceState, Map<Signal, bigint>>,
  ): void {
    for (const statement of body) {
      switch (statement.kind) {
        case 'assign': {
          const { target, low, value } = statement;
          const isRegister = target.instance === undefined && target.signal.kind === 'register';
          const child = target.instance && this.children.get(target.instance);
          const place = isRegister ? this.next : child ? (inputs.get(child) ?? nets) : nets;
          const before = place.get(target.signal) ?? (isRegister ? this.value(target.signal) : 0n);
          const start = BigInt(low) + (statement.offset ? this.evaluate(statement.offset) : 0n);
          const inside = BigInt(target.signal.width) - start;
          if (inside <= 0n) break;
          const width = inside < BigInt(value.width) ? Number(inside) : value.width;
          place.set(target.signal, insert(before, Number(start), width, truncate(width, this.evaluate(value))));
          break;
        }
        case 'if': {
          const arm = statement.arms.find(({ condition }) => this.evaluate(condition) === 1n);
          this.statements(arm?.body ?? statement.otherwise, nets, inputs);
          break;
        }
        case 'match': {
          const subject = this.evaluate(statement.subject);
          const arm = statement.arms.find(({ value }) => value === subject);
          this.statements(arm?.body ?? statement.otherwise, nets, inputs);
          break;
        }
        case 'memory-write': {
          const { memory } = statement;
          const words = this.memories.get(memory) ?? [];
          const address = this.evaluate(statement.address);
          const data = this.evaluate(statement.data);
          const mask = statement.mask && this.evaluate(statement.mask);
          const put = () => {
            if (address >= BigInt(memory.depth)) return;
            let word = words[Number(address)] ?? 0n;
            for (let lane = 0; lane < memory.width / memory.lane; lane++) {
              if (mask !== undefined && ((mask >> BigInt(lane)) & 1n) === 0n) continue;
              const low = lane * memory.lane;
              word = insert(word, low, memory.lane, truncate(memory.lane, data >> BigInt(low)));
            }
            words[Number(address)] = word;
          };
          this.writes.push({ domain: statement.domain, write: put });
        }
      }
    }
  }

  private value(signal: Signal): bigint {
    return this.values.get(signal) ?? 0n;
  }

  private evaluate(expr: Expr): bigint {
    let value = this.known.get(expr);
    if (value === undefined) {
      value = this.compute(expr);
      this.known.set(expr, value);
    }
    return value;
  }

  private compute(expr: Expr): bigint {
    switch (expr.kind) {
      case 'const':
        return expr.value;
      case 'signal':
        return this.value(expr.signal);
      case 'instance':
        return this.children.get(expr.instance)?.value(expr.port) ?? 0n;
      case 'unary': {
        const value = this.evaluate(expr.value);
        if (expr.op === 'not') return value ^ ones(expr.width);
        if (expr.op === 'reduce_and') return value === ones(expr.value.width) ? 1n : 0n;
        if (expr.op === 'reduce_or') return value !== 0n ? 1n : 0n;
        return BigInt([...value.toString(2)].filter(bit => bit === '1').length % 2);
      }
      case 'binary':
        return binary(expr, this.evaluate(expr.left), this.evaluate(expr.right));
      case 'mux':
        return this.evaluate(this.evaluate(expr.condition) === 1n ? expr.whenTrue : expr.whenFalse);
      case 'concat':
        return expr.parts.reduce((word, part) => (word << BigInt(part.width)) | this.evaluate(part), 0n);
      case 'slice':
        return truncate(expr.width, this.evaluate(expr.value) >> BigInt(expr.low));
      case 'extend': {
        const value = this.evaluate(expr.value);
        return expr.signed ? truncate(expr.width, BigInt.asIntN(expr.value.width, value)) : value;
      }
      case 'memory-read': {
        const address = this.evaluate(expr.address);
        return address < BigInt(expr.memory.depth) ? (this.memories.get(expr.memory)?.[Number(address)] ?? 0n) : 0n;
      }
    }
  }
}

/** What happens at an instant: domains of the top whose clocks rise, and those whose resets are active. */
interface Edges {
  readonly rising: ReadonlySet<Domain>;
  readonly resetting: ReadonlySet<Domain>;
}

/** When clocks rise, by the name of their port. */
export interface Timings {
  readonly [clock: string]: { readonly period: number; readonly phase?: number };
}

/** Simulates a design. Ports are named as in the top module; those of resets too. */
export class ReferenceInterpreter {
  private readonly top: InstanceState;
  private readonly domains: readonly Domain[];
  private readonly resetLevels = new Map<string, bigint>();
  /** Time of the next edge of each clock. */
  private readonly next = new Map<Domain, number>();
  private readonly periods = new Map<Domain, number>();

  /** Clocks that have no timing, or that no state of the design needs, rise at times that nobody sees: `clocks` names the others. */
  constructor(design: Design, timings: Timings = {}, clocks: readonly string[] = ['clk']) {
    const { domains } = design.top;
    this.domains = domains;
    this.top = new InstanceState(design.top, new Map(domains.map(domain => [domain.name, domain])), new Map());
    for (const domain of domains) {
      if (!clocks.includes(domain.clock)) continue;
      const { period, phase = period } = timings[domain.clock] ?? { period: 2 };
      this.periods.set(domain, period);
      this.next.set(domain, phase);
    }
    this.settle();
  }

  private get resetting(): ReadonlySet<Domain> {
    return new Set(
      this.domains.filter(({ reset }) => {
        if (!reset) return false;
        return (this.resetLevels.get(reset.name) ?? 0n) === (reset.active === 'high' ? 1n : 0n);
      }),
    );
  }

  private port(name: string): Signal {
    const signal = this.top.module.signals.find(candidate => candidate.name === name);
    if (signal === undefined) throw new Error(`the top module has no port ${name}`);
    return signal;
  }

  /** Drives an input from now on. */
  set(name: string, value: bigint): void {
    if (this.domains.some(({ reset }) => reset?.name === name)) this.resetLevels.set(name, value);
    else this.top.values.set(this.port(name), value);
  }

  /** The value of a port, as of the last `settle` or `step`. */
  get(name: string): bigint {
    return this.top.values.get(this.port(name)) ?? 0n;
  }

  /** The words of a memory, by its path below the top; they may be written. */
  memory(path: string): bigint[] {
    const names = path.split('.');
    const last = names.pop();
    let state = this.top;
    for (const name of names) {
      const child = [...state.children].find(([instance]) => instance.name === name)?.[1];
      if (child === undefined) throw new Error(`there is no instance ${name} in ${path}`);
      state = child;
    }
    const words = [...state.memories].find(([memory]) => memory.name === last)?.[1];
    if (words === undefined) throw new Error(`there is no memory ${path}`);
    return words;
  }

  /** @throws Error if signals go on changing: a combinational loop. */
  settle(): void {
    this.top.resetNow({ rising: new Set(), resetting: this.resetting });
    for (let pass = 0; this.top.execute(); pass++) if (pass > 10_000) throw new Error('the design does not settle');
  }

  /** One cycle: settles, clocks, settles. */
  step(): void {
    this.settle();
    const now = Math.min(...this.next.values());
    const rising = new Set([...this.next].filter(([, time]) => time === now).map(([domain]) => domain));
    this.top.clock({ rising, resetting: this.resetting });
    for (const domain of rising) this.next.set(domain, now + (this.periods.get(domain) ?? 2));
    this.settle();
  }
}
