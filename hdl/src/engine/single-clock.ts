import type { Binary, Design, Domain, Expr, If, Instance, Module, Reset, Signal, Site, Statement, Target } from '../ir/ir.ts';
import { rewriteBody } from '../ir/rewrite.ts';
import { needsClock, needsReset, outerDomain, ownDomains } from '../ir/state.ts';
import { ones, standardDomain } from '../ir/visit.ts';
import { type ClockTimings, timingsOf } from './clock-schedule.ts';
import { SimulationError } from './simulation.ts';

/** A design with one clock and one synchronous reset, or none, that behaves like another one. */
export interface SingleClock {
  readonly design: Design;
  /** Resets that act without an edge: while one of these ports is active, settling takes an edge with the port `settlingPort` at 1. */
  readonly asynchronous: readonly Reset[];
  /** Whether some reset that the design makes itself acts without an edge: then every settling takes such an edge. */
  readonly asynchronousInside: boolean;
}

/** While it is 1, an edge does nothing but asynchronous resets. Names with ~ are no Verilog names, so nothing of the user's is called so. */
export const settlingPort = 'settling~';

/** Whether a name is the user's. */
export const isOwn = (name: string) => !name.includes('~');

/**
 * Turns clock domains, kinds of reset, parameters and models of black boxes into plain logic of one clock: each edge of it is an instant at which at least
 * one clock of the design rises. A register changes where its own clock rises; a register with an asynchronous reset reads as its reset value
 * while the reset is active. Properties and log lines are left out of what is changed. Modules that have one clock and one usual reset stay as they are.
 * @throws SimulationError for bad timings and for a black box without a model.
 */
export function singleClock(design: Design, timings: ClockTimings = {}): SingleClock {
  const { top } = design;
  const clocks = clockedDomains(top);
  const times = timingsOf(
    clocks.map(({ clock }) => clock),
    timings,
  );
  if (design.modules.every(isPlain)) return { design, asynchronous: [], asynchronousInside: false };
  for (const module of design.modules) if (module.external && !module.external.modelled) throw noModel(design, module);

  const asynchronous = ownDomains(top).flatMap(domain => {
    return domain.reset?.kind === 'async' && needsReset(top, domain) ? [domain.reset] : [];
  });
  const together = times.every(({ period, phase }) => period === times[0]?.period && phase === times[0].phase);
  const asynchronousInside = design.modules.some(module =>
    module.domains.some(domain => domain.of && domain.reset?.kind === 'async' && needsReset(module, domain)),
  );
  const settling = asynchronousInside || asynchronous.length > 0;
  const ticks = !together || settling;
  const convert = (usual: boolean): Design => {
    const variants = new Variants(ticks);
    return { top: variants.of(top, usual, { times, settling }), modules: variants.modules };
  };
  const usual = !ticks && isUsual(top) && design.modules.every(hasOneReset) ? convert(true) : undefined;
  // The machine has the reset's port only for registers: where a property alone looks at it, it has to be a port like others.
  const isConverted = usual?.modules.some(({ signals }) => signals.some(({ init }) => init !== undefined));
  return { design: usual && isConverted ? usual : convert(false), asynchronous, asynchronousInside };
}

/** The domains of a module whose clocks it has as ports. */
export function clockedDomains(module: Module): Domain[] {
  return ownDomains(module).filter(domain => needsClock(module, domain));
}

function isPlain(module: Module): boolean {
  return module.domains.length === 1 && isUsual(module) && hasOneReset(module);
}

/** Whether its clock and reset are those that a machine has by itself. */
function isUsual({ domains: [{ clock, reset }] }: Module): boolean {
  return clock === 'clk' && reset?.name === 'rst' && reset.kind === 'sync' && reset.active === 'high';
}

/** Whether there is nothing to convert but domains that the module makes with the clock that it has. */
function hasOneReset({ domains: [first, ...others], external, signals, instances }: Module): boolean {
  return (
    first.of === undefined &&
    first.reset?.kind === 'sync' &&
    first.reset.active === 'high' &&
    others.every(({ of }) => of === first) &&
    external === undefined &&
    signals.every(({ kind }) => kind !== 'parameter') &&
    instances.every(instance => instance.parameters.size === 0)
  );
}

