import { reservedBy } from '@hdl/ts-hdl';
import type { LinkCredits } from '../link/fc-update.ts';
import type { PortCredits } from '../switch/port-ingress.ts';

/** A fabric described as data: root ports, switches, endpoints, and which hangs below which. */

/** A topology that cannot be built: what is wrong with it, where, and what would do. */
export class TopologyError extends Error {
  override readonly name = 'TopologyError';
}

/** What bounds a fabric. */
export const Limits = {
  /** Downstream ports of a switch. */
  ports: 32,
  /** Bus numbers of a segment: one for each link and one inside each switch, and the root bus. */
  buses: 256,
  roots: 16,
  /** Bytes of the 64-bit window for prefetchable memory: 1 TiB. */
  prefetchable: 2 ** 40,
  /** Bytes of one endpoint's BAR memory: its size is told in a 32-bit register. */
  memory: 2 ** 31,
  /** Functions of an endpoint. */
  functions: 8,
  /** Tags of an endpoint. */
  leastTags: 32,
  tags: 1024,
  /** Queue pairs of a controller, the admin queue's included, or queues of a network card. */
  leastQueues: 2,
  queues: 256,
  /** What a bridge window is a multiple of. */
  granule: 2 ** 20,
} as const;

export interface SwitchDescription {
  readonly name: string;
  /** A root port or a switch. */
  readonly parent: string;
  readonly vendor_id?: number;
  readonly device_id?: number;
  /** What each of its links advertises; `portCredits` of the switch without. */
  readonly credits?: PortCredits;
}

/** What the registers of a function are: a block device's, an NVMe controller's, a network card's, a GPU's, or none. */
export type FunctionKind = 'block' | 'nvme' | 'nic' | 'gpu' | 'memory';

/** A further function of an endpoint, beside its function 0. */
export interface FunctionDescription {
  readonly kind: FunctionKind;
  readonly device_id?: number;
  /** Bytes of BAR memory: a power of two from 4,096; 0, which is the default but for `memory`, is none. */
  readonly memory_bytes?: number;
}

/** What an endpoint is made from. */
export interface EndpointSettings {
  /** What function 0 is. */
  readonly kind: FunctionKind;
  readonly vendor_id: number;
  readonly device_id: number;
  /** Base class, sub-class and interface of function 0: 24 bits; that of its kind without. */
  readonly class_code?: number;
  /** Queue pairs of a controller or a network card: as many pairs of doorbells, or doorbells, and interrupts. That of the kind without. */
  readonly queues?: number;
  /** Bytes of BAR memory of function 0: a power of two from 4,096 to 2^31. */
  readonly memory_bytes: number;
  /** Requests of the endpoint that may be outstanding, a power of two. */
  readonly tags: number;
  /** Largest payload in bytes: 128, 256 or 512. */
  readonly max_payload: number;
  /** Functions 1, 2, … */
  readonly functions: readonly FunctionDescription[];
  /** What its link advertises; that of `endpointDefaults` without. */
  readonly credits?: LinkCredits;
}

/** Everything but name, parent and memory_bytes has a default. */
export interface EndpointDescription
  extends Partial<Omit<EndpointSettings, 'memory_bytes'>>,
    Pick<EndpointSettings, 'memory_bytes'> {
  readonly name: string;
  /** A root port or a switch. */
  readonly parent: string;
}

export interface TopologyDescription {
  /** Names of the root ports, 1 to 16; one that is called `root` by default. */
  readonly roots?: readonly string[];
  /** Non-posted requests that the root complex may have outstanding; 64 by default. */
  readonly root_tags?: number;
  readonly switches?: readonly SwitchDescription[];
  readonly endpoints: readonly EndpointDescription[];
}

export interface TopologySwitch extends Required<Omit<SwitchDescription, 'credits'>>, Pick<SwitchDescription, 'credits'> {
  /** Devices by downstream port: switches first, then endpoints, each in the order of the description. */
  readonly children: readonly string[];
}

export interface TopologyEndpoint {
  readonly name: string;
  readonly parent: string;
  readonly params: EndpointSettings;
}

/** A root port, and the device at its link. */
export interface TopologyRoot {
  readonly name: string;
  readonly top: string;
}

/** A topology that can be built. */
export interface Topology {
  readonly roots: readonly TopologyRoot[];
  readonly root_tags: number;
  readonly switches: readonly TopologySwitch[];
  readonly endpoints: readonly TopologyEndpoint[];
  /** Links by name: that of a root port is called as the port, every other as the device at its lower end. Those of the root ports are the first. */
  readonly links: readonly string[];
}

const defaults = {
  vendor_id: 0x1d1d,
  switch_id: 0x5100,
  endpoint: { kind: 'block', vendor_id: 0x1d1d, device_id: 0xe000, tags: 32, max_payload: 512, functions: [] },
  root_tags: 64,
} as const;

