import type { Assign, Design, Domain, Expr, Instance, Module, Signal, Site, Statement } from '../../src/ir/ir.ts';
import { walk } from '../../src/ir/visit.ts';
import { rewriteChildren } from '../../src/passes/rewrite-children.ts';

/**
 * Clocks as enables, so that tests can run clock domains in any order on an engine with one clock: state of a domain `x` changes only where the
 * input `tick_x` is 1. Where two domains tick at once, a register that may take values of another domain gets each bit as it was before or after
 * that edge, as bit i of the input `late` says: what a metastable register does. The output `torn` is 1 where such a register could take halves of
 * two values, since more than one bit of what it takes changes at that edge.
 */
export function ticked(design: Design): Module {
  const done = new Map<Module, Ticked>();
  for (const module of design.modules)
    done.set(
      module,
      tick(module, child => find(done, child)),
    );
  return find(done, design.top).module;
}

interface Ticked {
  readonly module: Module;
  /** Inputs that have a companion with the value after the edge, `x_next`. */
  readonly ahead: readonly Signal[];
}

function find<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const found = map.get(key);
  if (found === undefined) throw new Error('children stand before their parents');
  return found;
}

const site: Site = { frames: [] };
const signal = (name: string, width: number, kind: 'input' | 'output' | 'wire'): Signal => ({
  name,
  kind,
  width,
  init: undefined,
  domain: undefined,
  crossing: false,
  states: undefined,
  site,
});
const read = (of: Signal): Expr => ({ kind: 'signal', signal: of, width: of.width, site });
const drive = (target: Assign['target'], value: Expr): Assign => ({
  kind: 'assign',
  target,
  low: 0,
  offset: undefined,
  value,
  site,
});
const binary = (op: 'and' | 'or' | 'xor' | 'sub', left: Expr, right: Expr): Expr => ({
  kind: 'binary',
  op,
  signed: false,
  left,
  right,
  width: left.width,
  site,
});
const constant = (width: number, value: bigint): Expr => ({ kind: 'const', width, value, site });
const any = (value: Expr): Expr => (value.width === 1 ? value : { kind: 'unary', op: 'reduce_or', value, width: 1, site });

/** Whether more than one bit of a word is 1. */
const several = (word: Expr): Expr => any(binary('and', word, binary('sub', word, constant(word.width, 1n))));

export const tickName = ({ name }: Domain): string => `tick_${name}`;

function tick(original: Module, tickedOf: (child: Module) => Ticked): Ticked {
  const module = rewriteChildren(original, child => tickedOf(child).module);
  const ticks = new Map(module.domains.map(domain => [domain, signal(tickName(domain), 1, 'input')]));
  const late = signal('late', 32, 'input');
  const next = new Map<Signal, Signal>();

  /** The value as it is after the edge, but for what belongs to `domain`. */
  const after = (expr: Expr, domain: Domain | undefined): Expr => {
    switch (expr.kind) {
      case 'signal': {
        const source = expr.signal;
        const changes = source.kind === 'register' || source.kind === 'input';
        if (!changes || (domain !== undefined && source.domain === domain)) return expr;
        const ahead = next.get(source) ?? signal(`${source.name}_next`, source.width, source.kind === 'input' ? 'input' : 'wire');
        next.set(source, ahead);
        return read(ahead);
      }
      case 'slice':
        return { ...expr, value: after(expr.value, domain) };
      case 'concat':
        return { ...expr, parts: expr.parts.map(part => after(part, domain)) };
      default:
        return expr;
    }
  };
  const caught = (assign: Assign): Assign => {
    const { target, value } = assign;
    if (!target.signal.crossing) return assign;
    const mask: Expr = { kind: 'slice', value: read(late), low: 0, width: value.width, site };
    const not: Expr = { kind: 'unary', op: 'not', value: mask, width: value.width, site };
    return { ...assign, value: binary('or', binary('and', value, not), binary('and', after(value, target.signal.domain), mask)) };
  };

  const clocked = [...ticks].map(([domain, enable]): Statement => {
    const body = keep(module.body, leaf =>
      domainOf(leaf) === domain ? (leaf.kind === 'assign' ? caught(leaf) : leaf) : undefined,
    );
    return { kind: 'if', arms: [{ condition: read(enable), body }], otherwise: [], site };
  });
  const torn = signal('torn', 1, 'output');
  const tears: Signal[] = [];
  const extra: Statement[] = [];
  for (const [domain, enable] of ticks) {
    for (const target of module.signals.filter(each => each.crossing && each.domain === domain)) {
      const tear = signal(`${target.name}_torn`, 1, 'wire');
      tears.push(tear);
      const body = keep(module.body, leaf => {
        if (leaf.kind !== 'assign' || leaf.target.signal !== target) return undefined;
        return drive({ instance: undefined, signal: tear }, several(binary('xor', leaf.value, after(leaf.value, domain))));
      });
      extra.push(drive({ instance: undefined, signal: tear }, constant(1, 0n)));
      extra.push({ kind: 'if', arms: [{ condition: read(enable), body }], otherwise: [], site });
    }
  }
  const below = module.instances.map(
    (instance): Expr => ({ kind: 'instance', instance, port: portOf(instance, 'torn'), width: 1, site }),
  );
  const all = [...tears.map(read), ...below].reduce((a, b) => binary('or', a, b), constant(1, 0n));
  extra.push(drive({ instance: undefined, signal: torn }, all));
  module.instances.forEach((instance, i) => {
    const child = original.instances[i];
    if (child) extra.push(...connections(instance, tickedOf(child.module), ticks, late, module, after));
  });
  // Last, when it is known which registers are looked at ahead of their edge.
  for (const [source, ahead] of next) {
    if (source.kind !== 'register') continue;
    const target = { instance: undefined, signal: ahead };
    const body = keep(module.body, leaf =>
      leaf.kind === 'assign' && leaf.target.signal === source ? { ...leaf, target } : undefined,
    );
    const enable = [...ticks].find(([domain]) => domain === source.domain)?.[1];
    if (enable)
      extra.push(drive(target, read(source)), { kind: 'if', arms: [{ condition: read(enable), body }], otherwise: [], site });
  }
  const combinational = keep(module.body, leaf => (domainOf(leaf) === undefined ? leaf : undefined));
  return {
    module: {
      ...module,
      signals: [...ticks.values(), late, torn, ...next.values(), ...tears, ...module.signals],
      body: [...extra, ...combinational, ...clocked],
    },
    ahead: [...next.keys()].filter(({ kind }) => kind === 'input'),
  };
}

