import type { Design, Domain, Expr, Instance, Log, LogFormat, Module, Property, Signal, Site, Statement } from '../ir/ir.ts';
import { rewriteBody } from '../ir/rewrite.ts';
import { needsClock, needsReset, outerDomain, ownDomains } from '../ir/state.ts';
import { walk } from '../ir/visit.ts';
import { SimulationError } from './simulation.ts';

/** A property or a log line of one instance, and where the outputs of the top tell of it. */
export interface EventSource {
  /** Path of the instance below the top, empty for the top itself. */
  readonly path: string;
  readonly statement: Property | Log;
  /** The top's domain whose edges count. */
  readonly domain: Domain;
  /** Bit of `flags` that is 1 where there is something to tell: an assertion fails, a line is written. */
  readonly flag: number;
  /** Bits of `values` for each value of a log line, or for the count of a cover: the edges at which it held, those in reset among them. */
  readonly values: readonly { readonly low: number; readonly width: number }[];
}

/** A design in which properties and log lines are outputs of the top, so that every engine can tell of them. */
export interface ExposedDesign {
  readonly design: Design;
  readonly sources: readonly EventSource[];
  /** Outputs of the top. `attention` is 1 where a flag is, or where the design's own output of that name was, which is `ownAttention` now. */
  readonly flags: string;
  readonly values: string | undefined;
  readonly ownAttention: string | undefined;
}

/** The place of what an engine adds to a design. */
export const nowhere: Site = { frames: [] };
const read = (signal: Signal): Expr => ({ kind: 'signal', signal, width: signal.width, site: nowhere });
const not = (value: Expr): Expr => ({ kind: 'unary', op: 'not', value, width: value.width, site: nowhere });
const both = (left: Expr, right: Expr): Expr => {
  return { kind: 'binary', op: 'and', signed: false, left, right, width: 1, site: nowhere };
};
const next = (signal: Signal): Expr => {
  const { width } = signal;
  const one: Expr = { kind: 'const', value: 1n, width, site: nowhere };
  return { kind: 'binary', op: 'add', signed: false, left: read(signal), right: one, width, site: nowhere };
};
const zeros = (width: number): Expr => ({ kind: 'const', value: 0n, width, site: nowhere });
const assign = (signal: Signal, low: number, value: Expr): Statement => {
  return { kind: 'assign', target: { instance: undefined, signal }, low, offset: undefined, value, site: nowhere };
};

/**
 * Turns properties and log lines into outputs; `undefined` for a design that has none.
 * @throws SimulationError where something of the top but an output of one bit is called `attention`.
 */
export function exposeEvents(design: Design): ExposedDesign | undefined {
  const done = new Map<Module, Exposed>();
  for (const module of design.modules)
    done.set(
      module,
      expose(module, child => done.get(child)),
    );
  const top = done.get(design.top);
  if (!top?.flags) return undefined;
  const { module, ownAttention } = withAttention(withPorts(top.module, design.top), top.flags);
  const modules = design.modules.map(old => (old === design.top ? module : (done.get(old)?.module ?? old)));
  const { flags, values, sources } = top;
  return { design: { top: module, modules }, sources, flags: flags.name, values: values?.name, ownAttention };
}

interface Exposed {
  readonly module: Module;
  readonly sources: readonly EventSource[];
  /** Undefined if there are no sources. */
  readonly flags: Signal | undefined;
  /** Undefined if no source has values. */
  readonly values: Signal | undefined;
}

/**
 * Keeps the ports of the top's domains: a clock or reset that only properties and log lines need drives a register for them, so that it is still
 * there for the caller and its edges still count as cycles.
 */
function withPorts(now: Module, before: Module): Module {
  const kept = ownDomains(before).flatMap((domain): Signal[] => {
    const lost = [needsClock, needsReset].some(needs => needs(before, domain) && !needs(now, domain));
    if (!lost) return [];
    const init = domain.reset ? 0n : undefined;
    return [{ ...output(freeName(now, `sim_${domain.name}`), 1), kind: 'register', init, domain }];
  });
  // They keep their value, so that a design in which nothing else changes is still at rest.
  if (kept.length === 0) return now;
  return {
    ...now,
    signals: [...now.signals, ...kept],
    body: [...now.body, ...kept.map(register => assign(register, 0, read(register)))],
  };
}

/** A name that nothing in the module has. */
function freeName(module: Module, wanted: string): string {
  const ports = module.domains.flatMap(({ clock, reset }) => (reset ? [clock, reset.name] : [clock]));
  const named = [...module.signals, ...module.memories, ...module.instances].map(({ name }) => name);
  const taken = new Set([...named, ...ports]);
  let name = wanted;
  while (taken.has(name)) name += '_';
  return name;
}