const kinds: readonly FunctionKind[] = ['block', 'nvme', 'nic', 'gpu', 'memory'];

/** Checks a description and fills in what it leaves open. @throws TopologyError that says what does not fit. */
export function topology(description: TopologyDescription): Topology {
  const { roots: names = ['root'], root_tags = defaults.root_tags, switches = [], endpoints } = description;
  if (names.length === 0 || names.length > Limits.roots)
    throw new TopologyError(`a fabric cannot have ${names.length} root ports: 1 to ${Limits.roots}`);
  checkNames(names, [...switches, ...endpoints]);
  checkParents(names, switches, endpoints);

  const children = (parent: string) => [...switches, ...endpoints].filter(d => d.parent === parent).map(d => d.name);
  const roots = names.map(name => {
    const [top, another] = children(name);
    if (top === undefined)
      throw new TopologyError(`nothing hangs below the root port '${name}': give one device parent: '${name}'`);
    if (another !== undefined)
      throw new TopologyError(
        `'${top}' and '${another}' both hang below the root port '${name}', which has one link: put a switch between`,
      );
    return { name, top };
  });
  checkPaths(names, switches);

  const full = switches.map(s => ({
    name: s.name,
    parent: s.parent,
    vendor_id: s.vendor_id ?? defaults.vendor_id,
    device_id: s.device_id ?? defaults.switch_id,
    children: children(s.name),
    ...(s.credits && { credits: s.credits }),
  }));
  for (const s of full) {
    if (s.children.length === 0)
      throw new TopologyError(
        `nothing hangs below the switch '${s.name}': a switch has at least 1 device below, or leave it out`,
      );
    if (s.children.length > Limits.ports)
      throw new TopologyError(
        `the switch '${s.name}' would need ${s.children.length} downstream ports, and has at most ${Limits.ports}: put a further switch below it`,
      );
  }
  const buses = 1 + switches.length + switches.length + endpoints.length;
  if (buses > Limits.buses)
    throw new TopologyError(`the fabric needs ${buses} bus numbers, and there are ${Limits.buses}: leave devices out`);
  checkMemory(endpoints);

  for (const { name, memory_bytes: bytes } of endpoints) {
    if (bytes > Limits.memory)
      throw new TopologyError(
        `the BAR memory of '${name}' cannot have ${bytes} bytes: at most ${Limits.memory}, which its registers can tell`,
      );
  }

  return {
    roots,
    root_tags,
    switches: full,
    endpoints: endpoints.map(e => ({ name: e.name, parent: e.parent, params: endpointSettings(e) })),
    links: [...names, ...full.flatMap(s => s.children)],
  };
}

/** Names of the endpoints in the order of their bus numbers: that of the ports that they hang below, depth first. */
export function endpointsByBus({ roots, switches }: Topology): string[] {
  const below = (device: string): string[] => switches.find(({ name }) => name === device)?.children.flatMap(below) ?? [device];
  return roots.flatMap(({ top }) => below(top));
}

/** The default: a switch with two drives that have BAR memory, and a third endpoint to spare. */
export function defaultTopology(): Topology {
  const KiB = 1024;
  return topology({
    switches: [{ name: 'switch0', parent: 'root' }],
    endpoints: [
      { name: 'drive0', parent: 'switch0', memory_bytes: 1024 * KiB },
      { name: 'drive1', parent: 'switch0', memory_bytes: 256 * KiB },
      { name: 'spare0', parent: 'switch0', memory_bytes: 4 * KiB },
    ],
  });
}

/** Names of the fabric's own ports and members, and of what is derived from them. */
const reserved =
  /^(clk|rst|p|links|join|joinLinks|logic|lower|below|count|betweens|endpoints?|switches|roots|ends|constructor|(pulled|retrained|link_|firmware_|media_|cycle|clear|ranges|counters|monitor).*)$/;
/** What the ports of a fabric for a root port are called, behind its name. */
const rootSuffixes = /_([rt]x.*|hot_reset|up)$/;

function checkNames(roots: readonly string[], devices: readonly { readonly name: string }[]): void {
  const seen = new Set<string>();
  for (const name of [...roots, ...devices.map(d => d.name)]) {
    if (!/^[a-z][a-z0-9_]*$/.test(name) || name.length > 64)
      throw new TopologyError(
        `'${name}' cannot be the name of a device: use up to 64 lower-case letters, digits and underscores, a letter first`,
      );
    if (seen.has(name)) throw new TopologyError(`two devices are called '${name}': give each its own name`);
    seen.add(name);
  }
  const ofRoot = (name: string) => roots.includes(name.replace(rootSuffixes, '')) && rootSuffixes.test(name);
  for (const { name } of devices) {
    const language = reservedBy(name);
    const used = reserved.test(name) || ofRoot(name);
    const why = language ? `word of ${language}` : used ? 'name that the fabric itself uses' : undefined;
    if (why) throw new TopologyError(`'${name}' is a ${why}: choose another for the device`);
  }
}

