import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fixture, type FixtureNode, fixtures } from '../../firmware/test/distance-fixtures.ts';
import { pair, pairs } from '../src/topology/answers.ts';
import { buildTopology } from '../src/topology/build.ts';
import { drawTree } from '../src/topology/draw.ts';
import { loadTopologyFile } from '../src/topology/load.ts';
import { LocatedJson, placeInSource } from '../src/topology/locate.ts';
import { type AcsFlag, acsFlags, type HostElement, type TopologyFile } from '../src/topology/schema.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'topology-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A fixture of the distance table in the form that people write. */
function written({ hosts, nodes, cpu }: Fixture): TopologyFile {
  const acsOf = ({ acs }: FixtureNode) =>
    acs === undefined ? {} : { acs: acs.split('|').filter(flag => (acsFlags as readonly string[]).includes(flag)) as AcsFlag[] };
  const below = (id: string) => nodes.filter(n => n.up === id).map(element);
  const element = (n: FixtureNode): never => {
    const virtual = nodes.filter(v => v.virtual === n.id).map(v => ({ device: v.id, ...acsOf(v) }));
    const forms = {
      RP: { rootPort: n.id, below: below(n.id) },
      USP: { switch: n.id, role: 'both', ports: below(n.id) },
      DSP: { port: n.id, below: below(n.id) },
      EP: { device: n.id, virtual },
      RCiEP: { device: n.id },
    };
    return { ...forms[n.kind], ...acsOf(n) } as never;
  };
  const all = Object.entries(hosts).map(
    ([name, { vendor, device, firstDevfn }]): HostElement => ({
      host: name,
      vendor,
      device: device.toString(16),
      identifies: firstDevfn === undefined,
      below: nodes.filter(n => n.up === undefined && n.virtual === undefined && (n.host ?? 'plain') === name).map(element),
    }),
  );
  return { hosts: all, ...(cpu && { processor: 'forwards all' }) };
}

describe('the distance table', () => {
  test.each(fixtures.map(f => [f.id, f] as const))('%s gives the same answers from a file', (_, given) => {
    const topology = buildTopology(JSON.parse(JSON.stringify(written(given))));
    const node = (name: string) => {
      const found = topology.nodes.get(name);
      if (!found) throw new RangeError(name);
      return found;
    };
    const answers = given.pairs.map(({ client }) => pair(topology, node(given.provider), node(client)));
    answers.forEach((answer, i) => {
      const is = given.pairs[i];
      const far = is?.mapType === 'NOT_SUPPORTED';
      expect(answer).toMatchObject({
        allowed: far ? 'no' : 'yes',
        mapType: is?.mapType,
        distance: far ? -1 : is?.hops,
        rankedDistance: far ? -1 : (is?.hops ?? 0) + (is?.mapType === 'THRU_HOST_BRIDGE' ? 0x1000 : 0),
        redirecting: is?.redirecting,
        request: is?.request,
        completion: is?.completion,
      });
      // The links that the request crosses are on its path, in that order.
      const links = answer.path.filter(name => is?.crosses.includes(name));
      if (is?.request !== 'internal' && is?.request !== 'target-is-ancestor')
        expect([...new Set(links)]).toEqual([...new Set(is?.crosses)]);
    });
    expect(pairs(topology).length).toBe(topology.providers.length * topology.clients.length);
  });
});

const host = (below: unknown[], more: object = {}) => ({
  hosts: [{ host: 'h', vendor: '0x8086', device: 0x2030, below, ...more }],
});
const behind = (...devices: unknown[]) => ({ rootPort: 'rp', below: devices });

describe('host bridges', () => {
  test.each([
    ['none', 'no', 'NOT_SUPPORTED', -1],
    ['posted', 'writes only', 'NOT_SUPPORTED', -1],
    ['full', 'yes', 'THRU_HOST_BRIDGE', 4],
    ['split', 'yes', 'THRU_HOST_BRIDGE', 4],
    [undefined, 'yes', 'THRU_HOST_BRIDGE', 4],
  ] as const)('one that forwards %s counts in place of the list', (forwards, allowed, mapType, distance) => {
    const below = [behind({ device: 'a' }), { rootPort: 'rp1', below: [{ device: 'b' }] }];
    const answer = pairs(buildTopology(host(below, forwards && { forwards }))).find(p => p.provider === 'a' && p.client === 'b');
    expect(answer).toMatchObject({ allowed, mapType, distance, path: ['b', 'rp1', 'h', 'rp', 'a'] });
    expect(answer?.notes.some(note => note.includes('data would be lost'))).toBe(forwards === 'none' || forwards === 'posted');
  });
});

