import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { distance, distanceMany } from '../host/src/p2pdma/distance.ts';
import { route } from '../host/src/p2pdma/route.ts';
import { Acs, type HostBridge, type NodeKind, type PciNode } from '../host/src/p2pdma/tree.ts';

interface Fixture {
  readonly id: string;
  readonly title: string;
  readonly hosts: { readonly [name: string]: { readonly vendor: number; readonly device: number; readonly firstDevfn?: string } };
  readonly cpu?: true;
  readonly nodes: readonly {
    readonly id: string;
    readonly kind: 'RP' | 'USP' | 'DSP' | 'EP' | 'RCiEP';
    readonly up?: string;
    readonly virtual?: string;
    readonly acs?: string;
    readonly host?: string;
  }[];
  readonly provider: string;
  readonly clients: readonly string[];
  readonly distance: number;
  readonly pairs: readonly {
    readonly client: string;
    readonly mapType: string;
    readonly hops: number;
    readonly redirecting: readonly string[];
    readonly request: string;
    readonly completion: string;
    readonly crosses: readonly string[];
  }[];
}

const kinds: Record<Fixture['nodes'][number]['kind'], NodeKind> = {
  RP: 'root port',
  USP: 'upstream port',
  DSP: 'downstream port',
  EP: 'endpoint',
  RCiEP: 'integrated endpoint',
};
const bits: { readonly [name: string]: number } = {
  SV: Acs.sourceValidation,
  TB: Acs.translationBlocking,
  RR: Acs.requestRedirect,
  CR: Acs.completionRedirect,
  UF: Acs.upstreamForwarding,
  EC: Acs.egressControl,
  DT: Acs.directTranslated,
};

/** One fixture a line: topologies with what Linux 7.0 calculates for them and what the specification makes of the TLPs. */
const fixtures = readFileSync(new URL('./fixtures/distances.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as Fixture);

/** The nodes of a fixture by name. */
function build({ hosts, nodes }: Fixture): (name: string) => PciNode {
  const bridges = new Map<string, HostBridge>();
  for (const [name, { vendor, device, firstDevfn }] of Object.entries(hosts))
    bridges.set(name, { name, vendor, device, identifies: firstDevfn === undefined });
  const built = new Map<string, PciNode>();
  const make = (name: string): PciNode => {
    const known = built.get(name);
    if (known) return known;
    const given = nodes.find(n => n.id === name);
    const host = bridges.get(given?.host ?? 'plain');
    if (!given || !host) throw new RangeError(name);
    const node: PciNode = {
      name,
      kind: kinds[given.kind],
      host,
      ...(given.up === undefined ? {} : { up: make(given.up) }),
      ...(given.virtual === undefined ? {} : { physical: make(given.virtual) }),
      ...(given.acs === undefined ? {} : { acs: given.acs.split('|').reduce((sum, bit) => sum | (bits[bit] ?? 0), 0) }),
    };
    built.set(name, node);
    return node;
  };
  return make;
}

const names = (nodes: readonly PciNode[]) => nodes.map(n => n.name);

describe('distances', () => {
  test('there are fixtures', () => expect(fixtures.length).toBe(55));

  test.each(fixtures.map(f => [f.id, f.title, f] as const))('M4-12 %s: %s', (_, __, fixture) => {
    const node = build(fixture);
    const provider = node(fixture.provider);
    const platform = { forwardsAll: fixture.cpu === true };
    expect(distanceMany(provider, fixture.clients.map(node), platform)).toBe(fixture.distance);
    for (const pair of fixture.pairs) {
      const found = distance(provider, node(pair.client), platform);
      expect([found.mapType, found.hops, names(found.redirecting)]).toEqual([pair.mapType, pair.hops, pair.redirecting]);
      const way = route(provider, node(pair.client));
      expect([way.request, way.completion, names(way.crosses)]).toEqual([pair.request, pair.completion, pair.crosses]);
    }
  });
});
