import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, embedded } from '@hdl/ts-hdl';
import { expect, test, vi } from 'vitest';
import { toldOf } from '../src/faults/beat-bits.ts';
import { endpointFaults } from '../src/faults/endpoint.ts';
import { endpointFlips } from '../src/faults/endpoint-flips.ts';
import { endpointUnprotected } from '../src/faults/endpoint-unprotected.ts';
import { type FaultRow, injected, kindOf, missed, rowsOf, type Signs } from '../src/faults/report.ts';
import { endpointSigns, flipSigns, switchSigns } from '../src/faults/signs.ts';
import { switchFaults } from '../src/faults/switch.ts';
import { switchFlips } from '../src/faults/switch-flips.ts';
import { switchUnprotected } from '../src/faults/switch-unprotected.ts';
import { faults } from '../src/faults.ts';
import { FaultLedger } from '../src/soak/fault-ledger.ts';
import { parseBatch } from '../src/soak/operation.ts';
import { seal } from '../src/soak/reference/digest.ts';
import { withBody } from '../src/soak/stimuli.ts';
import { tlp } from '../src/soak/tlp.ts';

const options = { width: 64, engine: embedded, shrink: 20, tell: () => undefined } as const;

test('C53 C55 C58 C59 C70b C70e C71b C71c C71d C83 C84 C85 C87: faults of the endpoint are told, contained, and leave nothing behind', async () => {
  const { rows, failure } = await endpointFaults({ ...options, faults: 2400, seed: 7 });
  expect(failure && `seed ${failure.seed}: ${failure.message}\nnpm run soak -- --replay with\n${failure.batch}`).toBeUndefined();
  expect(injected(rows)).toBeGreaterThanOrEqual(2400);
  good(rows, endpointSigns);
}, 600_000);

test('C25 C34 C35 C36 C41 C42 C70b C70e C71b C71d C71e C72 C73 C74 C75 C76 C77 C80 C82 C87 C91: what a hostile device sends into a switch is told, does no harm, and reaches nobody', () => {
  const { rows, failure } = switchFaults({ ...options, faults: 2500, seed: 29 });
  expect(failure && `seed ${failure.seed}: ${failure.message}`).toBeUndefined();
  good(rows, switchSigns);
}, 600_000);

test('C71c: a bit that flips in a memory of the switch is seen by the receiver, or its word was read before; nothing else is altered', () => {
  const { rows, failure } = switchFlips({ ...options, faults: 1200, seed: 5 });
  expect(failure && `seed ${failure.seed}: ${failure.message}`).toBeUndefined();
  good(rows, flipSigns);
  for (const place of ['the queues', 'an egress', 'the broadcaster'])
    for (const part of ['payload', 'digest', 'rest of the header']) seen(rows, `flipped: ${part} in ${place}: ECRC`);
  seen(rows, 'flipped: format, type or length in the queues: ECRC');
}, 600_000);

test('C71c: a bit that flips in a receive buffer of the endpoint is told as a wrong digest, and its request is dropped', () => {
  const { rows, failure } = endpointFlips({ ...options, faults: 120, seed: 7 });
  expect(failure && `seed ${failure.seed}: ${failure.message}`).toBeUndefined();
  good(rows, flipSigns);
  for (const part of ['payload', 'digest', 'rest of the header'])
    seen(rows, `flipped: ${part} in the receive buffer of non-posted TLPs: ECRC`);
}, 600_000);

const seen = (rows: readonly FaultRow[], name: string): void =>
  expect(rows.find(row => row.name === name)?.alone, name).toBeGreaterThan(0);

/** An engine in which more bits flip than the campaign knows of. */
const restless: Engine = (design, engineOptions) => {
  const simulation = embedded(design, engineOptions);
  const run = simulation.run.bind(simulation);
  simulation.run = cycles => {
    const ran = run(cycles);
    const { bytes, stride, depth } = simulation.memory('device.crossbar.ingress_2.queues.data');
    // The lowest byte of the data.
    if (simulation.cycle > 4000) for (let word = 0; word < depth; word++) bytes[word * stride] = (bytes[word * stride] ?? 0) ^ 16;
    return ran;
  };
  return simulation;
};

test('a second bit that flips ends the campaign', () => {
  const { failure } = switchFlips({ ...options, engine: restless, faults: 400, seed: 5 });
  expect(failure?.message).toMatch(/^cycle \d+: byte \d+ of .* is .*, not .*\n {2}bit \d+ of word \d+ of device\./);
}, 600_000);

test('what a receiver finds wrong with an altered TLP', () => {
  const t = withBody(tlp({ fmt: 2, length: 3, first_be: 15, last_be: 15, low: 0x1000, td: 1 }), 9);
  seal(t);
  expect(toldOf(t, 64)).toBe('nothing');
  for (const [altered, told] of [
    [{ low: 0x1004 }, 'ECRC'],
    [{ length: 2 }, 'ECRC'],
    [{ body: t.body.map((byte, i) => (i === 15 ? byte ^ 128 : byte)) }, 'ECRC'],
    [{ ep: 1 }, 'Poisoned TLP'],
    [{ type: 1 }, 'Malformed TLP'],
    [{ td: 0, length: 1 }, 'Malformed TLP'],
    [{ td: 0 }, 'nothing'],
  ] as const)
    expect(toldOf({ ...t, ...altered }, 64), JSON.stringify(altered)).toBe(told);
});

