import { reservedBy } from '@hdl/ts-hdl';
import type { EndpointParams } from '../endpoint/endpoint.ts';

/** A fabric described as data: a root port, switches, endpoints, and which hangs below which. */

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
  /** Bytes of the 64-bit window for prefetchable memory: 1 TiB. */
  prefetchable: 2 ** 40,
  /** Bytes of one endpoint's BAR memory: its size is told in a 32-bit register. */
  memory: 2 ** 31,
  /** What a bridge window is a multiple of. */
  granule: 2 ** 20,
} as const;

export interface SwitchDescription {
  readonly name: string;
  /** The root or a switch. */
  readonly parent: string;
  readonly vendor_id?: number;
  readonly device_id?: number;
}

/** Everything but name, parent and memory_bytes has a default. */
export interface EndpointDescription extends Partial<Omit<EndpointParams, 'width' | 'memory_bytes'>> {
  readonly name: string;
  /** The root or a switch. */
  readonly parent: string;
  /** Bytes of BAR memory: a power of two from 4,096 to 2^31. */
  readonly memory_bytes: number;
}

export interface TopologyDescription {
  /** Name of the root port. */
  readonly root?: string;
  /** Non-posted requests that the root complex may have outstanding; 64 by default. */
  readonly root_tags?: number;
  readonly switches?: readonly SwitchDescription[];
  readonly endpoints: readonly EndpointDescription[];
}

export interface TopologySwitch extends Required<SwitchDescription> {
  /** Devices by downstream port: switches first, then endpoints, each in the order of the description. */
  readonly children: readonly string[];
}

export interface TopologyEndpoint {
  readonly name: string;
  readonly parent: string;
  /** All but the width, which the fabric gives. */
  readonly params: Omit<EndpointParams, 'width'>;
}

/** A topology that can be built. */
export interface Topology {
  readonly root: string;
  readonly root_tags: number;
  /** The device at the root port. */
  readonly top: string;
  readonly switches: readonly TopologySwitch[];
  readonly endpoints: readonly TopologyEndpoint[];
  /** Links by name: the root's is called as the root, every other as the device at its lower end. The root's is the first. */
  readonly links: readonly string[];
}

const defaults = {
  vendor_id: 0x1d1d,
  switch_id: 0x5100,
  endpoint: { vendor_id: 0x1d1d, device_id: 0xe000, class_code: 0x018000, tags: 32, max_payload: 512 },
  root_tags: 64,
  request_depth: 256,
} as const;

