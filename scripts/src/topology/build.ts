import {
  Acs,
  type Direction,
  type HostBridge,
  hostsForward,
  type PciNode,
  type Platform,
} from '../../../firmware/host/src/p2pdma/index.ts';
import type { Path } from './locate.ts';
import { type AcsFlag, type ElementKind, elements, type Forwarding, mayHold, type Role, whole } from './schema.ts';

/** A mistake in a topology, with the place of what is wrong. */
export class Misfit extends Error {
  override readonly name = 'Misfit';
  readonly path: Path;
  constructor(path: Path, message: string) {
    super(message);
    this.path = path;
  }
}

/** An element of the tree that is drawn. */
export interface TreeElement {
  readonly kind: ElementKind | 'virtual';
  readonly name: string;
  readonly acs: readonly AcsFlag[];
  readonly below: readonly TreeElement[];
  /** The function; a host bridge has none. */
  readonly node?: PciNode;
  readonly role: Role;
  /** Of a host bridge. */
  readonly host?: HostBridge;
  readonly forwards?: Forwarding;
}

/** A topology that questions can be asked about. */
export interface BuiltTopology {
  readonly tree: readonly TreeElement[];
  readonly nodes: ReadonlyMap<string, PciNode>;
  readonly providers: readonly PciNode[];
  readonly clients: readonly PciNode[];
  readonly platform: Platform;
}

const bits: { readonly [flag in AcsFlag]: number } = {
  SV: Acs.sourceValidation,
  TB: Acs.translationBlocking,
  RR: Acs.requestRedirect,
  CR: Acs.completionRedirect,
  UF: Acs.upstreamForwarding,
  EC: Acs.egressControl,
  DT: Acs.directTranslated,
};

/** Makes the functions of a description. @throws Misfit for the first mistake. */
export function buildTopology(description: unknown): BuiltTopology {
  return new Builder().topology(description);
}

class Builder {
  private readonly nodes = new Map<string, PciNode>();
  private readonly hostNames = new Map<string, Forwarding | undefined>();
  private readonly providers: PciNode[] = [];
  private readonly clients: PciNode[] = [];

  topology(description: unknown): BuiltTopology {
    const { processor, hosts } = check(whole, description, []);
    const tree = hosts.map((value, i) => this.host(value, ['hosts', i]));
    const { nodes, providers, clients } = this;
    const platform = { forwardsAll: processor === 'forwards all', forwards: this.forwards };
    return { tree, nodes, providers, clients, platform };
  }

  /** A host bridge whose behaviour is known decides for its own root ports; between two the list does, unless one of them is known to refuse. */
  private readonly forwards = (provider: PciNode, client: PciNode, direction: Direction): boolean => {
    const known = [provider.host, client.host].map(({ name }) => this.hostNames.get(name));
    if (provider.host === client.host && known[0] !== undefined)
      return known[0] === 'full' || known[0] === 'split' || (known[0] === 'posted' && direction === 'write');
    if (known.includes('none') || (known.includes('posted') && direction !== 'write')) return false;
    return hostsForward(provider.host, client.host, direction);
  };

  private host(value: unknown, path: Path): TreeElement {
    const given = check(elements.host, value, path);
    if (this.hostNames.has(given.host))
      throw new Misfit([...path, 'host'], `there are two host bridges '${given.host}': give each a name of its own`);
    this.hostNames.set(given.host, given.forwards);
    const { vendor = 0, device = 0, identifies = true } = given;
    const host: HostBridge = { name: given.host, vendor, device, identifies };
    const below = this.children(given.below, [...path, 'below'], 'host', host, undefined);
    return {
      kind: 'host',
      name: given.host,
      acs: [],
      below,
      role: 'none',
      host,
      ...(given.forwards && { forwards: given.forwards }),
    };
  }

  private children(
    list: readonly unknown[] | undefined,
    path: Path,
    parent: ElementKind,
    host: HostBridge,
    up: PciNode | undefined,
  ): TreeElement[] {
    const found = (list ?? []).map((value, i) => this.element(value, [...path, i], parent, host, up));
    const second = found.findIndex((each, i) => each.kind === 'switch' && found.findIndex(other => other.kind === 'switch') < i);
    if (second >= 0)
      throw new Misfit(
        [...path, second],
        `a port has one link: there can be one switch below it, and devices beside it are functions of the same card`,
      );
    return found;
  }