function noModel(design: Design, module: Module): SimulationError {
  const path = pathTo(design.top, module) ?? module.name;
  return new SimulationError(
    `The black box '${path}' (${module.external?.name}) has no model, so this engine cannot simulate it. ` +
      'Describe its behaviour in logic(), or use an engine that compiles its Verilog.',
  );
}

function pathTo(from: Module, module: Module): string | undefined {
  for (const { name, module: child } of from.instances) {
    if (child === module) return name;
    const below = pathTo(child, module);
    if (below !== undefined) return `${name}.${below}`;
  }
  return undefined;
}

interface Timing {
  readonly times: readonly { readonly period: number; readonly phase: number }[];
  readonly settling: boolean;
}

const nowhere: Site = { frames: [] };
const plainDomain = standardDomain(nowhere);
const read = (signal: Signal): Expr => ({ kind: 'signal', signal, width: signal.width, site: nowhere });
const constant = (width: number, value: bigint | number): Expr => ({ kind: 'const', width, value: BigInt(value), site: nowhere });
const not = (value: Expr): Expr => ({ kind: 'unary', op: 'not', value, width: value.width, site: nowhere });
const binary = (op: Binary['op'], left: Expr, right: Expr, width = left.width): Expr => {
  return { kind: 'binary', op, signed: false, left, right, width, site: nowhere };
};
const mux = (condition: Expr, whenTrue: Expr, whenFalse: Expr): Expr => {
  return { kind: 'mux', condition, whenTrue, whenFalse, width: whenTrue.width, site: nowhere };
};
const assign = (target: Target, value: Expr): Statement => ({
  kind: 'assign',
  target,
  low: 0,
  offset: undefined,
  value,
  site: nowhere,
});
const own = (signal: Signal): Target => ({ instance: undefined, signal });
const when = (condition: Expr, body: readonly Statement[]): If => {
  return { kind: 'if', arms: [{ condition, body }], otherwise: [], site: nowhere };
};
const signal = (name: string, kind: Signal['kind'], width: number): Signal => {
  const domain = kind === 'register' ? plainDomain : undefined;
  return { name, kind, width, init: undefined, domain, crossing: false, states: undefined, site: nowhere };
};

/** What a register became: `state` holds it, `next` collects assignments, `value` is what is read. */
interface Converted {
  readonly state: Signal;
  readonly next: Signal;
  readonly value: Signal;
}

/** What modules become. */
class Variants {
  /** Children before their parents. */
  readonly modules: Module[] = [];
  private readonly usual = new Map<Module, Module>();
  private readonly converted = new Map<Module, Module>();
  private readonly ticks: boolean;

  constructor(ticks: boolean) {
    this.ticks = ticks;
  }

  /** @param usual where it stands its first domain has the clock and reset that the machine has by itself; where not, its reset is a port like others. */
  of(module: Module, usual: boolean, timing?: Timing): Module {
    const known = usual ? this.usual : this.converted;
    let now = known.get(module);
    if (!now) {
      now = new Conversion(module, (child, inUsual) => this.of(child, inUsual), this.ticks, usual, timing).module();
      known.set(module, now);
      this.modules.push(now);
    }
    return now;
  }
}

/** One module on its way. */
class Conversion {
  private readonly from: Module;
  private readonly childOf: (child: Module, usual: boolean) => Module;
  private readonly ticks: boolean;
  private readonly timing: Timing | undefined;
  /** The domain that the machine has by itself. */
  private readonly usual: Domain | undefined;
  private readonly ports: Signal[] = [];
  private readonly inner: Signal[] = [];
  private readonly before: Statement[] = [];
  private readonly after: Statement[] = [];
  private readonly tickOf = new Map<Domain, Expr>();
  private readonly resetOf = new Map<Domain, Signal>();

