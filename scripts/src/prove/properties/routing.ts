import { allOf, anyOf, assert, assume, type Bool, input, Module, type UInt, u, vec } from '@hdl/ts-hdl';
import { portControls } from '../../../../rtl/src/config/port-controls.ts';
import { type Way, wayFromAbove, wayFromBelow } from '../../../../rtl/src/switch/route.ts';
import { isCompletion, TlpHeader } from '../../../../rtl/src/tlp/tlp.ts';
import type { Proof, ProofParams } from '../proof.ts';

/** Downstream ports of the switch. */
const ports = 3;
const types = portControls(ports);

const choices = (way: Way): readonly Bool[] => [
  ...Array.from({ length: ports + 1 }, (_, port) => way.egress.bit(port)),
  way.access,
  way.broadcast,
  way.terminate,
  way.unsupported,
  way.violation,
  way.blocked,
];
const countOf = (bits: readonly Bool[]): UInt<4> => bits.reduce<UInt<4>>((sum, bit) => sum.add(bit.zext(4)), u(4, 0));

/** Any header at any port, with any contents of the configuration spaces. */
class RoutingProof extends Module<ProofParams & { from: 'above' | number }> {
  readonly header = input(TlpHeader);
  readonly upstream = input(types);
  readonly downstream = input(vec(ports, types));

  protected override logic() {
    const { from, witness } = this.p;
    const { header, upstream, downstream } = this;
    const above = from === 'above';
    const way = above ? wayFromAbove(header, upstream, downstream) : wayFromBelow(header, upstream, downstream, from);
    assert(countOf(choices(way)).eq(1), 'a TLP has not exactly one way');
    assert(way.egress.bit(above ? 0 : from + 1).not(), 'a TLP leaves by the port it came in by');
    downstream.forEach((port, j) => {
      const gone = way.egress.bit(j + 1);
      assert(gone.not().or(port.link_up), 'a TLP leaves by a link that is down');
    });
    if (witness) assert(way.egress.bit(above || from === ports - 1 ? 1 : ports).not(), 'no TLP ever goes to that port');
  }
}

/**
 * What an operating system sets where devices are to be kept apart: source validation, request and completion redirect, upstream forwarding, no direct
 * translated requests, no egress control.
 */
class IsolationProof extends Module<ProofParams> {
  readonly header = input(TlpHeader);
  readonly upstream = input(types);
  readonly downstream = input(vec(ports, types));

  protected override logic() {
    const { header, upstream, downstream } = this;
    downstream.forEach(({ acs }, from) => {
      const way = wayFromBelow(header, upstream, downstream, from);
      assume(allOf([acs.request_redirect, acs.egress_control.not(), acs.direct_translated.not()]), 'requests are redirected');
      const redirected = isCompletion(header)
        .not()
        .or(acs.completion_redirect.and(header.attr.bit(1).not()));
      const across = anyOf(downstream.map((_, j) => way.egress.bit(j + 1)));
      assert(redirected.and(across).not(), 'a request crosses from one downstream port to another');
      if (this.p.witness) assert(way.egress.bit(0).not(), 'nothing ever goes up');
    });
  }
}

const anything = 'For any header and any contents of the configuration spaces, a TLP';
export const routingProofs: readonly Proof[] = [
  {
    name: 'route-from-above',
    block: 'wayFromAbove',
    claim: `${anything} from above has exactly one way, and never back up or out of a link that is down (3 ports)`,
    rules: ['C44', 'C71e'],
    build: p => new RoutingProof({ ...p, from: 'above' }),
    steps: 2,
  },
  ...Array.from(
    { length: ports },
    (_, from): Proof => ({
      name: `route-from-port-${from}`,
      block: 'wayFromBelow',
      claim: `${anything} that enters downstream port ${from} has exactly one way, and never out of its ingress or of a link that is down (3 ports)`,
      rules: ['C44', 'C71e'],
      build: p => new RoutingProof({ ...p, from }),
      steps: 2,
    }),
  ),
  {
    name: 'isolation',
    block: 'wayFromBelow',
    claim:
      'With ACS request redirect set, no request that enters a downstream port leaves by another one, whatever its header, and no completion without relaxed ordering where completion redirect is set (3 ports)',
    rules: ['C74', 'C76'],
    build: p => new IsolationProof(p),
    steps: 2,
  },
];
