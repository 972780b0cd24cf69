import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultTopology } from '@hdl/pcie-rtl';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCopies } from '../src/copy-run.ts';
import { type EngineName, engineByName } from '../src/engines.ts';
import type { Report } from '../src/report/schema.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'copy-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Pseudo-random bytes, the same for the same length. */
function content(bytes: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let i = 0; i * 32 < bytes; i++) parts.push(createHash('sha256').update(`${bytes}:${i}`).digest());
  return Buffer.concat(parts).subarray(0, bytes);
}

async function copy(
  bytes: number,
  engine: EngineName = 'embedded',
): Promise<{ readonly report: Report; readonly sha256: string }> {
  const file = join(folder, `${bytes}.bin`);
  const data = content(bytes);
  writeFileSync(file, data);
  const report = await runCopies({ file, topology: defaultTopology(), engine: engineByName(engine), clockHz: 250e6, width: 256 });
  return { report, sha256: createHash('sha256').update(data).digest('hex') };
}

const link = (report: Report, flow: string, name: string, direction: string) => {
  const found = report.flows.find(f => f.flow === flow)?.links.find(l => l.link === name && l.direction === direction);
  if (!found) throw new Error(`no link ${name} ${direction} in ${flow}`);
  return found;
};

describe.each([1, 511, 4095, 4096, 4097, 2 ** 20 + 3, 16 * 2 ** 20])('a file of %d bytes', bytes => {
  let report: Report;
  let sha256: string;
  beforeAll(async () => {
    ({ report, sha256 } = await copy(bytes));
  });

  test('arrives unchanged by every flow', () => {
    expect(report.file).toMatchObject({ bytes, sha256 });
    expect(report.flows.map(f => [f.flow, f.sha256])).toEqual([
      ['peer-write', sha256],
      ['peer-read', sha256],
      ['host-memory', sha256],
    ]);
  });

  test('stays off the root link peer to peer, and crosses it twice through host memory', () => {
    expect(report.flows.map(f => f.root_data_bytes)).toEqual([0, 0, 2 * bytes]);
    for (const flow of ['peer-write', 'peer-read']) {
      expect(link(report, flow, 'drive0', 'up').data_bytes).toBe(bytes);
      expect(link(report, flow, 'drive1', 'down').data_bytes).toBe(bytes);
    }
    expect(link(report, 'host-memory', 'root', 'up').data_bytes).toBe(bytes);
    expect(link(report, 'host-memory', 'root', 'down').data_bytes).toBe(bytes);
  });

  test('travels in whole TLPs of at most MPS, no beat wasted', () => {
    const { max_payload, width } = report;
    const least = Math.ceil(bytes / max_payload);
    const write = link(report, 'peer-write', 'drive0', 'up');
    // Beside the data: a completion entry and an interrupt per command.
    expect(write.tlps.posted).toBeGreaterThan(least);
    expect(write.data_beats).toBe(Math.ceil(bytes / (width / 8)));
    expect(link(report, 'peer-read', 'drive1', 'down').tlps.completion).toBeGreaterThanOrEqual(least);
  });
});

test('a long copy keeps the busy link busy: at least 95 % of its beats carry data', async () => {
  const { report } = await copy(2 ** 20 + 3);
  for (const flow of ['peer-write', 'peer-read']) {
    expect(link(report, flow, 'drive0', 'up').share, flow).toBeGreaterThanOrEqual(0.95);
    expect(link(report, flow, 'drive1', 'down').share, flow).toBeGreaterThanOrEqual(0.95);
  }
});

test('both engines report the same numbers', async () => {
  const [embedded, verilator] = [await copy(100_003), await copy(100_003, 'verilator')];
  expect(verilator.report.engine).toBe('verilator');
  expect({ ...verilator.report, engine: 'embedded' }).toEqual(embedded.report);
});

test('a second run gives the same numbers', async () => {
  expect((await copy(4097)).report).toEqual((await copy(4097)).report);
});
