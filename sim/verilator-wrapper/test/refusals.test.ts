import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { build, VerilatorError, type VerilogOptions } from '../src/index.ts';
import { inFolder, thrown } from './designs.ts';
import { bridge } from './foreign/bridge.ts';

/** What a user reads, without the place of the log, which is looked at and taken away. */
function refused(options: Partial<VerilogOptions>): string {
  const { trace: _, ...rest } = { ...bridge, ...options };
  const error = thrown(() => build(rest));
  expect(error).toBeInstanceOf(VerilatorError);
  const [, text = error.message, log] = /^([\s\S]*)\nAll of it is in (\S+\.log)$/.exec(error.message) ?? [];
  if (log !== undefined) rmSync(log);
  return text;
}

test('a mistake in the Verilog is shown as Verilator shows it, with the file as it was named, and without warnings', () => {
  inFolder(folder => {
    writeFileSync(
      join(folder, 'bad.v'),
      "module byte_bridge (input clk, output [3:0] y);\n  assign y = 9'd1;\n  assign z = ;\nendmodule\n",
    );
    expect(refused({ folder, files: ['bad.v'], includes: [], libraries: [] })).toMatch(
      /^Verilator failed:\n%Error: bad\.v:3:14: syntax error, unexpected ';'.*\n {4}3 \| {3}assign z = ;\n {6}\| {14}\^$/,
    );
  });
});

test('a text beside files has its own name in messages', () => {
  expect(refused({ sources: [{ name: 'mine.v', text: 'module Mine (input a);\n  oops\nendmodule\n' }] })).toMatch(
    /^Verilator failed:\n%Error: mine\.v:3:1: syntax error/,
  );
});

test('a top module or parameter that is not there is told with those that are', () => {
  expect(refused({ top: 'bridge' })).toBe(
    [
      'Verilator failed:',
      "%Error: Specified --top-module 'bridge' was not found in design.",
      'There is no module bridge; there are: async_fifo, byte_bridge, crc8, sync_2ff.',
    ].join('\n'),
  );
  expect(refused({ parameters: { BYTE: 3 } })).toBe(
    [
      'Verilator failed:',
      '%Error: Parameters from the command line were not found in the design: BYTE',
      'The parameters of byte_bridge are: BYTES, ASIZE.',
    ].join('\n'),
  );
});

test('files that are missing are told: a file, a folder, an include, a module', () => {
  const { folder } = bridge;
  expect(refused({ files: ['rtl/uart.v'] })).toBe(`There is no file rtl/uart.v in ${folder.replace(/\/$/, '')}.`);
  expect(refused({ files: ['rtl'] })).toContain('rtl in ');
  expect(refused({ includes: ['headers'] })).toContain('There is no folder headers in ');
  expect(refused({ includes: ['rtl/crc8.v'] })).toContain("'includes' are the folders in which files to include are found");
  expect(refused({ libraries: ['cells'] })).toContain('There is no library cells in ');
  expect(refused({ files: [] })).toBe("There is no Verilog for byte_bridge: name files in 'files', or give texts in 'sources'.");
  const include = refused({ includes: [], top: 'crc8', files: ['rtl/crc8.v'] }).split('\n');
  expect(include.slice(0, 4)).toEqual([
    'Verilator failed:',
    "%Error: rtl/crc8.v:1:10: Cannot find include file: 'bridge_defs.vh'",
    '    1 | `include "bridge_defs.vh"',
    '      |          ^~~~~~~~~~~~~~~~',
  ]);
  expect(include.at(-1)).toBe("Name the folders of files to include in 'includes'.");
  expect(include.join()).not.toContain('Looked in');
  expect(refused({ libraries: [] })).toBe(
    [
      'Verilator failed:',
      "%Error-MODMISSING: rtl/byte_bridge.v:37:4: Cannot find file containing module: 'VENDOR_PAD'",
      '   37 |    VENDOR_PAD u_pad (.I(crc[0]), .PAD(pad_out));',
      '      |    ^~~~~~~~~~',
      "Name the files of missing modules in 'files', or folders with them in 'libraries'.",
    ].join('\n'),
  );
});

test('options that exclude each other or are no numbers are told', () => {
  expect(refused({ savable: true, coverage: true })).toBe(
    'Verilator cannot build a model with both coverage and savable: make two models.',
  );
  expect(refused({ threads: 0 })).toBe("'threads' is a whole number from 1 up, not 0.");
});
