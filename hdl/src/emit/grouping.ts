import { components } from '../ir/graph.ts';
import type { Expr, Instance, Module, Statement } from '../ir/ir.ts';
import { Sets } from '../ir/sets.ts';
import { bodies, expressions, postOrder, targetName, walk } from '../ir/visit.ts';
import { type CombNet, driving } from './drivers.ts';
import { resolved } from './resolve.ts';
import { simplify } from './simplify.ts';

/** What a module's outputs depend on combinationally: names of inputs by name of the output. */
export type Paths = ReadonlyMap<string, ReadonlySet<string>>;

/** A module ready for emission. */
export interface Drivers {
  readonly body: readonly Statement[];
  readonly nets: readonly CombNet[];
  /** The nets that blocks drive, those of one block together, in the order of the body. */
  readonly groups: readonly (readonly CombNet[])[];
  readonly paths: Paths;
}

/**
 * Finds what drives each net, and which nets can share an `always @*` block. Nets that are assigned in the same `when` share one, so that it
 * stays one `if`, unless the block as a whole would then depend on itself, inside the module or around it: `ready` may depend on the `valid` that
 * the same `when` assigns, by way of a neighbour. So only nets that depend on the same inputs share a block. A net with bits that depend on other
 * bits of itself gets no block, but one expression; so does one that parameters decide about: of a block, a tool may leave only what is constant, and
 * nothing would ever start that.
 */
export function drivers(module: Module, pathsOf: (child: Module) => Paths): Drivers {
  const { body, nets } = simplify(module);
  const graph = new CombGraph(module, nets, pathsOf);
  const constant = constantNets(module, nets);
  const settled = nets.map((net, i) => {
    if (net.value || !(graph.cyclic[i] || dependsOnConstants(net, constant))) return net;
    return { ...net, value: resolved(net, body) };
  });
  return { body, nets: settled, groups: grouped(settled, graph), paths: graph.paths };
}

/** Which net depends on which, at the granularity of signals. */
class CombGraph {
  readonly paths: Paths;
  /** By net: an equal number means that the nets depend on the same inputs of the module. */
  readonly support: readonly number[];
  /** By net: nets of one level never depend on each other. */
  readonly level: readonly number[];
  /** By net: whether it depends on itself as a signal, though not bit by bit. */
  readonly cyclic: readonly boolean[];
  private readonly sources: readonly (readonly number[])[];

  constructor(module: Module, nets: readonly CombNet[], pathsOf: (child: Module) => Paths) {
    const inputs = module.signals.filter(signal => signal.kind === 'input').map(signal => signal.name);
    const outputs = module.instances.flatMap(instance => childOutputs(instance));
    const names = [...nets.map(net => net.name), ...outputs.map(o => `${o.instance.name}.${o.port}`), ...inputs];
    const number = new Map(names.map((name, i) => [name, i]));
    const among = (list: Iterable<string>) => {
      const found: number[] = [];
      for (const name of list) {
        const node = number.get(name);
        if (node !== undefined) found.push(node);
      }
      return found;
    };
    this.sources = [
      ...nets.map(net => among(netReads(net))),
      ...outputs.map(({ instance, port }) =>
        among([...(pathsOf(instance.module).get(port) ?? [])].map(input => `${instance.name}.${input}`)),
      ),
      ...inputs.map(() => []),
    ];
    const sets = new Sets();
    const support = names.map(() => Sets.empty);
    const level = names.map(() => 0);
    const cyclic = names.map(() => false);
    inputs.forEach((_, i) => {
      support[names.length - inputs.length + i] = sets.of(i);
    });
    for (const component of components(names.length, node => this.sources[node] ?? [])) {
      let set = support[component[0] ?? 0] ?? Sets.empty;
      let depth = 0;
      let self = component.length > 1;
      for (const node of component) {
        for (const source of this.sources[node] ?? []) {
          set = sets.union(set, support[source] ?? Sets.empty);
          depth = Math.max(depth, (level[source] ?? 0) + 1);
          if (source === node) self = true;
        }
      }
      for (const node of component) {
        support[node] = set;
        level[node] = depth;
        cyclic[node] = self;
      }
    }
    this.support = support;
    this.level = level;
    this.cyclic = cyclic;
    this.paths = new Map(
      nets.flatMap((net, i) => {
        if (net.target.signal.kind !== 'output') return [];
        const members = sets.members(support[i] ?? Sets.empty);
        return [[net.name, new Set(members.flatMap(input => inputs[input] ?? []))] as const];
      }),
    );
  }

