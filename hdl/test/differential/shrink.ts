import type { Design, Domain, Module, Signal, Statement } from '../../src/ir/ir.ts';
import { rewriteBody } from '../../src/ir/rewrite.ts';
import { bodies, operands, walk } from '../../src/ir/visit.ts';
import { combinationalLoop } from '../../src/passes/combinational-loop.ts';
import { latch } from '../../src/passes/latch.ts';
import { undriven } from '../../src/passes/undriven.ts';
import { wellFormed } from '../../src/passes/well-formed.ts';
import { cleaned, type Edit, edited, nodesOf } from './shrink-edits.ts';

/** Which of some designs still show the fault. Asked about many at once, since starting a tool costs more than running it. */
export type Fails = (designs: readonly Design[]) => readonly boolean[];

/** Most designs of one question. */
const most = 24;

/** Kinds of edits, those that take away most first. */
const edits: readonly ((module: Module, isTop: boolean) => Edit[])[] = [
  ({ instances, memories, signals }, isTop) => {
    const outputs = signals.filter(({ kind }) => kind === 'output' && isTop);
    return [...outputs, ...instances, ...memories].map(thing => ({ kind: 'drop', thing }));
  },
  module => statementsOf(module).map(thing => ({ kind: 'drop', thing })),
  ({ signals }) => signals.map(thing => ({ kind: 'drop', thing })),
  module =>
    statementsOf(module).flatMap(statement => bodies(statement).map((_, body): Edit => ({ kind: 'hoist', statement, body }))),
  module => nodesOf(module).flatMap((expr): Edit[] => (isZero(expr) ? [] : [{ kind: 'zero', expr }])),
  module => nodesOf(module).flatMap(expr => operands(expr).map((_, index): Edit => ({ kind: 'operand', expr, index }))),
  ({ signals }) => signals.flatMap(signal => narrower(signal).map((width): Edit => ({ kind: 'narrow', signal, width }))),
];

const isZero = (expr: { readonly kind: string; readonly value?: unknown }) => expr.kind === 'const' && expr.value === 0n;

const narrower = ({ width }: Signal) => [...new Set([1, width >> 1, width - 1])].filter(w => w > 0 && w < width);

function statementsOf(module: Module): Statement[] {
  const found: Statement[] = [];
  walk(module.body, statement => found.push(statement));
  return found;
}

/** How large a design is to the person who reads it. */
export function sizeOf({ modules }: Design): number {
  let size = 0;
  for (const module of modules) {
    const { signals, memories, instances, domains } = module;
    size += 4 * (1 + signals.length + memories.length + instances.length + domains.length + statementsOf(module).length);
    for (const { width } of signals) size += width / 100;
    for (const node of nodesOf(module)) size += node.width / 1000 + (node.kind === 'const' ? (node.value === 0n ? 0.5 : 1) : 2);
  }
  return size;
}

/** Whether it is a design at all: no bits undriven, no latches, no loops. */
function isSound(design: Design): boolean {
  if (!design.top.signals.some(({ kind }) => kind === 'output')) return false;
  return [wellFormed, undriven, latch, combinationalLoop].every(check =>
    check(design).every(({ severity }) => severity !== 'error'),
  );
}

/**
 * Makes a design that shows a fault as small as it gets: without outputs, instances, statements, signals, operations and bits that the fault does not
 * need, in all its modules. Each step leaves a design that keeps the rules that Verilog depends on.
 * @param questions asked of `fails` at most.
 */
export function shrink(design: Design, fails: Fails, report: (size: number) => void = () => {}, questions = 200): Design {
  const shrinker = new Shrinker(design, fails, report, questions);
  shrinker.run();
  return shrinker.design;
}

/** A change of a module, or undefined where it is none that counts. */
type Made = Design | undefined;

class Shrinker {
  design: Design;
  private readonly fails: Fails;
  private readonly report: (size: number) => void;
  private left: number;

  constructor(design: Design, fails: Fails, report: (size: number) => void, questions: number) {
    this.design = design;
    this.fails = fails;
    this.report = report;
    this.left = questions;
  }

  run(): void {
    this.take([cleaned(this.design)]);
    for (let before = Number.POSITIVE_INFINITY; sizeOf(this.design) < before && this.left > 0; ) {
      before = sizeOf(this.design);
      while (this.take([...lower(this.design), ...oneDomain(this.design)]));
      for (const make of edits) for (const { name } of this.design.modules.toReversed()) this.reduce(make, name);
    }
  }