test('the tree tells kinds, access control and distances', () => {
  const topology = buildTopology(
    host([
      behind({
        switch: 'sw',
        ports: [
          {
            port: 'p0',
            acs: ['SV', 'RR'],
            below: [{ device: 'card', role: 'provider', virtual: [{ device: 'vf', role: 'client' }] }],
          },
          { port: 'p1', below: [{ device: 'nic', role: 'client' }] },
        ],
      }),
    ]),
  );
  expect(drawTree(topology, pairs(topology))).toEqual([
    'h host bridge 8086:2030',
    '└─ rp root port',
    '   └─ sw switch',
    '      ├─ p0 port ACS SV RR',
    '      │  └─ card provider',
    '      │     └─ vf virtual function: card 2 through the host',
    '      └─ p1 port',
    '         └─ nic client: card 4 through the host',
  ]);
});

/** Mistakes with the line of the file below where each is, and words of the message. */
const mistakes: readonly [what: string, text: string, line: number, words: RegExp][] = [
  ['a comma too many', '{\n  "hosts": [\n    {},\n  ]\n}', 4, /this is no JSON/],
  ['a file that ends early', '{\n  "hosts": [\n', 2, /this is no JSON: a value is expected/],
  ['no quotes', '{\n\n hosts: [] }', 3, /a key in double quotes/],
  ['a key twice', '{ "hosts": [],\n "hosts": [] }', 2, /"hosts" is there twice/],
  ['no hosts', '{\n  "processor": "plain"\n}', 1, /hosts are a list/],
  ['an unknown key', '{\n  "hosts": [\n    {\n      "host": "h",\n      "speed": 3\n    }\n  ]\n}', 5, /no 'speed' here/],
  ['an ID that is none', '{ "hosts": [\n { "host": "h",\n "vendor": "intel" } ] }', 3, /ID is a number up to 65535/],
  [
    'an unknown ACS bit',
    '{ "hosts": [ { "host": "h", "below": [\n { "rootPort": "rp", "acs": [\n "RR",\n "XX" ] } ] } ] }',
    4,
    /some of SV, TB, RR/,
  ],
  ['an unknown forwarding', '{ "hosts": [ { "host": "h",\n "forwards": "some" } ] }', 2, /one of none, posted, full, split/],
  [
    'a port below a host',
    '{ "hosts": [ { "host": "h", "below": [\n\n { "port": "p" } ] } ] }',
    3,
    /a port cannot hang below a host, only 'rootPort' or 'device' can/,
  ],
  [
    'a name twice',
    '{ "hosts": [ { "host": "h", "below": [\n { "device": "a" },\n { "device": "a" } ] } ] }',
    3,
    /'a' is there twice/,
  ],
  ['a host twice', '{ "hosts": [ { "host": "h" },\n { "host": "h" } ] }', 2, /two host bridges 'h'/],
  ['no kind', '{ "hosts": [ { "host": "h", "below": [\n { "name": "a" } ] } ] }', 2, /has no kind/],
  [
    'two kinds',
    '{ "hosts": [ { "host": "h", "below": [\n { "device": "a", "switch": "b" } ] } ] }',
    2,
    /switch and device at once/,
  ],
  ['text for an element', '{ "hosts": [ { "host": "h", "below": [\n "nic" ] } ] }', 2, /element with a name/],
  [
    'two switches below a port',
    '{ "hosts": [ { "host": "h", "below": [ { "rootPort": "rp", "below": [\n{ "switch": "a" },\n{ "switch": "b" } ] } ] } ] }',
    3,
    /one switch below it/,
  ],
  [
    'a virtual function of a virtual function',
    '{ "hosts": [ { "host": "h", "below": [ { "device": "a", "virtual": [\n{ "device": "b",\n"virtual": [] } ] } ] } ] }',
    3,
    /a virtual function, which has none/,
  ],
];

