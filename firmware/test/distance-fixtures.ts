import { readFileSync } from 'node:fs';
import { Acs, type HostBridge, type NodeKind, type PciNode } from '../host/src/p2pdma/tree.ts';

/** A topology with what Linux 7.0 calculates for it and what the specification makes of the TLPs. */
export interface Fixture {
  readonly id: string;
  readonly title: string;
  readonly hosts: { readonly [name: string]: { readonly vendor: number; readonly device: number; readonly firstDevfn?: string } };
  readonly cpu?: true;
  readonly nodes: readonly FixtureNode[];
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

export interface FixtureNode {
  readonly id: string;
  readonly kind: 'RP' | 'USP' | 'DSP' | 'EP' | 'RCiEP';
  readonly up?: string;
  readonly virtual?: string;
  readonly acs?: string;
  readonly host?: string;
}

const kinds: Record<FixtureNode['kind'], NodeKind> = {
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

/** One fixture a line. */
export const fixtures: readonly Fixture[] = readFileSync(new URL('./fixtures/distances.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as Fixture);

/** A fixture by its id. */
export function fixture(id: string): Fixture {
  const found = fixtures.find(f => f.id === id);
  if (!found) throw new RangeError(id);
  return found;
}

/** The nodes of a fixture by name. */
export function build({ hosts, nodes }: Fixture): (name: string) => PciNode {
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