  /** Makes edits of a module in large groups, then in smaller ones. */
  private reduce(make: (module: Module, isTop: boolean) => Edit[], name: string): void {
    const list = () => {
      const module = this.design.modules.find(candidate => candidate.name === name);
      return module ? { module, all: make(module, module === this.design.top) } : undefined;
    };
    for (let size = list()?.all.length ?? 0; size >= 1; size = Math.floor(size / 2)) {
      let position = 0;
      for (let now = list(); now && position < now.all.length && this.left > 0; now = list()) {
        const { module, all } = now;
        const groups: Edit[][] = [];
        for (let i = position; i < all.length && groups.length < most; i += size) groups.push(all.slice(i, i + size));
        const made = (group: readonly Edit[]): Made => this.valid(cleaned(edited(this.design, module, group)));
        const tried = groups.map(made);
        const failing = this.ask(tried);
        const good = groups.filter((_, i) => failing[i]);
        position += size * (groups.length - good.length);
        if (good.length > 1) {
          // What can be left out one by one can often be left out together.
          const parts = [1, 2, 4].map(part => good.slice(0, Math.ceil(good.length / part)).flat());
          if (this.take(parts.map(made))) continue;
        }
        const first = tried[failing.indexOf(true)];
        if (first) this.accept(first);
      }
    }
  }

  private valid(design: Design): Made {
    return sizeOf(design) < sizeOf(this.design) && isSound(design) ? design : undefined;
  }

  private ask(designs: readonly Made[]): readonly boolean[] {
    const asked = designs.flatMap(design => design ?? []);
    if (asked.length === 0 || this.left <= 0) return designs.map(() => false);
    this.left--;
    const failing = this.fails(asked);
    return designs.map(design => design !== undefined && failing[asked.indexOf(design)] === true);
  }

  /** Takes the first of the designs that still fails. @returns whether there is one. */
  private take(designs: readonly Made[]): boolean {
    const candidates = designs.map(design => design && this.valid(design));
    const found = candidates[this.ask(candidates).indexOf(true)];
    if (found) this.accept(found);
    return found !== undefined;
  }

  private accept(design: Design): void {
    this.design = design;
    this.report(sizeOf(design));
  }
}

/** Designs whose top is a child of this one's. */
function lower({ top, modules }: Design): Design[] {
  return top.instances.map(({ module }) => cleaned({ top: module, modules: modules.slice(0, modules.indexOf(module) + 1) }));
}

/** The design with one clock, if it has several. */
function oneDomain(design: Design): Design[] {
  if (design.modules.every(({ domains }) => domains.length === 1)) return [];
  const done = new Map<Module, Module>();
  for (const module of design.modules)
    done.set(
      module,
      withFirstDomain(module, child => done.get(child) ?? child),
    );
  return [{ top: done.get(design.top) ?? design.top, modules: [...done.values()] }];
}

function withFirstDomain(module: Module, childOf: (child: Module) => Module): Module {
  const [first] = module.domains;
  const one = (domain: Domain | undefined) => domain && first;
  const signals = new Map(module.signals.map(signal => [signal, { ...signal, domain: one(signal.domain) }]));
  const instances = new Map(
    module.instances.map(instance => {
      const child = childOf(instance.module);
      return [instance, { ...instance, module: child, domains: new Map(child.domains.map(({ name }) => [name, first])) }];
    }),
  );
  const now = (signal: Signal) => signals.get(signal) ?? signal;
  const body = rewriteBody(module.body, {
    signal: expr => ({ ...expr, signal: now(expr.signal) }),
    output: (old, port) => {
      const instance = instances.get(old) ?? old;
      return { instance, port: instance.module.signals.find(({ name }) => name === port.name) ?? port };
    },
    target: ({ instance: old, signal }) => {
      if (!old) return { instance: undefined, signal: now(signal) };
      const instance = instances.get(old) ?? old;
      return { instance, signal: instance.module.signals.find(({ name }) => name === signal.name) ?? signal };
    },
    statement: statement => ['domain' in statement ? { ...statement, domain: first } : statement],
  });
  return { ...module, domains: [first], signals: [...signals.values()], instances: [...instances.values()], body };
}