test('bits that nothing protects are counted, whatever becomes of them', () => {
  const few = { flips: 3, seed: 3, width: 64, engine: embedded };
  const rows = [...switchUnprotected(few), ...endpointUnprotected(few)];
  for (const { name, flips, nothing, told, untold, hangs } of rows) expect(nothing + told + untold + hangs, name).toBe(flips);
  const untold = (name: string) => rows.find(row => row.name === name)?.untold ?? 0;
  expect(untold('endpoint: BAR memory')).toBeGreaterThan(0);
  expect(untold('switch: TD, which says that there is a digest')).toBeGreaterThan(0);
}, 600_000);

/** Nothing went unnoticed, did harm or left something behind; and there were faults of all kinds. */
function good(rows: readonly FaultRow[], signs: Signs): void {
  for (const row of rows) {
    expect(missed(row), row.name).toBe(0);
    expect(row.contained, row.name).toBe(row.injected);
    expect(row.recovered, row.name).toBe(row.injected);
  }
  const kinds = new Set(rows.map(({ name }) => kindOf(name, signs)));
  for (const kind of Object.keys(signs)) expect(kinds).toContain(kind);
}

/** An engine in which a bit of the BAR memory flips. */
const flipping: Engine = (design, engineOptions) => {
  const simulation = embedded(design, engineOptions);
  const run = simulation.run.bind(simulation);
  let flipped = false;
  simulation.run = cycles => {
    const ran = run(cycles);
    if (flipped || simulation.cycle < 20_000) return ran;
    flipped = true;
    const { bytes } = simulation.memory('endpoint.layer.memory.column_1.words');
    // Nobody writes there.
    bytes[11_264] = (bytes[11_264] ?? 0) ^ 8;
    return ran;
  };
  return simulation;
};

test('a wrong byte ends the campaign: its seed is told, and a small batch that can be played again', async () => {
  const campaign = { ...options, engine: flipping, shrink: 1, faults: 600, seed: 5 };
  const { failure } = await endpointFaults(campaign);
  expect(failure?.message).toMatch(/^byte 0x5804 of the BAR memory is 8 at the end, not 0$/);
  expect(failure?.seed).toBeGreaterThanOrEqual(5);
  expect(parseBatch(failure?.batch ?? '').operations.length).toBeGreaterThan(0);
}, 600_000);

test('the ledger knows what was told, contained and recovered, and what went unnoticed', () => {
  const ledger = new FaultLedger();
  const [told, joined, gone, late] = [{}, {}, {}, {}];
  ledger.begin();
  for (const fault of [told, joined, gone]) ledger.injected('malformed: prefix', fault);
  ledger.found(joined, 'together');
  ledger.found(told, 'alone');
  ledger.found(told, 'harmless');
  ledger.found({}, 'alone');
  ledger.close();
  ledger.injected('malformed: prefix', late);
  ledger.found(late, 'harmless');
  ledger.close();
  ledger.end();
  const [row] = rowsOf(ledger.counts, endpointSigns);
  expect(row).toEqual({
    name: 'malformed: prefix',
    injected: 4,
    alone: 1,
    together: 1,
    harmless: 1,
    contained: 4,
    recovered: 3,
  });
  expect(row && missed(row)).toBe(1);
  // A batch that fails contains nothing.
  ledger.begin();
  ledger.injected('malformed: prefix', told);
  ledger.close();
  ledger.begin();
  ledger.end();
  expect(ledger.counts.get('malformed: prefix')).toMatchObject({ injected: 5, contained: 4 });
  expect(() => kindOf('cosmic: rays', switchSigns)).toThrow("nobody knows what tells of faults of the class 'cosmic: rays'");
});

test('the command writes a page', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'faults-'));
  const page = join(folder, 'faults.md');
  const text = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  try {
    const plain = {
      endpoint: 100,
      switch: 100,
      flips: 60,
      buffers: 20,
      unprotected: 1,
      seed: 3,
      width: 64,
      engine: 'embedded',
      out: join(folder, 'batch.json'),
      shrink: 1,
      page,
    };
    expect(await faults(plain)).toBe(0);
    await expect(faults({ ...plain, width: 96 })).rejects.toThrow('--width is 64, 128, 256 or 512');
    await expect(faults({ ...plain, only: 'root' })).rejects.toThrow("no campaign 'root'");
    const told = readFileSync(page, 'utf8');
    expect(told).toContain('`npm run faults -- --only endpoint --endpoint 100 --seed 3 --width 64 --engine embedded`');
    expect(told).toContain('`npm run faults -- --only switch --switch 100 --seed 3 --width 64 --engine embedded`');
    expect(told).toMatch(/\| malformed: prefix \| (\d+) \| \1 \| 0 \| 0 \| \1 \| \1 \|/);
    expect(told).toContain('Accesses that isolation forbids: 0.');
    expect(told).toMatch(/\| flipped: payload in the queues: ECRC \| (\d+) \| \1 \| 0 \| 0 \| \1 \| \1 \|/);
    expect(told).toMatch(/\| endpoint: BAR memory \| 1 \| [01] \| 0 \| [01] \| 0 \|/);
    const whole = '--endpoint 100 --switch 100 --flips 60 --buffers 20 --unprotected 1 --seed 3 --width 64 --engine embedded';
    expect(told).toContain(`\`npm run faults -- ${whole}\` has written this page`);
    const total = Number(/^([\d,]+) faults were injected/m.exec(told)?.[1]?.replaceAll(',', ''));
    expect(total).toBeGreaterThanOrEqual(280);
  } finally {
    text.mockRestore();
    rmSync(folder, { recursive: true });
  }
}, 600_000);
