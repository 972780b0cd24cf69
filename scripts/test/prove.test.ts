import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { assert, Module, mux, output, reg, u, uint } from '../../hdl/src/index.ts';
import { proofsPage } from '../src/prove/page.ts';
import { allProofs } from '../src/prove/properties/index.ts';
import { check, type Finding, findingOf } from '../src/prove/run.ts';
import { proofsPath } from '../src/prove.ts';

const findings = new Map<string, Finding>();

for (const proof of allProofs) {
  const rules = proof.rules.length > 0 ? `${proof.rules.join(' ')}: ` : '';
  test(`${rules}proof ${proof.name}: ${proof.claim}`, async () => {
    const finding = await findingOf(proof);
    findings.set(proof.name, finding);
    expect(finding.verdict.kind).toBe('proved');
    expect(finding.witnessed, 'the assumptions leave something to prove').toBe(true);
  });
}

test('docs/proofs.md is what these proofs give', () => {
  const all = allProofs.flatMap(proof => findings.get(proof.name) ?? []);
  expect(readFileSync(proofsPath, 'utf8'), 'run npm run prove').toBe(proofsPage(all));
});

/** Counts to a limit; claims that it stays at or below another one. */
class Counts extends Module<{ limit: number; claimed: number }> {
  readonly count = output(uint(4));
  private readonly value = reg(uint(4), { init: 0 });
  protected override logic() {
    this.value.set(mux(this.value.eq(this.p.limit), u(4, 0), this.value.add(1)));
    this.count.set(this.value);
    assert(this.value.le(this.p.claimed), 'counts too far');
  }
}

test('what is false is refuted with a waveform, what is true but does not follow is not decided, what follows is proved', async () => {
  const refuted = await check(() => new Counts({ limit: 5, claimed: 4 }), 8);
  expect(refuted).toMatchObject({ kind: 'refuted', waveform: expect.stringMatching(/\$var .*value[\s\S]*#6/) });
  expect(await check(() => new Counts({ limit: 5, claimed: 5 }), 8)).toEqual({ kind: 'proved', steps: 2 });
  // From 6 to 8, which are never reached, the count goes on to 9 after up to 3 cycles.
  expect(await check(() => new Counts({ limit: 5, claimed: 8 }), 2)).toEqual({ kind: 'undecided', steps: 2 });
});