  /** The groups that depend on themselves, if each of `groups` is one node. */
  loops(groups: readonly (readonly number[])[]): Set<readonly number[]> {
    const size = this.sources.length;
    const owner = Array.from({ length: size }, (_, i) => i);
    for (const group of groups) for (const net of group) owner[net] = group[0] ?? net;
    const members = new Map(groups.map(group => [group[0] ?? 0, group]));
    const successors = (node: number) => {
      const all = members.get(node) ?? (owner[node] === node ? [node] : []);
      return all.flatMap(net => this.sources[net] ?? []).map(source => owner[source] ?? source);
    };
    const found = new Set<readonly number[]>();
    for (const component of components(size, successors)) {
      for (const node of component) {
        const group = members.get(node);
        if (group && (component.length > 1 || successors(node).includes(node))) found.add(group);
      }
    }
    return found;
  }
}

function childOutputs(instance: Instance): { readonly instance: Instance; readonly port: string }[] {
  return instance.module.signals.filter(signal => signal.kind === 'output').map(signal => ({ instance, port: signal.name }));
}

/** The names that a net's drivers read: signals, and `instance.port`. */
function netReads(net: CombNet): Set<string> {
  const { value } = net;
  if (value?.kind === 'signal') return new Set([value.signal.name]);
  if (value?.kind === 'const') return new Set();
  const names = new Set<string>();
  const seen = new Set<Expr>();
  const visit = (expr: Expr) => {
    if (expr.kind === 'signal') names.add(expr.signal.name);
    else if (expr.kind === 'instance') names.add(`${expr.instance.name}.${expr.port.name}`);
  };
  const read = (statements: readonly Statement[]) => {
    for (const statement of statements) {
      for (const root of expressions(statement)) postOrder(root, seen, visit);
      for (const body of bodies(statement)) read(body);
    }
  };
  if (value) postOrder(value, seen, visit);
  else read([...net.live].flatMap(statement => driving(statement, target => targetName(target) === net.name)));
  return names;
}

/** The nets that only change with the parameters of the module. */
function constantNets(module: Module, nets: readonly CombNet[]): ReadonlySet<string> {
  const found = new Set(module.signals.filter(signal => signal.kind === 'parameter').map(signal => signal.name));
  if (found.size === 0) return found;
  const reads = nets.map(net => [net.name, netReads(net)] as const);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const [name, sources] of reads) if ([...sources].every(source => found.has(source))) found.add(name);
  }
  return found;
}

/** Whether the net, or a condition of its statements, only changes with what `constant` names. */
function dependsOnConstants(net: CombNet, constant: ReadonlySet<string>): boolean {
  if (constant.size === 0) return false;
  if (constant.has(net.name)) return true;
  let found = false;
  const own = [...net.live].flatMap(statement => driving(statement, target => targetName(target) === net.name));
  walk(own, statement => {
    if (statement.kind !== 'if' && statement.kind !== 'match') return;
    for (const condition of expressions(statement)) {
      let changes = false;
      postOrder(condition, new Set(), expr => {
        if (expr.kind === 'instance' || (expr.kind === 'signal' && !constant.has(expr.signal.name))) changes = true;
      });
      found ||= !changes;
    }
  });
  return found;
}

function grouped(nets: readonly CombNet[], graph: CombGraph): (readonly CombNet[])[] {
  const blocks = nets.flatMap((net, i) => (net.value ? [] : [i]));
  const bySupport = blocks.map(net => `${graph.support[net]}`);
  const first = connected(blocks, nets, bySupport);
  const loops = graph.loops(first);
  const byLevel = blocks.map((net, i) => `${bySupport[i]} ${graph.level[net]}`);
  const groups = loops.size > 0 ? split(first, loops, connected(blocks, nets, byLevel)) : first;
  return groups.map(group => group.flatMap(net => nets[net] ?? []));
}

/** Replaces the groups of `loops` by those parts of `finer` that they consist of. */
function split(first: readonly number[][], loops: ReadonlySet<readonly number[]>, finer: readonly number[][]): number[][] {
  const kept = first.filter(group => !loops.has(group));
  const members = new Set(kept.flat());
  return [...kept, ...finer.filter(group => !group.some(net => members.has(net)))].sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}

/** Joins the nets that share a conditional statement and a key. */
function connected(blocks: readonly number[], nets: readonly CombNet[], keys: readonly string[]): number[][] {
  const parent = new Map(blocks.map(net => [net, net]));
  const root = (net: number): number => {
    const up = parent.get(net) ?? net;
    return up === net ? net : root(up);
  };
  const owner = new Map<Statement, Map<string, number>>();
  blocks.forEach((net, i) => {
    for (const statement of nets[net]?.live ?? []) {
      if (statement.kind === 'assign') continue;
      const owners = owner.get(statement) ?? new Map<string, number>();
      owner.set(statement, owners);
      const key = keys[i] ?? '';
      const other = owners.get(key);
      if (other === undefined) owners.set(key, net);
      else parent.set(Math.max(root(other), root(net)), Math.min(root(other), root(net)));
    }
  });
  const groups = new Map<number, number[]>();
  for (const net of blocks) {
    const group = groups.get(root(net)) ?? [];
    group.push(net);
    groups.set(root(net), group);
  }
  return [...groups.values()];
}