  /** @param timing of the top */
  constructor(
    from: Module,
    childOf: (child: Module, usual: boolean) => Module,
    ticks: boolean,
    usual: boolean,
    timing: Timing | undefined,
  ) {
    this.from = from;
    this.childOf = childOf;
    this.ticks = ticks;
    this.timing = timing;
    this.usual = usual ? from.domains[0] : undefined;
  }

  module(): Module {
    const { from, timing, usual } = this;
    if (usual && from.domains.length === 1) {
      const isSame = from.instances.every(({ module }) => this.childOf(module, true) === module);
      if (isSame) return from;
    }
    const clocked = clockedDomains(from);
    for (const domain of from.domains) if (domain !== usual && needsReset(from, domain)) this.addReset(domain);
    if (this.ticks && timing) this.addClocks(clocked, timing);
    else if (this.ticks) for (const domain of clocked) this.tickOf.set(domain, read(this.port(`${domain.clock}~tick`)));
    for (const domain of from.domains) {
      const tick = domain.of && this.tickOf.get(domain.of);
      if (tick) this.tickOf.set(domain, tick);
    }

    const registers = new Map<Signal, Converted>();
    const renamed = new Map<Signal, Signal>();
    for (const s of from.signals) {
      if (s.kind === 'register') registers.set(s, this.register(s));
      else if (s.kind === 'parameter') renamed.set(s, this.parameter(s));
      else (s.kind === 'wire' ? this.inner : this.ports).push(s);
    }
    const instances = new Map(from.instances.map(instance => [instance, this.instance(instance)] as const));
    const portOf = (instance: Instance, port: Signal) => {
      const now = instances.get(instance) ?? instance;
      return { instance: now, port: now.module.signals.find(({ name }) => name === port.name) ?? port };
    };
    const body = rewriteBody(from.body, {
      signal: expr => {
        const value = registers.get(expr.signal)?.value ?? renamed.get(expr.signal);
        return value ? { ...expr, signal: value } : expr;
      },
      output: portOf,
      target: target => {
        if (!target.instance) return own(registers.get(target.signal)?.next ?? target.signal);
        const { instance, port } = portOf(target.instance, target.signal);
        return { instance, signal: port };
      },
      statement: statement => this.statement(statement),
    });
    return {
      name: from.name,
      domains: [usual ?? plainDomain],
      external: undefined,
      signals: [...this.ports, ...this.inner],
      memories: from.memories,
      instances: [...instances.values()],
      body: [...this.before, ...body, ...this.after],
      site: from.site,
    };
  }

  private port(name: string): Signal {
    const port = signal(name, 'input', 1);
    this.ports.push(port);
    return port;
  }

  private addReset(domain: Domain): void {
    if (!domain.reset) return;
    const { name } = domain.reset;
    const own = domain.of && this.from.signals.find(s => s.name === name);
    this.resetOf.set(domain, own ?? this.port(name));
  }

  /** Countdowns to the next edge of each clock; the least of them is the way to the next instant. */
  private addClocks(domains: readonly Domain[], { times, settling: settles }: Timing): void {
    const settling = settles ? read(this.port(settlingPort)) : undefined;
    const free = settling && not(settling);
    const [first] = times;
    if (times.every(({ period, phase }) => period === first?.period && phase === first.phase)) {
      for (const domain of domains) this.tickOf.set(domain, free ?? constant(1, 1));
      return;
    }
    const width = Math.max(...times.flatMap(({ period, phase }) => [period, phase])).toString(2).length;
    const left = domains.map((domain, i) => {
      const countdown = signal(`${domain.clock}~left`, 'register', width);
      this.inner.push(countdown);
      // All registers are 0 at the beginning: what they hold is turned over so that 0 stands for the phase.
      const phase = constant(width, times[i]?.phase ?? 1);
      return { countdown, phase, value: binary('xor', read(countdown), phase) };
    });
    const least = left.map(({ value }) => value).reduce((a, b) => mux(binary('lt', a, b, 1), a, b));
    domains.forEach((domain, i) => {
      const clock = left[i];
      if (!clock) return;
      const due = binary('eq', clock.value, least, 1);
      const next = mux(due, constant(width, times[i]?.period ?? 1), binary('sub', clock.value, least));
      const step = assign(own(clock.countdown), binary('xor', next, clock.phase));
      this.before.push(free ? when(free, [step]) : step);
      const tick = signal(`${domain.clock}~tick`, 'wire', 1);
      this.inner.push(tick);
      this.before.push(assign(own(tick), free ? binary('and', due, free) : due));
      this.tickOf.set(domain, read(tick));
    });
  }