/** Checks a description and fills in what it leaves open. @throws TopologyError that says what does not fit. */
export function topology(description: TopologyDescription): Topology {
  const { root = 'root', root_tags = defaults.root_tags, switches = [], endpoints } = description;
  checkNames(root, [...switches, ...endpoints]);
  checkParents(root, switches, endpoints);

  const children = (parent: string) => [...switches, ...endpoints].filter(d => d.parent === parent).map(d => d.name);
  const [top, another] = children(root);
  if (top === undefined)
    throw new TopologyError(`nothing hangs below the root port '${root}': give one device parent: '${root}'`);
  if (another !== undefined)
    throw new TopologyError(
      `'${top}' and '${another}' both hang below the root port '${root}', which has one link: put a switch between`,
    );
  checkPaths(root, switches);

  const full = switches.map(s => ({
    name: s.name,
    parent: s.parent,
    vendor_id: s.vendor_id ?? defaults.vendor_id,
    device_id: s.device_id ?? defaults.switch_id,
    children: children(s.name),
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
    root,
    root_tags,
    top,
    switches: full,
    endpoints: endpoints.map(e => ({ name: e.name, parent: e.parent, params: endpointParams(e, endpoints, root_tags) })),
    links: [root, ...full.flatMap(s => s.children)],
  };
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
  /^(clk|rst|p|links|joints|logic|lower|endpoints?|switches|constructor|(root_[rt]x|firmware_|media_|cycle|clear|ranges|counters|monitor).*)$/;

function checkNames(root: string, devices: readonly { readonly name: string }[]): void {
  const seen = new Set<string>();
  for (const name of [root, ...devices.map(d => d.name)]) {
    if (!/^[a-z][a-z0-9_]*$/.test(name) || name.length > 64)
      throw new TopologyError(
        `'${name}' cannot be the name of a device: use up to 64 lower-case letters, digits and underscores, a letter first`,
      );
    if (seen.has(name)) throw new TopologyError(`two devices are called '${name}': give each its own name`);
    seen.add(name);
  }
  for (const { name } of devices) {
    const language = reservedBy(name);
    const why = language ? `word of ${language}` : reserved.test(name) ? 'name that the fabric itself uses' : undefined;
    if (why) throw new TopologyError(`'${name}' is a ${why}: choose another for the device`);
  }
}

function checkParents(root: string, switches: readonly SwitchDescription[], endpoints: readonly EndpointDescription[]): void {
  if (endpoints.length === 0) throw new TopologyError('there is no endpoint: a fabric has at least one');
  const parents = new Map(switches.map(s => [s.name, s.parent]));
  for (const { name, parent } of [...switches, ...endpoints]) {
    if (parent === root || parents.has(parent)) continue;
    const what = endpoints.some(e => e.name === parent) ? 'is an endpoint, and nothing hangs below one' : 'does not exist';
    const known = [root, ...parents.keys()].map(p => `'${p}'`).join(', ');
    throw new TopologyError(`the parent '${parent}' of '${name}' ${what}: it is one of ${known}`);
  }
}

function checkPaths(root: string, switches: readonly SwitchDescription[]): void {
  const parents = new Map(switches.map(s => [s.name, s.parent]));
  for (const { name } of switches) {
    const path = [name];
    for (let up = parents.get(name); up !== undefined && up !== root; up = parents.get(up)) {
      if (path.includes(up))
        throw new TopologyError(
          `the switches ${[...path, up].join(' below ')} hang below each other: one must hang below '${root}'`,
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
  const window = endpoints.reduce((sum, e) => sum + Math.max(e.memory_bytes, Limits.granule), 0);
  if (window > Limits.prefetchable)
    throw new TopologyError(
      `the BAR memories need a window of ${window} bytes, and the 64-bit window has ${Limits.prefetchable}: make them smaller`,
    );
}

/** The consumption guarantee: an endpoint holds every non-posted request that all others can have outstanding together. */
function endpointParams(
  { name, parent: _, ...given }: EndpointDescription,
  all: readonly EndpointDescription[],
  root_tags: number,
): TopologyEndpoint['params'] {
  const tagsOf = (e: EndpointDescription) => e.tags ?? defaults.endpoint.tags;
  const outstanding = all.filter(e => e.name !== name).reduce((sum, e) => sum + tagsOf(e), root_tags);
  let depth: number = defaults.request_depth;
  while (depth < outstanding) depth *= 2;
  const { request_depth = depth, ...rest } = given;
  if (request_depth < outstanding)
    throw new TopologyError(
      `'${name}' holds ${request_depth} non-posted requests, but the others can have ${outstanding} outstanding: raise request_depth or lower their tags`,
    );
  const params = { ...defaults.endpoint, ...rest, request_depth };
  const powerOfTwo = (n: number, most: number) => Number.isInteger(Math.log2(n)) && n >= 1 && n <= most;
  if (!powerOfTwo(params.tags, 256))
    throw new TopologyError(`'${name}' cannot have ${params.tags} tags: a power of two from 1 to 256`);
  if (!powerOfTwo(request_depth, 65_536))
    throw new TopologyError(`'${name}' cannot hold ${request_depth} non-posted requests: a power of two up to 65536`);
  if (![128, 256, 512].includes(params.max_payload))
    throw new TopologyError(`'${name}' cannot have a payload limit of ${params.max_payload} bytes: 128, 256 or 512`);
  return params;
}