  private element(value: unknown, path: Path, parent: ElementKind, host: HostBridge, up: PciNode | undefined): TreeElement {
    const kind = kindOf(value, path, mayHold[parent], parent);
    if (kind === 'switch') {
      const given = check(elements.switch, value, path);
      const node = this.node(
        { name: given.switch, kind: 'upstream port', host, up, acs: given.acs },
        [...path, 'switch'],
        given.role ?? 'none',
      );
      return this.branch(
        kind,
        node,
        given,
        this.children(given.ports, [...path, 'ports'], kind, host, node),
        given.role ?? 'none',
      );
    }
    if (kind === 'device') {
      const given = check(elements.device, value, path);
      const role = given.role ?? 'both';
      const node = this.node(
        { name: given.device, kind: up ? 'endpoint' : 'integrated endpoint', host, up, acs: given.acs },
        [...path, 'device'],
        role,
      );
      const virtual = (given.virtual ?? []).map((each, i) => this.virtual(each, [...path, 'virtual', i], node));
      return this.branch(kind, node, given, virtual, role);
    }
    const given = kind === 'port' ? check(elements.port, value, path) : check(elements.rootPort, value, path);
    const name = 'port' in given ? given.port : given.rootPort;
    const node = this.node(
      { name, kind: kind === 'port' ? 'downstream port' : 'root port', host, up, acs: given.acs },
      [...path, kind],
      'none',
    );
    return this.branch(kind, node, given, this.children(given.below, [...path, 'below'], kind, host, node), 'none');
  }

  private virtual(value: unknown, path: Path, physical: PciNode): TreeElement {
    kindOf(value, path, ['device'], 'device');
    const given = check(elements.device, value, path);
    if (given.virtual)
      throw new Misfit([...path, 'virtual'], `'${given.device}' is a virtual function, which has none of its own`);
    const role = given.role ?? 'both';
    const node = this.node(
      { name: given.device, kind: 'endpoint', host: physical.host, up: undefined, acs: given.acs, physical },
      [...path, 'device'],
      role,
    );
    return this.branch('virtual', node, given, [], role);
  }

  private branch(
    kind: TreeElement['kind'],
    node: PciNode,
    { acs = [] }: { readonly acs?: readonly AcsFlag[] | undefined },
    below: readonly TreeElement[],
    role: Role,
  ): TreeElement {
    return { kind, name: node.name, acs, below, node, role };
  }

  private node(
    of: Pick<PciNode, 'name' | 'kind' | 'host'> & {
      readonly up: PciNode | undefined;
      readonly acs: readonly AcsFlag[] | undefined;
      readonly physical?: PciNode;
    },
    path: Path,
    role: Role,
  ): PciNode {
    const { name, kind, host, up, acs, physical } = of;
    if (this.nodes.has(name)) throw new Misfit(path, `'${name}' is there twice: give each port and device a name of its own`);
    const node: PciNode = {
      name,
      kind,
      host,
      ...(up && { up }),
      ...(physical && { physical }),
      ...(acs && { acs: acs.reduce((sum, flag) => sum | bits[flag], 0) }),
    };
    this.nodes.set(name, node);
    if (role === 'provider' || role === 'both') this.providers.push(node);
    if (role === 'client' || role === 'both') this.clients.push(node);
    return node;
  }
}

const listOf = (kinds: readonly string[]) => kinds.map(kind => `'${kind}'`).join(' or ');

/** The kind of an element by its key. */
function kindOf(value: unknown, path: Path, allowed: readonly ElementKind[], parent: ElementKind): ElementKind {
  if (typeof value !== 'object' || value === null)
    throw new Misfit(path, `here stands an element with a name under ${listOf(allowed)}`);
  const kinds = (Object.keys(elements) as ElementKind[]).filter(
    kind => kind in value && (kind !== 'device' || !('host' in value)),
  );
  const [kind] = kinds;
  if (kind === undefined) throw new Misfit(path, `this element has no kind: name it under ${listOf(allowed)}`);
  if (kinds.length > 1) throw new Misfit(path, `this element is ${kinds.join(' and ')} at once: name it under one of them`);
  if (!allowed.includes(kind)) throw new Misfit(path, `a ${kind} cannot hang below a ${parent}, only ${listOf(allowed)} can`);
  return kind;
}

interface Checker<T> {
  safeParse(
    value: unknown,
  ):
    | { readonly success: true; readonly data: T }
    | { readonly success: false; readonly error: { readonly issues: readonly Issue[] } };
}
interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string;
  readonly keys?: readonly string[];
}

/** A value as its schema has it. @throws Misfit for what does not fit, at its place. */
function check<T>(schema: Checker<T>, value: unknown, path: Path): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const steps = (issue?.path ?? []).map(step => (typeof step === 'number' ? step : String(step)));
  const [unknown] = issue?.code === 'unrecognized_keys' ? (issue.keys ?? []) : [];
  if (unknown !== undefined)
    throw new Misfit([...path, ...steps, unknown], `there is no '${unknown}' here: docs/topology.md has what there is`);
  throw new Misfit([...path, ...steps], issue?.message ?? 'this does not fit');
}
