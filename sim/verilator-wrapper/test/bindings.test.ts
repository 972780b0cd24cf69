import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { main } from '../src/cli.ts';
import { verilateVerilog } from '../src/index.ts';
import { thrown } from './designs.ts';
import { bridge } from './foreign/bridge.ts';
import { open, ports } from './foreign/byte-bridge.ts';

/** The command line that made `foreign/byte-bridge.ts`, in its folder. */
const line = 'bindings --top byte_bridge -I include -l vendor -c clk_wr=10 -c clk_rd=7@3 '.split(' ').filter(word => word !== '');

/** Runs the command in the folder of the Verilog. @returns its exit code and what it prints. */
function command(...args: readonly string[]): { code: number; out: string; err: string } {
  const before = process.cwd();
  const said = { out: '', err: '' };
  const into = (stream: 'out' | 'err') => (text: string | Uint8Array) => {
    said[stream] += text;
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(into('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(into('err')),
  ];
  process.chdir(bridge.folder);
  try {
    return { code: main(['node', 'verilator-wrapper', ...args]), ...said };
  } finally {
    process.chdir(before);
    for (const spy of spies) spy.mockRestore();
  }
}

test('the bindings in this repository are those that the command writes', () => {
  const committed = readFileSync(join(bridge.folder, 'byte-bridge.ts'), 'utf8');
  expect(command(...line, ...bridge.files, '-o', 'byte-bridge.ts')).toEqual({ code: 0, out: '', err: '' });
  expect(readFileSync(join(bridge.folder, 'byte-bridge.ts'), 'utf8')).toBe(committed);
});

test('ports have their names, widths and directions as types', () => {
  using model = open();
  const width: 32 = model.io.data_in.width;
  const direction: 'output' = ports.crc.direction;
  model.io.data_in.set(5n);
  model.port('valid_in').set(1);
  expect([width, direction, model.io.data_in.get(), model.io.valid_in.words[0]]).toEqual([32, 'output', 5n, 1]);
  // @ts-expect-error an output has no set
  expect(thrown(() => model.io.crc.set(1)).message).toContain('is an output');
  // @ts-expect-error no such port
  expect(thrown(() => model.port('data')).message).toContain("There is no port 'data'");
  // @ts-expect-error a clock is no port
  expect(model.io.clk_wr).toBeUndefined();
});

test('bindings that are not those of the module any more are refused', () => {
  const old = {
    ...ports,
    data_in: { direction: 'input', width: 16 },
    crc: { direction: 'input', width: 8 },
    gone: { direction: 'input', width: 1 },
  } as const;
  const { sent: _, ...fewer } = old;
  expect(thrown(() => verilateVerilog({ ...bridge, ports: fewer })).message).toBe(
    'The ports of byte_bridge are not those of its bindings: data_in is an input of 32 bits, not an input of 16 bits; crc is an output of 8 bits, ' +
      'not an input of 8 bits; gone is not there; sent, an output of 16 bits, is new. Make the bindings again.',
  );
});

test('the command says what is wrong in a line, without a stack trace', () => {
  expect(command('bindings', ...bridge.files)).toMatchObject({
    code: 2,
    err: "error: required option '-t, --top <module>' not specified\n",
  });
  expect(command('bindings', '--top', 'x', '-G', 'WIDTH', 'x.v')).toMatchObject({
    code: 2,
    err: expect.stringContaining('It is NAME=value.'),
  });
  expect(command('bindings', '--top', 'x', '-c', 'clk=soon', 'x.v').err).toContain('It is NAME=period or NAME=period@phase');
  expect(command('bindings', '--top', 'x', 'x.v')).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringMatching(/^error: There is no file x\.v in \S+\.\n$/),
  });
  const { code, err } = command(...line, '-G', 'BYTE=3', ...bridge.files);
  expect([code, err]).toEqual([1, expect.stringContaining('The parameters of byte_bridge are: BYTES, ASIZE.')]);
  expect(err).not.toMatch(/^ +at /m);
});

test('parameters and macros of the command line reach the Verilog and the bindings', () => {
  const { code, out } = command(...line, '-G', 'BYTES=2', '-D', "CRC_INIT=8'h1", '-D', 'FAST', ...bridge.files);
  expect(code).toBe(0);
  expect(out).toContain("  data_in: { direction: 'input', width: 16 },\n");
  expect(out).toContain("  defines: { CRC_INIT: '8\\'h1', FAST: true },\n");
  expect(out).toContain("  parameters: { BYTES: '2' },\n");
});