  private active(domain: Domain): Expr | undefined {
    const port = this.resetOf.get(domain);
    if (!port) return undefined;
    return domain.reset?.active === 'low' ? not(read(port)) : read(port);
  }

  private register(s: Signal): Converted {
    const { domain, init, width } = s;
    if (domain && domain === this.usual) {
      this.inner.push(s);
      return { state: s, next: s, value: s };
    }
    const reset = domain && init !== undefined ? this.active(domain) : undefined;
    const tick = domain && this.tickOf.get(domain);
    const isAsync = reset !== undefined && domain?.reset?.kind === 'async';
    const state: Signal = {
      ...s,
      name: isAsync ? `${s.name}~state` : s.name,
      init: undefined,
      domain: this.usual ?? plainDomain,
    };
    const value: Signal = isAsync ? { ...signal(s.name, 'wire', width), states: s.states, site: s.site } : state;
    const next = tick ? signal(`${s.name}~next`, 'wire', width) : state;
    this.inner.push(...new Set([value, state, next]));
    const given = init === undefined ? undefined : assign(own(state), constant(width, init));
    if (isAsync && given) {
      this.before.push(assign(own(value), mux(reset, constant(width, init ?? 0n), read(state))));
    }
    const take: Statement[] = [];
    if (tick) {
      this.before.push(assign(own(next), read(value)));
      take.push(assign(own(state), read(next)));
    }
    if (reset && given && !isAsync) take.push(when(reset, [given]));
    if (tick) this.after.push(when(tick, take));
    else this.after.push(...take);
    if (reset && given && isAsync) this.after.push(when(reset, [given]));
    return { state, next, value };
  }

  private parameter(s: Signal): Signal {
    const now: Signal = { ...s, kind: this.timing ? 'wire' : 'input', init: undefined };
    if (this.timing) {
      this.inner.push(now);
      this.before.push(assign(own(now), constant(s.width, s.init ?? 0n)));
    } else {
      this.ports.push(now);
    }
    return now;
  }

  private instance(instance: Instance): Instance {
    const { module: old } = instance;
    const usual = this.usual !== undefined && outerDomain(instance, old.domains[0]) === this.usual;
    const child = this.childOf(old, usual);
    const now: Instance = {
      ...instance,
      module: child,
      domains: new Map([[child.domains[0].name, this.usual ?? plainDomain]]),
      parameters: new Map(),
    };
    const drive = (name: string, value: Expr | undefined) => {
      const port = child.signals.find(s => s.name === name);
      if (port && value) this.before.push(assign({ instance: now, signal: port }, value));
    };
    for (const inner of usual ? [] : ownDomains(old)) {
      const outer = outerDomain(instance, inner);
      if (!outer) continue;
      if (this.ticks && needsClock(old, inner)) drive(`${inner.clock}~tick`, this.tickOf.get(outer));
      const reset = this.resetOf.get(outer);
      if (inner.reset && needsReset(old, inner)) drive(inner.reset.name, reset && read(reset));
    }
    for (const [name, value] of instance.parameters) {
      const port = child.signals.find(s => s.name === name);
      drive(name, port && constant(port.width, value & ones(port.width)));
    }
    return now;
  }

  private statement(statement: Statement): readonly Statement[] {
    if (statement.kind === 'property' || statement.kind === 'log') return [];
    if (statement.kind !== 'memory-write') return [statement];
    const tick = this.tickOf.get(statement.domain);
    const now: Statement = { ...statement, domain: this.usual ?? plainDomain };
    return [tick ? when(tick, [now]) : now];
  }
}