const output = (name: string, width: number): Signal => {
  return { name, kind: 'output', width, init: undefined, domain: undefined, crossing: false, states: undefined, site: nowhere };
};

function expose(module: Module, childOf: (child: Module) => Exposed | undefined): Exposed {
  const sources = ownSources(module);
  let flagCount = sources.length;
  let valueBits = sources.reduce((sum, { values }) => sum + values.reduce((bits, { width }) => bits + width, 0), 0);
  const instances = new Map<Instance, Instance>();
  const buses: { readonly instance: Instance; readonly exposed: Exposed; readonly flag: number; readonly value: number }[] = [];
  for (const instance of module.instances) {
    const exposed = childOf(instance.module);
    const now = exposed ? { ...instance, module: exposed.module } : instance;
    instances.set(instance, now);
    if (!exposed?.flags) continue;
    buses.push({ instance: now, exposed, flag: flagCount, value: valueBits });
    for (const source of exposed.sources) {
      sources.push({
        ...source,
        path: source.path === '' ? instance.name : `${instance.name}.${source.path}`,
        domain: outerDomain(instance, source.domain) ?? source.domain,
        flag: source.flag + flagCount,
        values: source.values.map(({ low, width }) => ({ low: low + valueBits, width })),
      });
    }
    flagCount += exposed.flags.width;
    valueBits += exposed.values?.width ?? 0;
  }
  const changed = [...instances].some(([old, now]) => old.module !== now.module);
  if (sources.length === 0 && !changed) return { module, sources, flags: undefined, values: undefined };

  const flags = sources.length > 0 ? output(freeName(module, 'sim_flags'), flagCount) : undefined;
  const values = valueBits > 0 ? output(freeName(module, 'sim_values'), valueBits) : undefined;
  const writer = new EventWriter(module, sources, flags, values, freeName(module, 'sim_count'));
  const portOf = (instance: Instance, port: Signal) => {
    const now = instances.get(instance) ?? instance;
    return { instance: now, port: now.module.signals.find(({ name }) => name === port.name) ?? port };
  };
  const body = rewriteBody(module.body, {
    signal: expr => expr,
    output: portOf,
    target: target => {
      if (!target.instance) return target;
      const { instance, port } = portOf(target.instance, target.signal);
      return { instance, signal: port };
    },
    statement: statement => writer.statement(statement),
  });
  const fromChildren = buses.flatMap(({ instance, exposed, flag, value }) => {
    const bus = (port: Signal): Expr => ({ kind: 'instance', instance, port, width: port.width, site: nowhere });
    const lines = exposed.flags && flags ? [assign(flags, flag, bus(exposed.flags))] : [];
    return exposed.values && values ? [...lines, assign(values, value, bus(exposed.values))] : lines;
  });
  const defaults = [flags, values].flatMap(signal => (signal ? [assign(signal, 0, zeros(signal.width))] : []));
  const ports = module.signals.filter(({ kind }) => kind === 'input' || kind === 'output');
  const inner = module.signals.filter(signal => !ports.includes(signal));
  const signals = [...ports, ...(flags ? [flags] : []), ...(values ? [values] : []), ...inner, ...writer.registers];
  const now = {
    ...module,
    signals,
    instances: [...instances.values()],
    body: [...defaults, ...body, ...writer.after, ...fromChildren],
  };
  return { module: now, sources, flags, values };
}

/** The properties and log lines of the module itself, in the order of the text. */
function ownSources(module: Module): EventSource[] {
  const sources: EventSource[] = [];
  let bits = 0;
  walk(module.body, statement => {
    if (statement.kind !== 'property' && statement.kind !== 'log') return;
    const values = valueWidths(statement).map(width => {
      bits += width;
      return { low: bits - width, width };
    });
    const { of = statement.domain } = statement.domain;
    sources.push({ path: '', statement, domain: of, flag: sources.length, values });
  });
  return sources;
}

/** Bits of a cover's count: enough for years. */
const COUNT_WIDTH = 48;

function valueWidths(statement: Property | Log): readonly number[] {
  if (statement.kind === 'log') return statement.parts.flatMap(part => (typeof part === 'string' ? [] : [part.value.width]));
  return statement.property === 'cover' ? [COUNT_WIDTH] : [];
}

/** Replaces the events of a module, which it meets in the order of the text. */
class EventWriter {
  readonly registers: Signal[] = [];
  /** What stands after the body. */
  readonly after: Statement[] = [];
  private readonly sources: readonly EventSource[];
  private readonly flags: Signal | undefined;
  private readonly values: Signal | undefined;
  private readonly countName: string;
  private readonly module: Module;
  private next = 0;

  constructor(
    module: Module,
    sources: readonly EventSource[],
    flags: Signal | undefined,
    values: Signal | undefined,
    countName: string,
  ) {
    this.module = module;
    this.sources = sources;
    this.flags = flags;
    this.values = values;
    this.countName = countName;
  }