function checkParents(
  roots: readonly string[],
  switches: readonly SwitchDescription[],
  endpoints: readonly EndpointDescription[],
): void {
  if (endpoints.length === 0) throw new TopologyError('there is no endpoint: a fabric has at least one');
  const parents = new Map(switches.map(s => [s.name, s.parent]));
  for (const { name, parent } of [...switches, ...endpoints]) {
    if (roots.includes(parent) || parents.has(parent)) continue;
    const what = endpoints.some(e => e.name === parent) ? 'is an endpoint, and nothing hangs below one' : 'does not exist';
    const known = [...roots, ...parents.keys()].map(p => `'${p}'`).join(', ');
    throw new TopologyError(`the parent '${parent}' of '${name}' ${what}: it is one of ${known}`);
  }
}

function checkPaths(roots: readonly string[], switches: readonly SwitchDescription[]): void {
  const parents = new Map(switches.map(s => [s.name, s.parent]));
  for (const { name } of switches) {
    const path = [name];
    for (let up = parents.get(name); up !== undefined && !roots.includes(up); up = parents.get(up)) {
      if (path.includes(up))
        throw new TopologyError(
          `the switches ${[...path, up].join(' below ')} hang below each other: one must hang below ${roots.map(root => `'${root}'`).join(' or ')}`,
        );
      path.push(up);
    }
  }
}

function checkMemory(endpoints: readonly EndpointDescription[]): void {
  for (const { name, memory_bytes: bytes } of endpoints) {
    if (!Number.isSafeInteger(bytes) || bytes < 4096 || !Number.isInteger(Math.log2(bytes)))
      throw new TopologyError(`the BAR memory of '${name}' cannot have ${bytes} bytes: a power of two of at least 4096`);
  }
  const all = endpoints.flatMap(e => [e.memory_bytes, ...(e.functions ?? []).map(f => f.memory_bytes ?? 0)]);
  const window = all.reduce((sum, bytes) => sum + Math.max(bytes, Limits.granule), 0);
  if (window > Limits.prefetchable)
    throw new TopologyError(
      `the BAR memories need a window of ${window} bytes, and the 64-bit window has ${Limits.prefetchable}: make them smaller`,
    );
}

/** What an endpoint is made from, with what the description leaves open. */
function endpointSettings({ name, parent: _, ...given }: EndpointDescription): EndpointSettings {
  const params = { ...defaults.endpoint, ...given };
  const { kind, queues } = params;
  if (!kinds.includes(kind))
    throw new TopologyError(`'${name}' cannot be of the kind '${kind}': one of ${kinds.map(k => `'${k}'`).join(', ')}`);
  if (queues !== undefined && kind !== 'nvme' && kind !== 'nic')
    throw new TopologyError(
      `'${name}' is of the kind '${kind}', which has no queues: leave them out, or make it 'nvme' or 'nic'`,
    );
  if (queues !== undefined && (!Number.isInteger(queues) || queues < Limits.leastQueues || queues > Limits.queues))
    throw new TopologyError(`'${name}' cannot have ${queues} queues: ${Limits.leastQueues} to ${Limits.queues}`);
  const powerOfTwo = (n: number, least: number, most: number) => Number.isInteger(Math.log2(n)) && n >= least && n <= most;
  if (!powerOfTwo(params.tags, Limits.leastTags, Limits.tags))
    throw new TopologyError(
      `'${name}' cannot have ${params.tags} tags: a power of two from ${Limits.leastTags} to ${Limits.tags}`,
    );
  if (![128, 256, 512].includes(params.max_payload))
    throw new TopologyError(`'${name}' cannot have a payload limit of ${params.max_payload} bytes: 128, 256 or 512`);
  if (params.functions.length > Limits.functions - 1)
    throw new TopologyError(
      `'${name}' would have ${1 + params.functions.length} functions, and has at most ${Limits.functions}: leave some out`,
    );
  for (const { kind, memory_bytes: bytes = 0 } of params.functions) {
    if (bytes === 0 && kind === 'memory')
      throw new TopologyError(`a function 'memory' of '${name}' has no memory_bytes: give it a power of two of at least 4096`);
    if (bytes !== 0 && !powerOfTwo(bytes, 4096, Limits.memory))
      throw new TopologyError(
        `a function '${kind}' of '${name}' cannot have ${bytes} bytes of BAR memory: a power of two from 4096 to ${Limits.memory}`,
      );
  }
  return params;
}
