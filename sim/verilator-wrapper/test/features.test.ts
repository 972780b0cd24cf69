import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { type VerilatedModel, type VerilogOptions, verilateVerilog } from '../src/index.ts';
import { inFolder, thrown } from './designs.ts';
import { bridge } from './foreign/bridge.ts';
import { fstOf } from './fst.ts';

const opened = (options: Partial<VerilogOptions> = {}) => verilateVerilog({ ...bridge, ...options });

/** Lets words through until the given cycle. @returns what can be seen then. */
function drive(model: VerilatedModel, word: number, until: number): string {
  for (const name of ['rst_wr_n', 'rst_rd_n', 'valid_in', 'ready_out']) model.port(name).set(1);
  model.port('data_in').set(word);
  model.step(until - model.cycle);
  return [...model.ports.values()].map(({ name, words }) => `${name} ${words}`).join('; ');
}

test('a state goes on where it was saved: in the same model, in another one, from a file; on two threads', () => {
  inFolder(folder => {
    // Threads in the same model spare a compilation.
    const options = { savable: true, threads: 2, memories: [{ module: 'async_fifo', name: 'mem' }], optimize: false } as const;
    using first = opened(options);
    drive(first, 0x1234_5678, 777);
    first.memory('u_fifo.mem').bytes[0] = 99;
    const memory = first.memory('u_fifo.mem').bytes.slice();
    const state = first.save();
    const end = drive(first, 0xdead_beef, 1501);
    expect(first.memory('u_fifo.mem').bytes).not.toEqual(memory);

    first.restore(state);
    expect([first.cycle, first.port('data_in').get()]).toEqual([777, 0x1234_5678n]);
    expect(first.memory('u_fifo.mem').bytes).toEqual(memory);
    expect(drive(first, 0xdead_beef, 1501)).toBe(end);

    const file = join(folder, 'state');
    writeFileSync(file, state);
    using second = opened(options);
    second.restore(readFileSync(file));
    expect(drive(second, 0xdead_beef, 1501)).toBe(end);

    expect(thrown(() => second.restore(state.slice(0, -1))).message).toMatch(
      /^This state of byte_bridge is not complete: it has \d+ bytes/,
    );
    const odd = state.slice();
    odd[0] = 0;
    expect(thrown(() => second.restore(odd)).message).toMatch(/^This is no state of this build of byte_bridge/);
    expect(second.cycle).toBe(1501);
    // $finish of another thread than this one.
    expect(thrown(() => second.step(20_000)).message).toMatch(/ended the simulation with \$finish, at rtl\/byte_bridge\.v:\d+/);
  });
});

test('what a model was not built for is told', () => {
  using model = opened();
  expect(thrown(() => model.save()).message).toBe("The model of byte_bridge failed: it was built without 'savable'.");
  expect(thrown(() => model.coverage()).message).toBe("The model of byte_bridge failed: it was built without 'coverage'.");
});

test('coverage counts lines and changes of bits, by source line', () => {
  inFolder(folder => {
    using model = opened({ coverage: true, optimize: false });
    drive(model, 0x0000_00ff, 300);
    const coverage = model.coverage();
    const lineOf = (text: string) => {
      const lines = readFileSync(join(bridge.folder, 'rtl/byte_bridge.v'), 'utf8').split('\n');
      return lines.findIndex(line => line.includes(text)) + 1;
    };
    const file = coverage.files.find(candidate => candidate.file === 'rtl/byte_bridge.v');
    const line = (text: string) => file?.lines.find(candidate => candidate.line === lineOf(text));
    expect(coverage.files.map(candidate => candidate.file).toSorted()).toEqual([...bridge.files, 'vendor/VENDOR_PAD.v']);
    // Nobody has sent so many bytes.
    expect(line("if (sent == 16'd5000)")).toMatchObject({ points: 2, covered: 1, hits: Number(model.port('sent').get()) });
    // Of 32 bits 8 went up, none came down.
    expect(line('data_in,')).toEqual({ line: lineOf('data_in,'), points: 64, covered: 8, hits: 1 });
    expect(coverage.points).toContainEqual(
      expect.objectContaining({
        kind: 'toggle',
        file: 'rtl/byte_bridge.v',
        instance: 'byte_bridge',
        what: 'data_in[7]:0->1',
        count: 1,
      }),
    );
    expect(coverage.covered).toBe(coverage.points.filter(({ count }) => count > 0).length);
    expect(coverage.total).toBeGreaterThan(coverage.covered);
    const written = join(folder, 'coverage.dat');
    model.writeCoverage(written);
    expect(readFileSync(written, 'latin1')).toMatch(/^# SystemC::Coverage-3\n/);
    expect(thrown(() => model.writeCoverage(join(folder, 'no', 'coverage.dat'))).message).toContain('cannot be created');
  });
});

test('a waveform may be FST, with the names and changes of the signals', () => {
  inFolder(folder => {
    const file = join(folder, 'bridge.fst');
    const model = opened({ trace: file, optimize: false });
    drive(model, 0x0403_0201, 400);
    model[Symbol.dispose]();
    const wave = fstOf(readFileSync(file));
    expect(wave.endTime).toBeGreaterThan(400);
    expect(wave.timescale).toBe(-10);
    for (const name of ['byte_bridge', 'u_fifo', 'u_r2w', 'clk_wr', 'clk_rd', 'sent', 'wq2_rptr'])
      expect(wave.names).toContain(name);
    expect(wave.blocks).toBeGreaterThan(0);
  });
});

test('instances in one process share nothing, nor do those in a worker thread', async () => {
  using first = opened();
  using second = opened();
  const expected = drive(first, 0x1111_1111, 500);
  expect(drive(second, 0x2222_2222, 500)).not.toBe(expected);
  const worker = new Worker(new URL('worker.mjs', import.meta.url), { workerData: { word: 0x1111_1111, cycles: 500 } });
  const answer = new Promise<unknown>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  // Both threads run their own models at the same time.
  drive(first, 0x3333_3333, 600);
  expect(await answer).toBe(expected);
  expect(first.cycle).toBe(600);
  await worker.terminate();
});