  statement(statement: Statement): readonly Statement[] {
    if (statement.kind !== 'property' && statement.kind !== 'log') return [statement];
    const source = this.sources[this.next++];
    const { flags, values } = this;
    if (!source || !flags) return [];
    if (statement.kind === 'log') {
      const parts = statement.parts.flatMap(part => (typeof part === 'string' ? [] : [part.value]));
      const told = parts.flatMap((value, i) => (values ? [assign(values, source.values[i]?.low ?? 0, value)] : []));
      const written = this.outsideReset(statement.domain) ?? { kind: 'const', value: 1n, width: 1, site: nowhere };
      return [assign(flags, source.flag, written), ...told];
    }
    const looking = this.outsideReset(statement.domain);
    if (statement.property !== 'cover') {
      const fails = not(statement.condition);
      return [assign(flags, source.flag, looking ? both(looking, fails) : fails)];
    }
    // A cover is counted where it stands, so that it stops nothing.
    const { domain, condition } = statement;
    const count: Signal = { ...output(`${this.countName}_${source.flag}`, COUNT_WIDTH), kind: 'register', domain };
    this.registers.push(count);
    if (values) this.after.push(assign(values, source.values[0]?.low ?? 0, read(count)));
    const body = [assign(count, 0, next(count))];
    return [
      { kind: 'if', arms: [{ condition: looking ? both(looking, condition) : condition, body }], otherwise: [], site: nowhere },
    ];
  }

  /** Whether a reset that is a signal of the module is inactive; those that are ports of the top are looked at from outside. */
  private outsideReset({ of, reset }: Domain): Expr | undefined {
    const signal = of && reset && this.module.signals.find(({ name }) => name === reset.name);
    if (!signal || !reset) return undefined;
    return reset.active === 'low' ? read(signal) : not(read(signal));
  }
}

/**
 * Gives the top an output `attention` that is 1 where a flag is, beside what its own output of that name says.
 * @throws SimulationError where something else has that name.
 */
function withAttention(top: Module, flags: Signal): { readonly module: Module; readonly ownAttention: string | undefined } {
  const any: Expr =
    flags.width === 1 ? read(flags) : { kind: 'unary', op: 'reduce_or', value: read(flags), width: 1, site: nowhere };
  const attention = output('attention', 1);
  const old = top.signals.find(({ name, kind, width }) => name === 'attention' && kind === 'output' && width === 1);
  if (!old) {
    if (freeName(top, 'attention') !== 'attention') throw nameTaken(top);
    const module = { ...top, signals: [attention, ...top.signals], body: [...top.body, assign(attention, 0, any)] };
    return { module, ownAttention: undefined };
  }
  const renamed: Signal = { ...old, name: freeName(top, 'own_attention') };
  const body = rewriteBody(top.body, {
    signal: expr => (expr.signal === old ? { ...expr, signal: renamed } : expr),
    output: (instance, port) => ({ instance, port }),
    target: target => (!target.instance && target.signal === old ? { instance: undefined, signal: renamed } : target),
    statement: statement => [statement],
  });
  const either: Expr = { kind: 'binary', op: 'or', signed: false, left: read(renamed), right: any, width: 1, site: nowhere };
  const signals = [...top.signals.map(signal => (signal === old ? renamed : signal)), attention];
  const ports = signals.filter(({ kind }) => kind === 'input' || kind === 'output');
  const inner = signals.filter(signal => !ports.includes(signal));
  return {
    module: { ...top, signals: [...ports, ...inner], body: [...body, assign(attention, 0, either)] },
    ownAttention: renamed.name,
  };
}

function nameTaken(top: Module): SimulationError {
  return new SimulationError(
    `${top.name} has properties or log lines, and the simulation tells of them by an output 'attention' of the top module. ` +
      "Give the other thing of that name in it another one, or make it an output of one bit: then it ends 'run' as well.",
  );
}

/** A log line as text. `bits` gives each value. */
export function logText({ parts }: Log, bits: readonly bigint[]): string {
  let next = 0;
  return parts
    .map(part => {
      if (typeof part === 'string') return part;
      return valueText(bits[next++] ?? 0n, part.value.width, part.format, part.states);
    })
    .join('');
}

function valueText(value: bigint, width: number, format: LogFormat, states: readonly string[] | undefined): string {
  switch (format) {
    case 'unsigned':
      return `${value}`;
    case 'signed':
      return `${BigInt.asIntN(width, value)}`;
    case 'hex':
      return value.toString(16).padStart(Math.ceil(width / 4), '0');
    case 'binary':
      return value.toString(2).padStart(width, '0');
    case 'state':
      return states?.[Number(value)] ?? `${value}`;
  }
}
