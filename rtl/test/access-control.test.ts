import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { bool, input, Module, output, uint } from '../../hdl/src/index.ts';
import { AccessControl } from '../src/config/port-controls.ts';
import { accessControl } from '../src/switch/access-control.ts';

/** The function as hardware of its own, for a switch of two other ports. */
class Probe extends Module {
  readonly control = input(AccessControl);
  readonly egress_vector = input(uint(2));
  readonly request = input(bool);
  readonly memory = input(bool);
  readonly at = input(uint(2));
  readonly relaxed_ordering = input(bool);
  readonly source_valid = input(bool);
  readonly target = input(uint(2));
  readonly own = input(bool);
  readonly peer = output(uint(2));
  readonly up = output(bool);
  readonly violation = output(bool);
  protected override logic() {
    const { request, memory, at, relaxed_ordering, source_valid, target, own } = this;
    const verdict = accessControl(this.control, this.egress_vector, {
      request,
      memory,
      at,
      relaxed_ordering,
      source_valid,
      peer: target,
      own,
    });
    this.peer.set(verdict.peer.as(2));
    this.up.set(verdict.up);
    this.violation.set(verdict.violation);
  }
}

interface Case {
  readonly sv: boolean;
  readonly tb: boolean;
  readonly rr: boolean;
  readonly cr: boolean;
  readonly uf: boolean;
  readonly ec: boolean;
  readonly dt: boolean;
  /** The vector's bit for the target. */
  readonly vector: boolean;
  readonly tlp: 'memory' | 'other request' | 'completion';
  readonly at: number;
  readonly ro: boolean;
  readonly valid: boolean;
  readonly target: 'peer' | 'own' | 'elsewhere';
}
type Outcome = 'peer' | 'up' | 'violation' | 'no say';

/** The rules one after the other, as 6.12.3 tells them. */
function reference(c: Case): Outcome {
  if (c.tlp === 'completion') {
    if (c.target === 'peer') return c.cr && !c.ro ? 'up' : 'peer';
    return c.target === 'own' && c.uf ? 'up' : 'no say';
  }
  if (c.sv && !c.valid) return 'violation';
  if (c.tb && c.tlp === 'memory' && c.at !== 0) return 'violation';
  if (c.target === 'own') return c.uf ? 'up' : 'no say';
  if (c.target === 'elsewhere') return 'no say';
  if (c.tlp === 'memory' && c.at === 2 && c.dt) return 'peer';
  if (c.ec) {
    if (!c.vector) return 'peer';
    return c.rr ? 'up' : 'violation';
  }
  return c.rr ? 'up' : 'peer';
}

const both = [false, true];

describe('access control', () => {
  test('C72 C73 C74 C75 C76 C77 C78 C79: every case is as the rules say', () => {
    using sim = simulate(() => new Probe());
    const { dut } = sim;
    const ports = {
      sv: sim.port(dut.control.source_validation),
      tb: sim.port(dut.control.translation_blocking),
      rr: sim.port(dut.control.request_redirect),
      cr: sim.port(dut.control.completion_redirect),
      uf: sim.port(dut.control.upstream_forwarding),
      ec: sim.port(dut.control.egress_control),
      dt: sim.port(dut.control.direct_translated),
    };
    const others = {
      vector: sim.port(dut.egress_vector),
      request: sim.port(dut.request),
      memory: sim.port(dut.memory),
      at: sim.port(dut.at),
      ro: sim.port(dut.relaxed_ordering),
      valid: sim.port(dut.source_valid),
      target: sim.port(dut.target),
      own: sim.port(dut.own),
    };
    const results = [sim.port(dut.peer), sim.port(dut.up), sim.port(dut.violation)];
    const seen: Record<Outcome, number> = { peer: 0, up: 0, violation: 0, 'no say': 0 };
    const names = Object.keys(ports) as (keyof typeof ports)[];
    for (let bits = 0; bits < 2 ** names.length; bits++) {
      const control = Object.fromEntries(names.map((name, i) => [name, ((bits >> i) & 1) === 1])) as Record<
        keyof typeof ports,
        boolean
      >;
      for (const name of names) ports[name].words[0] = control[name] ? 1 : 0;
      for (const tlp of ['memory', 'other request', 'completion'] as const)
        for (const target of ['peer', 'own', 'elsewhere'] as const)
          for (const at of [0, 1, 2, 3])
            for (const vector of both)
              for (const ro of both)
                for (const valid of both) {
                  const port = 1 + ((bits + at) % 2);
                  others.vector.words[0] = vector ? port : 3 - port;
                  others.request.words[0] = tlp === 'completion' ? 0 : 1;
                  others.memory.words[0] = tlp === 'memory' ? 1 : 0;
                  others.at.words[0] = at;
                  others.ro.words[0] = ro ? 1 : 0;
                  others.valid.words[0] = valid ? 1 : 0;
                  others.target.words[0] = target === 'peer' ? port : 0;
                  others.own.words[0] = target === 'own' ? 1 : 0;
                  sim.settle();
                  const outcome = reference({ ...control, tlp, target, at, vector, ro, valid });
                  seen[outcome]++;
                  const expected = { peer: [port, 0, 0], up: [0, 1, 0], violation: [0, 0, 1], 'no say': [0, 0, 0] }[outcome];
                  const got = results.map(({ words }) => words[0]);
                  if (got.join() !== expected.join())
                    expect(got, `${JSON.stringify({ ...control, tlp, target, at, vector, ro, valid })} is ${outcome}`).toEqual(
                      expected,
                    );
                }
    }
    expect(Object.values(seen).every(n => n > 1000)).toBe(true);
    expect(Object.values(seen).reduce((a, b) => a + b)).toBe(2 ** 7 * 3 * 3 * 4 * 8);
  });
});
