import { describe, expect, test } from 'vitest';
import { directedPolicy, distance, distanceMany, linuxPolicy, rankedPolicy } from '../host/src/p2pdma/distance.ts';
import { direct, route } from '../host/src/p2pdma/route.ts';
import type { PciNode } from '../host/src/p2pdma/tree.ts';
import { build, fixture, fixtures } from './distance-fixtures.ts';

const names = (nodes: readonly PciNode[]) => nodes.map(n => n.name);

/** Distance of a fixture's clients under a policy. */
function distanceOf(id: string, policy = linuxPolicy) {
  const given = fixture(id);
  const node = build(given);
  return distanceMany(node(given.provider), given.clients.map(node), { forwardsAll: given.cpu === true, policy });
}

describe('distances', () => {
  test('there are fixtures', () => expect(fixtures.length).toBe(55));

  test.each(fixtures.map(f => [f.id, f.title, f] as const))('M4-12: %s: %s', (_, __, given) => {
    const node = build(given);
    const provider = node(given.provider);
    const platform = { forwardsAll: given.cpu === true };
    expect(distanceMany(provider, given.clients.map(node), platform)).toBe(given.distance);
    for (const pair of given.pairs) {
      const found = distance(provider, node(pair.client), platform);
      expect([found.mapType, found.hops, names(found.redirecting)]).toEqual([pair.mapType, pair.hops, pair.redirecting]);
      const way = route(provider, node(pair.client));
      expect([way.request, way.completion, names(way.crosses)]).toEqual([pair.request, pair.completion, pair.crosses]);
    }
  });

  test('M4-4: the penalty of 0x1000 for each way through a host bridge, and none today', () => {
    for (const given of fixtures) {
      const through = given.pairs.filter(({ mapType }) => mapType === 'THRU_HOST_BRIDGE').length;
      expect([given.id, distanceOf(given.id)]).toEqual([given.id, given.distance]);
      const ranked = given.distance < 0 ? -1 : given.distance + through * 0x1000;
      expect([given.id, distanceOf(given.id, rankedPolicy)]).toEqual([given.id, ranked]);
    }
    // Today a provider elsewhere can tie with one at the same switch, or win; with the penalty it cannot.
    expect([distanceOf('D37a'), distanceOf('D37b'), distanceOf('D38')]).toEqual([8, 8, 7]);
    expect(distanceOf('D37a', rankedPolicy)).toBeLessThan(distanceOf('D37b', rankedPolicy));
    expect(distanceOf('D37a', rankedPolicy)).toBeLessThan(distanceOf('D38', rankedPolicy));
  });

  test('M2-12: on one switch without redirection peers always reach each other, and nothing goes to the root', () => {
    for (const id of ['D02', 'D10', 'D11', 'D29a', 'D31']) {
      const [pair] = fixture(id).pairs;
      expect([id, distanceOf(id) > 0, pair?.mapType, pair?.request]).toEqual([id, true, 'BUS_ADDR', 'direct']);
    }
  });

  test('M2-10: between domains nothing is reached that no list or processor vouches for', () => {
    expect([distanceOf('D20'), distanceOf('D19a')]).toEqual([-1, 4]);
  });

  test('M4-3 M4-5: root ports of a listed host bridge, of a bridge listed for itself only, of two bridges', () => {
    const expected = { D12a: -1, D12c: -1, D13a: 4, D13b: 8, D13c: 6, D14a: 4, D14b: 8, D15a: -1, D16a: 4, D16b: 8, D18a: -1 };
    for (const [id, is] of Object.entries(expected)) expect([id, distanceOf(id)]).toEqual([id, is]);
  });

  test('M4-7 M4-8: the provider is one of the clients or not; the sum is over all clients', () => {
    const expected = { D40: 4, D41: 4, D42: 8, D43: 16, D45: 20 };
    for (const [id, is] of Object.entries(expected)) expect([id, distanceOf(id)]).toEqual([id, is]);
  });

  test('M4-10: one client out of reach, or no client at all, is -1', () => {
    expect([distanceOf('D47'), distanceOf('D48')]).toEqual([-1, -1]);
  });

  test('M4-13: by direction the completions of a redirecting provider port count for reads only', () => {
    const at = (id: string) => {
      const given = fixture(id);
      const node = build(given);
      const [client = ''] = given.clients;
      const [provider, from] = [node(given.provider), node(client)];
      return (['write', 'read', 'both'] as const).map(way => distance(provider, from, { policy: directedPolicy }, way).mapType);
    };
    // Completion redirect at the provider, request redirect at the client, either on the side where it does not matter.
    expect(at('D25a')).toEqual(['BUS_ADDR', 'NOT_SUPPORTED', 'NOT_SUPPORTED']);
    expect(at('D25b')).toEqual(['BUS_ADDR', 'THRU_HOST_BRIDGE', 'THRU_HOST_BRIDGE']);
    expect(at('D24a')).toEqual(['NOT_SUPPORTED', 'NOT_SUPPORTED', 'NOT_SUPPORTED']);
    expect(at('D23a')).toEqual(['BUS_ADDR', 'BUS_ADDR', 'BUS_ADDR']);
    expect(at('D26a')).toEqual(['BUS_ADDR', 'BUS_ADDR', 'BUS_ADDR']);
    // Linux looks at every port and never at the direction.
    const given = fixture('D25a');
    const node = build(given);
    expect(distance(node(given.provider), node(given.clients[0] ?? ''), {}, 'write').mapType).toBe('NOT_SUPPORTED');
  });

  test('by direction every direct answer is one by the rules of routing, in all fixtures', () => {
    for (const given of fixtures) {
      const node = build(given);
      for (const { client, request, completion } of given.pairs) {
        const found = distance(node(given.provider), node(client), { policy: directedPolicy }, 'both');
        if (found.mapType === 'BUS_ADDR')
          expect([given.id, request, completion].slice(1).every(w => direct(w as never))).toBe(true);
      }
    }
  });
});
