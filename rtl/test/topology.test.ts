import { elaborate } from '@hdl/ts-hdl';
import { describe, expect, test } from 'vitest';
import { drawTopology, topologySvg } from '../src/fabric/draw.ts';
import { endpointParams } from '../src/fabric/endpoint-of.ts';
import { Fabric } from '../src/fabric/fabric.ts';
import { defaultTopology, endpointsByBus, type TopologyDescription, TopologyError, topology } from '../src/fabric/topology.ts';

const drive = (name: string, parent = 'switch0', memory_bytes = 4096) => ({ name, parent, memory_bytes });
const switch0 = { name: 'switch0', parent: 'root' };
const one = (endpoint: object): TopologyDescription => ({
  switches: [switch0],
  endpoints: [{ ...drive('drive0'), ...endpoint }],
});
const many = (n: number, parent = 'switch0') => Array.from({ length: n }, (_, i) => drive(`${parent}_drive${i}`, parent));

describe('what cannot be built is refused with a sentence', () => {
  test.each<[string, TopologyDescription]>([
    [
      "two devices are called 'drive0': give each its own name",
      { switches: [switch0], endpoints: [drive('drive0'), drive('drive0')] },
    ],
    ["two devices are called 'root': give each its own name", one({ name: 'root' })],
    ["'Drive 0' cannot be the name of a device: use up to 64 lower-case letters", one({ name: 'Drive 0' })],
    ["'module' is a word of Verilog: choose another for the device", one({ name: 'module' })],
    ["'root_rx' is a name that the fabric itself uses", one({ name: 'root_rx' })],
    ["the parent 'switch1' of 'drive0' does not exist: it is one of 'root', 'switch0'", one({ parent: 'switch1' })],
    [
      "the parent 'drive0' of 'drive1' is an endpoint, and nothing hangs below one",
      { switches: [switch0], endpoints: [drive('drive0'), drive('drive1', 'drive0')] },
    ],
    [
      "the switch 'switch0' would need 33 downstream ports, and has at most 32: put a further switch below it",
      { switches: [switch0], endpoints: many(33) },
    ],
    [
      "nothing hangs below the switch 'switch1'",
      { switches: [switch0, { name: 'switch1', parent: 'switch0' }], endpoints: [drive('drive0')] },
    ],
    [
      "'switch0' and 'drive0' both hang below the root port 'root', which has one link: put a switch between",
      { switches: [switch0], endpoints: [drive('drive0', 'root'), drive('drive1')] },
    ],
    [
      "nothing hangs below the root port 'top'",
      {
        roots: ['top'],
        switches: [
          { name: 'a', parent: 'b' },
          { name: 'b', parent: 'a' },
        ],
        endpoints: [drive('drive0', 'a')],
      },
    ],
    [
      'the switches a below b below a hang below each other',
      { switches: [switch0, { name: 'a', parent: 'b' }, { name: 'b', parent: 'a' }], endpoints: [drive('drive0')] },
    ],
    ['there is no endpoint: a fabric has at least one', { switches: [switch0], endpoints: [] }],
    ["the BAR memory of 'drive0' cannot have 5000 bytes: a power of two of at least 4096", one({ memory_bytes: 5000 })],
    ["the BAR memory of 'drive0' cannot have 0 bytes: a power of two of at least 4096", one({ memory_bytes: 0 })],
    ["the BAR memory of 'drive0' cannot have 4294967296 bytes: at most 2147483648", one({ memory_bytes: 2 ** 32 })],
    ["'drive0' cannot be of the kind 'tape': one of 'block', 'nvme', 'nic', 'gpu', 'memory'", one({ kind: 'tape' })],
    ["'drive0' is of the kind 'block', which has no queues: leave them out, or make it 'nvme' or 'nic'", one({ queues: 4 })],
    ["'drive0' cannot have 1 queues: 2 to 256", one({ kind: 'nvme', queues: 1 })],
    ["'drive0' cannot have 300 queues: 2 to 256", one({ kind: 'nic', queues: 300 })],
    ["'drive0' cannot have 33 tags: a power of two from 32 to 1024", one({ memory_bytes: 4096, tags: 33 })],
    ["'drive0' cannot have 16 tags: a power of two from 32 to 1024", one({ memory_bytes: 4096, tags: 16 })],
    ["'drive0' cannot have a payload limit of 300 bytes: 128, 256 or 512", one({ memory_bytes: 4096, max_payload: 300 })],
    ["the BAR memory of 'drive0' cannot have 2048 bytes", one({ memory_bytes: 2048 })],
    [
      'the BAR memories need a window of 2199023255552 bytes, and the 64-bit window has 1099511627776: make them smaller',
      one({ memory_bytes: 2 ** 41 }),
    ],
    [
      "'drive0' would have 9 functions, and has at most 8: leave some out",
      one({ functions: Array.from({ length: 8 }, () => ({ kind: 'nvme' })) }),
    ],
    ["a function 'memory' of 'drive0' has no memory_bytes", one({ functions: [{ kind: 'memory' }] })],
    [
      "a function 'nic' of 'drive0' cannot have 5000 bytes of BAR memory: a power of two from 4096",
      one({ functions: [{ kind: 'nic', memory_bytes: 5000 }] }),
    ],
  ])('%s', (message, description) => {
    const build = () => topology(description);
    expect(build).toThrow(TopologyError);
    expect(build).toThrow(message);
  });

  test('more buses than there are numbers', () => {
    const switches = [switch0, ...Array.from({ length: 10 }, (_, i) => ({ name: `s${i}`, parent: 'switch0' }))];
    const endpoints = switches.slice(1).flatMap(s => many(26, s.name));
    expect(() => topology({ switches, endpoints })).toThrow(
      'the fabric needs 283 bus numbers, and there are 256: leave devices out',
    );
  });
});