function portOf({ module }: Instance, name: string): Signal {
  const found = module.signals.find(each => each.name === name);
  if (!found) throw new Error(`no port ${name} of ${module.name}`);
  return found;
}

/** The ticks of a child's domains, and what it looks at ahead. */
function connections(
  instance: Instance,
  child: Ticked,
  ticks: ReadonlyMap<Domain, Signal>,
  late: Signal,
  { body }: Module,
  after: (expr: Expr, domain: undefined) => Expr,
): Statement[] {
  const port = (name: string) => ({ instance, signal: portOf(instance, name) });
  const clocks = child.module.domains.map(domain => {
    const outer = instance.domains.get(domain.name);
    return drive(port(tickName(domain)), read(find(ticks, outer as Domain)));
  });
  const ahead = child.ahead.flatMap(({ name }) =>
    keep(body, leaf =>
      leaf.kind === 'assign' && leaf.target.instance === instance && leaf.target.signal.name === name
        ? { ...leaf, target: port(`${name}_next`), value: after(leaf.value, undefined) }
        : undefined,
    ),
  );
  return [...clocks, drive(port('late'), read(late)), ...ahead];
}

/** The domain whose edge a statement belongs to; undefined for combinational ones. */
function domainOf(leaf: Statement): Domain | undefined {
  if (leaf.kind === 'assign') {
    const { instance, signal: target } = leaf.target;
    return instance === undefined && target.kind === 'register' ? target.domain : undefined;
  }
  return 'domain' in leaf ? leaf.domain : undefined;
}

/** The statements that `f` keeps, as it gives them, under the conditions around them. */
function keep(body: readonly Statement[], f: (leaf: Statement) => Statement | undefined): Statement[] {
  return body.flatMap(statement => {
    if (statement.kind !== 'if' && statement.kind !== 'match') {
      const kept = f(statement);
      return kept ? [kept] : [];
    }
    const inner = (list: readonly Statement[]) => keep(list, f);
    const kept: Statement =
      statement.kind === 'if'
        ? {
            ...statement,
            arms: statement.arms.map(arm => ({ ...arm, body: inner(arm.body) })),
            otherwise: inner(statement.otherwise),
          }
        : {
            ...statement,
            arms: statement.arms.map(arm => ({ ...arm, body: inner(arm.body) })),
            otherwise: inner(statement.otherwise),
          };
    let leaves = 0;
    walk([kept], each => {
      if (each.kind !== 'if' && each.kind !== 'match') leaves++;
    });
    return leaves > 0 ? [kept] : [];
  });
}
