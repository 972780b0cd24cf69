import Table from 'cli-table3';
import pc from 'picocolors';
import type { PairAnswer } from './answers.ts';
import type { BuiltTopology, TreeElement } from './build.ts';

/** The tree with each client's distances from all providers, a table of all pairs, and what should be known. */
export function renderTopology(topology: BuiltTopology, answers: readonly PairAnswer[]): string {
  const notes = new Set(
    answers.flatMap(({ notes: each, client, provider }) => each.map(note => `${client} → ${provider}: ${note}`)),
  );
  return [...drawTree(topology, answers), '', pairTable(answers), ...(notes.size > 0 ? ['', ...notes] : []), ''].join('\n');
}

/** A line per element; behind a client its distances. */
export function drawTree(topology: BuiltTopology, answers: readonly PairAnswer[]): string[] {
  return topology.tree.flatMap(host => [label(host, answers), ...branches(host.below, answers)]);
}

function branches(elements: readonly TreeElement[], answers: readonly PairAnswer[]): string[] {
  return elements.flatMap((element, i) => {
    const last = i === elements.length - 1;
    return [
      `${last ? '└─ ' : '├─ '}${label(element, answers)}`,
      ...branches(element.below, answers).map(line => `${last ? '   ' : '│  '}${line}`),
    ];
  });
}

const kinds: { readonly [kind in TreeElement['kind']]: string } = {
  host: 'host bridge',
  rootPort: 'root port',
  switch: 'switch',
  port: 'port',
  device: '',
  virtual: 'virtual function',
};

function label(element: TreeElement, answers: readonly PairAnswer[]): string {
  const { kind, name, acs, host, forwards, role } = element;
  const ids = host && [host.vendor, host.device].map(id => id.toString(16).padStart(4, '0')).join(':');
  const what = kind === 'device' && (role === 'provider' || role === 'client') ? role : kinds[kind];
  const words = [name, what, ids, forwards && `forwards ${forwards}`, acs.length > 0 ? `ACS ${acs.join(' ')}` : ''];
  const distances = answers
    .filter(({ client }) => client === name)
    .map(({ provider, ...each }) => `${provider} ${distanceText(each)}`);
  return `${words.filter(word => word).join(' ')}${distances.length > 0 ? `: ${distances.join(', ')}` : ''}`;
}

/** `4`, `4 through the host`, `out of reach`. */
function distanceText({ distance, mapType, allowed }: Pick<PairAnswer, 'distance' | 'mapType' | 'allowed'>): string {
  if (allowed === 'writes only') return 'for writes only';
  if (distance < 0) return 'out of reach';
  return mapType === 'THRU_HOST_BRIDGE' ? `${distance} through the host` : `${distance}`;
}

const colour = { yes: pc.green, 'writes only': pc.yellow, no: pc.red } as const;

function pairTable(answers: readonly PairAnswer[]): string {
  const head = ['provider', 'client', 'allowed', 'distance', 'ranked', 'map type', 'requests', 'completions', 'path'];
  const table = new Table({
    head,
    colAligns: head.map((_, i) => (i === 3 || i === 4 ? 'right' : 'left')),
    style: { head: process.stdout.isTTY ? ['bold'] : [], border: [], compact: true },
  });
  for (const a of answers)
    table.push([
      a.provider,
      a.client,
      colour[a.allowed](a.allowed),
      a.distance,
      a.rankedDistance,
      a.mapType,
      a.request,
      a.completion,
      a.path.join(' → '),
    ]);
  return table.toString();
}