test('the default: a switch, two drives and a spare', () => {
  const t = defaultTopology();
  expect(t.roots).toEqual([{ name: 'root', top: 'switch0' }]);
  expect(t.switches.map(s => s.children)).toEqual([['drive0', 'drive1', 'spare0']]);
  expect(t.endpoints.map(e => e.params.memory_bytes)).toEqual([2 ** 20, 2 ** 18, 2 ** 12]);
  expect(t.links).toEqual(['root', 'drive0', 'drive1', 'spare0']);
});

test('switches of switches, and what descriptions leave open', () => {
  const credits = { posted: { headers: 4, data: 32 }, non_posted: { headers: 4, data: 4 }, completion: { headers: 4, data: 32 } };
  const t = topology({
    root_tags: 100,
    switches: [
      { name: 'inner', parent: 'outer', credits },
      { name: 'outer', parent: 'root' },
    ],
    endpoints: [drive('a', 'inner'), { ...drive('b', 'outer'), tags: 256, credits }, drive('c', 'inner')],
  });
  expect(t.roots).toEqual([{ name: 'root', top: 'outer' }]);
  expect(t.links).toEqual(['root', 'a', 'c', 'inner', 'b']);
  expect(t.switches.map(s => s.credits)).toEqual([credits, undefined]);
  expect(t.endpoints.map(e => [e.params.tags, e.params.functions.length, e.params.credits])).toEqual([
    [32, 0, undefined],
    [256, 0, credits],
    [32, 0, undefined],
  ]);
});

