import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embedded } from '@hdl/ts-hdl';
import { afterAll, describe, expect, test } from 'vitest';
import { FabricBench, SoakFailure } from '../src/fabric-soak/bench.ts';
import { type Epoch, play } from '../src/fabric-soak/epoch.ts';
import { soakedTopology } from '../src/fabric-soak/plan.ts';

/** Two levels of switches and five leaves. */
const small = { topology: soakedTopology('small'), max_payload: 128 } as const;
const narrow = new FabricBench({ ...small, width: 64, credits: 'least' }, embedded);
const wide = new FabricBench({ ...small, width: 256, credits: 'usual' }, embedded);
afterAll(() => wide[Symbol.dispose]());
/** Milliseconds: on a machine that does much else. */
const patience = 600_000;

/** Plays epochs; a failure tells its seed. */
function plays(bench: FabricBench, epochs: readonly Epoch[]): void {
  for (const epoch of epochs) {
    try {
      const { all, completions } = play(bench, epoch);
      expect(all).toBeGreaterThanOrEqual(epoch.tlps);
      expect(completions).toBeGreaterThan(0);
    } catch (error) {
      if (error instanceof SoakFailure) error.message = `seed ${epoch.seed}, cycle ${error.cycle}: ${error.message}`;
      throw error;
    }
  }
}

describe('everybody to everybody through two levels of switches', () => {
  test(
    'C20 C21 C30 C32 C33 C34 C38 C40 C41 C44 C60 C65 C98: nothing lost, doubled, altered, astray or out of order (256 bits)',
    () => {
      plays(wide, [
        { seed: 1, tlps: 4000, acs: 'off', reset: false },
        { seed: 2, tlps: 3000, acs: 'checks', reset: false },
      ]);
    },
    patience,
  );

  test(
    'C60 C61 C62 C70a C70b C70d: no deadlock with the least credits in all directions, and all come back (64 bits)',
    () => {
      plays(narrow, [
        { seed: 3, tlps: 3000, acs: 'off', reset: false },
        { seed: 4, tlps: 1500, acs: 'off', reset: false },
      ]);
    },
    patience,
  );

  test(
    'C66 C72 C74 C75 C76: what access control sends up comes down again by the root, each way in order',
    () => {
      plays(wide, [{ seed: 5, tlps: 2500, acs: 'redirects', reset: false }]);
      plays(narrow, [{ seed: 6, tlps: 1500, acs: 'mixed', reset: false }]);
    },
    patience,
  );

  test(
    'C71e C85: a leaf is reset in the middle, and the traffic of all others goes on',
    () => {
      plays(wide, [{ seed: 7, tlps: 2500, acs: 'off', reset: true }]);
      plays(narrow, [{ seed: 8, tlps: 1500, acs: 'off', reset: true }]);
    },
    patience,
  );

  test(
    'C61 C62 C70d: a leaf that all write to and read from starves nobody',
    () => {
      for (const bench of [narrow, wide]) {
        bench.restart(9);
        bench.configure(() => 0);
        bench.setAll({
          send_posted: 1,
          send_requests: 1,
          posted_rate: 255,
          request_rate: 255,
          targets: 0x20,
          hot_rate: 0,
          patience: 6,
        });
        bench.step(50_000);
        bench.drain();
        bench.compare();
      }
    },
    patience,
  );
});

// The last one: it takes the narrow fabric apart.
test(
  'what is wrong is found, told with both TLPs, and recorded',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'fabric-soak-'));
    const path = join(folder, 'failure.vcd');
    try {
      narrow.restart(10);
      narrow.configure(() => 0);
      narrow.setAll({ send_posted: 1, posted_rate: 64, targets: 0x3f, hot_rate: 0 });
      narrow.step(1000);
      narrow.record(narrow.cycle + 1, path);
      // Agent 1 now sends what nobody expects, and expects what nobody sends.
      narrow.set(1, { seed: 11 });
      const told = /is not the next one of its source.*\n {4}here: .*, address 0x.*\n {4}due: {2}.*, address 0x/;
      expect(() => narrow.step(5000)).toThrow(told);
      narrow[Symbol.dispose]();
      expect(readFileSync(path, 'utf8')).toContain('$enddefinitions');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  patience,
);
