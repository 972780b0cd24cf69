import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, embedded, Fifo, simulate, uint } from '@hdl/ts-hdl';
import { verilator } from '@hdl/verilator-wrapper';
import { expect, test } from 'vitest';
import { Random } from '../../../hdl/test/random.ts';
import { ConfigSpaces } from '../../../rtl/src/config/config-spaces.ts';
import { testOnEngines } from '../src/on-engines.ts';

testOnEngines('a FIFO keeps the order of its words', engine => {
  using sim = simulate(() => new Fifo({ type: uint(8), depth: 4 }), { engine });
  const { dut } = sim;
  sim.poke(dut.in.valid, 1);
  for (let i = 0; i < 4; i++) {
    sim.poke(dut.in.payload, 10 + i);
    sim.step();
  }
  sim.poke(dut.in.valid, 0);
  sim.poke(dut.out.ready, 1);
  const words: bigint[] = [];
  for (let cycle = 0; cycle < 10; cycle++) {
    if (sim.peek(dut.out.valid)) words.push(sim.peek(dut.out.payload));
    sim.step();
  }
  expect(words).toEqual([10n, 11n, 12n, 13n]);
});

/** Values over time by the full name of the signal: a text of `time value` per change. */
function changes(path: string): Map<string, string[]> {
  const scopes: string[] = [];
  const names = new Map<string, string[]>();
  const result = new Map<string, string[]>();
  let time = '';
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '$scope') scopes.push(words[2] ?? '');
    else if (words[0] === '$upscope') scopes.pop();
    else if (words[0] === '$var') {
      const name = [...scopes, words[4]].join('.');
      result.set(name, []);
      names.set(words[3] ?? '', [...(names.get(words[3] ?? '') ?? []), name]);
    } else if (line.startsWith('#')) time = line.slice(1);
    else if (/^[01b]/.test(line)) {
      const [value, code] = line.startsWith('b')
        ? [(words[0] ?? '').slice(1).replace(/^0+(?=.)/, ''), words[1] ?? '']
        : [line[0] ?? '', line.slice(1)];
      for (const name of names.get(code) ?? []) result.get(name)?.push(`${time} ${value}`);
    }
  }
  return result;
}

const drive = {
  vendor_id: 1,
  device_id: 2,
  class_code: 0x010802,
  max_payload: 256,
  bars: [{ slot: 0, bytes: 0x1_0000, width: 64, prefetchable: true }],
} as const;

test('waveforms have the TypeScript names, and both engines draw the same curves', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trace-'));
  try {
    const draw = (engine: Engine, file: string) => {
      const random = new Random(5);
      const options = { engine, trace: join(folder, file) };
      using sim = simulate(() => new ConfigSpaces({ width: 64, functions: [drive, drive] }), options);
      const inputs = [...sim.engine.ports.values()].filter(
        p => p.direction === 'input' && p.name !== 'rst' && p.name !== 'hot_reset',
      );
      for (let cycle = 0; cycle < 200; cycle++) {
        for (const port of inputs) {
          const mask = port.width % 32 === 0 ? 0xffff_ffff : 2 ** (port.width % 32) - 1;
          for (let i = 0; i < port.words.length; i++) {
            const top = i === port.words.length - 1 ? mask : 0xffff_ffff;
            port.words[i] = (Math.floor(random.fraction() * 2 ** 32) & top) >>> 0;
          }
        }
        sim.step();
      }
    };
    draw(embedded, 'embedded.vcd');
    draw(verilator, 'verilator.vcd');
    const [ours, theirs] = [changes(join(folder, 'embedded.vcd')), changes(join(folder, 'verilator.vcd'))];
    for (const name of [
      'ConfigSpaces.access_register',
      'ConfigSpaces.spaces_0.error_valid',
      'ConfigSpaces.spaces_1.error_log.words',
      'ConfigSpaces.spaces_1.messages_valid',
    ])
      expect(ours.has(name), name).toBe(!name.endsWith('spaces_1.messages_valid'));
    const common = [...ours.keys()].filter(name => theirs.has(name));
    expect(common.length / ours.size).toBeGreaterThan(0.95);
    for (const name of common) expect(ours.get(name), name).toEqual(theirs.get(name));
    expect(common.filter(name => (ours.get(name)?.length ?? 0) > 5).length).toBeGreaterThan(100);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