test('the kind of an endpoint is that of its function 0: class code, registers and queues follow from it', () => {
  const made = (endpoint: object) => {
    const [built] = topology(one(endpoint)).endpoints;
    if (!built) throw new RangeError('the endpoint is missing');
    const [first] = endpointParams(built.params, 256).functions;
    return [first?.config.class_code, first?.registers?.doorbells?.count, first?.registers?.msix?.vectors];
  };
  expect(made({})).toEqual([0x018000, 16, 8]);
  expect(made({ kind: 'nvme', queues: 4 })).toEqual([0x010802, 8, 4]);
  expect(made({ kind: 'nic', queues: 16 })).toEqual([0x020000, 16, 16]);
  expect(made({ kind: 'memory' })).toEqual([0x058000, undefined, undefined]);
  expect(made({ kind: 'nvme', class_code: 0x010803 })).toEqual([0x010803, 32, 16]);
});

test('endpoints by bus number: depth first, in the order of the ports, switches before endpoints', () => {
  const built = topology({
    switches: [switch0, { name: 'switch1', parent: 'switch0' }],
    endpoints: [drive('a'), drive('b', 'switch1'), drive('c'), drive('d', 'switch1')],
  });
  expect(endpointsByBus(built)).toEqual(['b', 'd', 'a', 'c']);
});

describe('several root ports', () => {
  const two = {
    roots: ['left', 'right'],
    switches: [{ name: 'switch0', parent: 'left' }],
    endpoints: [
      { ...drive('drive0'), functions: [{ kind: 'nic' }, { kind: 'memory', memory_bytes: 8192 }] },
      drive('drive1', 'switch0'),
      drive('drive2', 'right'),
    ],
  } as const;

  test('have a link each, and the fabric ports that bear their names', () => {
    const built = topology(two);
    expect(built.roots).toEqual([
      { name: 'left', top: 'switch0' },
      { name: 'right', top: 'drive2' },
    ]);
    expect(built.links).toEqual(['left', 'right', 'drive0', 'drive1']);
    const { design } = elaborate(() => new Fabric({ topology: built, width: 256 }));
    const ports = design.top.signals.filter(({ kind }) => kind === 'input' || kind === 'output').map(({ name }) => name);
    for (const name of ['left_up', 'right_up', 'left_rx_header_fmt', 'right_tx_fc_ready', 'right_hot_reset'])
      expect(ports).toContain(name);
  });

  test.each([
    ["nothing hangs below the root port 'other'", { ...two, roots: ['left', 'right', 'other'] }],
    ["two devices are called 'left': give each its own name", { ...two, roots: ['left', 'left'] }],
    ['a fabric cannot have 0 root ports: 1 to 16', { ...two, roots: [] }],
    ["'right_tx_fc' is a name that the fabric itself uses", { ...two, endpoints: [...two.endpoints, drive('right_tx_fc')] }],
    ["it is one of 'left', 'right', 'switch0'", { ...two, endpoints: [drive('drive0', 'root')] }],
  ])('what does not fit: %s', (message, description) => {
    expect(() => topology(description)).toThrow(message);
  });

  test('are drawn as text and as a picture', () => {
    expect(drawTopology(topology(two)).split('\n')).toEqual([
      'left (root port)',
      '└─ switch0 (switch, 2 ports)',
      '   ├─ drive0 (block, 4 KiB; nic; memory, 8 KiB)',
      '   └─ drive1 (block, 4 KiB)',
      'right (root port)',
      '└─ drive2 (block, 4 KiB)',
    ]);
    const svg = topologySvg(topology(two));
    // A box for each device and root port, a line for each link.
    expect([svg.match(/<rect /g)?.length, svg.match(/<path /g)?.length]).toEqual([6, 4]);
    const at = (name: string) => {
      const [, x, y] = new RegExp(`<text x="([\\d.]+)" y="([\\d.]+)" class="name">${name}<`).exec(svg) ?? [];
      return { x: Number(x), y: Number(y) };
    };
    expect(at('drive0').x).toBeLessThan(at('drive1').x);
    expect(at('switch0').x).toBe((at('drive0').x + at('drive1').x) / 2);
    expect(at('right').x).toBe(at('drive2').x);
    expect([at('left').y, at('drive2').y]).toEqual([at('right').y, at('switch0').y]);
  });
});