describe('mistakes', () => {
  test.each(mistakes)('%s is told with its file and line', async (_, text, line, words) => {
    const path = join(folder, 'wrong.json');
    writeFileSync(path, text);
    const error: unknown = await loadTopologyFile(path).catch(e => e);
    expect(error).toMatchObject({ name: 'UsageError', message: expect.stringMatching(words) });
    expect(String((error as Error).message).startsWith(`${path}:${line}: `), (error as Error).message).toBe(true);
  });

  test('in a module the line is that of the name or word', async () => {
    const cases: readonly [lines: string[], line: number][] = [
      [
        [
          "const a = { device: 'twice' };",
          'export default {',
          "  hosts: [{ host: 'h', below: [{ device: 'once' },",
          "    { device: 'once' }] }],",
          '};',
        ],
        4,
      ],
      [['export default {', "  hosts: [{ host: 'h',", "    forwards: 'some' }],", '};'], 3],
      [['export default {', "  hosts: [{ host: 'h',", '    colour: 7 }],', '};'], 3],
    ];
    for (const [i, [lines, line]] of cases.entries()) {
      const path = join(folder, `wrong${i}.mjs`);
      writeFileSync(path, lines.join('\n'));
      const error: unknown = await loadTopologyFile(path).catch(e => e);
      expect((error as Error).message).toMatch(new RegExp(`wrong${i}\\.mjs:${line}: `));
    }
  });

  test('a file that is not there, a module that does not run, and a fabric for the simulator', async () => {
    await expect(loadTopologyFile(join(folder, 'none.json'))).rejects.toThrow(
      /cannot read .* it does not exist.* examples\/p2p-topology\.json/,
    );
    writeFileSync(join(folder, 'throws.mjs'), 'throw new Error("no");');
    await expect(loadTopologyFile(join(folder, 'throws.mjs'))).rejects.toThrow(/cannot be run: no/);
    await expect(loadTopologyFile(join(root, 'examples/topology.ts'))).rejects.toThrow(
      /a fabric for the simulator.*docs\/topology\.md/,
    );
  });

  test('places in JSON and in sources', () => {
    const text = '{"a": [1, "]}",\n {"b\\"": {"c":\n [true]}}]}';
    const json = new LocatedJson(text);
    expect(json.value).toEqual(JSON.parse(text));
    expect([['a', 2, 'b"', 'c'], ['a', 1], ['a', 2], ['a', 9], ['x']].map(path => json.lineOf(path))).toEqual([3, 1, 2, 1, 1]);
    const source = 'x: 1\ny\n"x"';
    expect([placeInSource(source, 'x'), placeInSource(source, 'x', { nth: 1 }), placeInSource('y', 'x')]).toEqual([
      0,
      7,
      undefined,
    ]);
    expect(placeInSource(source, 'x', { from: 3 })).toBe(7);
  });
});

test('the command draws, answers and writes data; the examples of the page are right', () => {
  const tool = join(root, 'scripts/bin/p2p.mjs');
  const json = join(folder, 'answers.json');
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [tool, 'topology', ...args], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });
  const done = run('examples/p2p-topology.json', '--json', json);
  expect([done.status, done.stderr]).toEqual([0, '']);
  expect(done.stdout).toContain('nvme1 → gpu: port2 redirects');
  const answers = JSON.parse(readFileSync(json, 'utf8'));
  expect(answers).toContainEqual(expect.objectContaining({ provider: 'card', client: 'nic', distance: 6, rankedDistance: 4102 }));
  const page = readFileSync(join(root, 'docs/topology.md'), 'utf8');
  const drawn = /```text\n(host0[\s\S]*?)```/.exec(page)?.[1];
  expect(done.stdout.startsWith(drawn ?? 'no drawing')).toBe(true);
  writeFileSync(join(folder, 'own.ts'), /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? '');
  expect(run(join(folder, 'own.ts')).stdout).toContain('nic client: card 4\n');
  expect(run('nowhere.json')).toMatchObject({ status: 2, stdout: '' });
});
