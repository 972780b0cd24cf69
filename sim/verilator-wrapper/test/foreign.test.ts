import { afterEach, expect, test, vi } from 'vitest';
import { Random } from '../../../hdl/test/random.ts';
import { findToolchain, type VerilatedModel, type VerilogOptions, verilateVerilog } from '../src/index.ts';
import { thrown } from './designs.ts';
import { bridge, crc8, edges } from './foreign/bridge.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const seed = Number(process.env.HDL_RANDOM_SEED ?? 1);

/** Sends random words through the bridge, each side ready now and then. @returns what arrived, and what all outputs were in each cycle. */
function traffic(model: VerilatedModel, bytesPerWord: number, cycles: number) {
  const random = new Random(seed);
  const [valid, data, ready] = [model.port('valid_in'), model.port('data_in'), model.port('ready_out')];
  const sent: number[] = [];
  const arrived: number[] = [];
  const outputs: string[] = [];
  model.step(4);
  for (const name of ['rst_wr_n', 'rst_rd_n']) model.port(name).set(1);
  const schedule = edges();
  for (let i = 0; i < 4; i++) schedule.next();
  for (let cycle = 0; cycle < cycles; cycle++) {
    const word = random.bits(8 * bytesPerWord);
    valid.set(random.chance(0.7) ? 1 : 0);
    data.set(word);
    ready.set(random.chance(cycle < cycles / 2 ? 0.9 : 0.3) ? 1 : 0);
    model.settle();
    const { write, read } = schedule.next().value;
    if (write && valid.get() === 1n && model.port('ready_in').get() === 1n)
      for (let i = 0; i < bytesPerWord; i++) sent.push(Number((word >> BigInt(8 * i)) & 0xffn));
    if (read && ready.get() === 1n && model.port('valid_out').get() === 1n) arrived.push(Number(model.port('data_out').get()));
    model.step();
    outputs.push([...model.ports.values()].map(port => (port.direction === 'output' ? port.words.join() : '')).join(' '));
  }
  return { sent, arrived, outputs };
}

const opened = (options: Partial<VerilogOptions> = {}) => verilateVerilog({ ...bridge, ...options });

test('files, includes and libraries make a model with two clocks, and every byte arrives in order', () => {
  using model = opened();
  const { sent, arrived } = traffic(model, 4, 4000);
  expect(arrived.length, `seed ${seed}`).toBeGreaterThan(1000);
  expect(arrived, `seed ${seed}`).toEqual(sent.slice(0, arrived.length));
  expect(sent.length - arrived.length).toBeLessThanOrEqual(4 * 4 + 4);
  expect(model.port('crc').get()).toBe(BigInt(crc8(arrived)));
  expect(model.port('sent').get()).toBe(BigInt(arrived.length));
  expect(model.cycle).toBe(4004);
  // A black box drives nothing.
  expect(model.port('pad_out').get()).toBe(0n);
});

test('parameters and macros change the design, and g++ makes the same of it as the compiler found', () => {
  const options: Partial<VerilogOptions> = {
    parameters: { BYTES: 9, ASIZE: "3'd3" },
    defines: { CRC_INIT: "8'hA5", UNUSED: true },
    optimize: false,
  };
  using model = opened(options);
  expect(model.port('data_in').width).toBe(72);
  const first = traffic(model, 9, 600);
  expect(first.arrived.length).toBeGreaterThan(100);
  expect(model.port('crc').get()).toBe(BigInt(crc8(first.arrived, 0xa5)));
  vi.stubEnv('CXX', 'g++');
  expect(findToolchain({ install: true, log: () => {} }).compiler.command).toBe('g++');
  using other = opened(options);
  expect(traffic(other, 9, 600)).toEqual(first);
});

test('clocks are no ports; other names are told with those that are there', () => {
  using model = opened();
  expect([...model.ports.keys()]).not.toContain('clk_wr');
  expect(thrown(() => model.port('clk_wr')).message).toMatch(
    /^'clk_wr' is a clock, which the model drives itself; the ports of byte_bridge are /,
  );
  expect(thrown(() => model.port('crc9')).message).toMatch(/^There is no port 'crc9'; the ports of byte_bridge are .*\bcrc\b/);
});

test('values that do not fit are refused, and outputs are not set', () => {
  using model = opened();
  const data = model.port('data_in');
  data.set(0xffff_ffffn);
  expect([data.get(), data.words[0]]).toEqual([0xffff_ffffn, 0xffff_ffff]);
  expect(thrown(() => data.set(2 ** 32)).message).toBe(
    'The value 4294967296 does not fit the port data_in of 32 bits, without sign.',
  );
  expect(thrown(() => model.port('valid_in').set(-1n)).message).toBe(
    'The value -1 does not fit the port valid_in of 1 bit, without sign.',
  );
  expect(thrown(() => data.set(0.5)).message).toContain('a value is a whole number or a bigint');
  expect(thrown(() => model.port('crc').set(1)).message).toBe('The port crc is an output: only inputs can be set.');
  expect(data.get()).toBe(0xffff_ffffn);
});
