import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Flow } from '@hdl/firmware/host';
import { type CopyRun, checkTopology, runCopies } from './copy-run.ts';
import { switchVerilog, width } from './emit.ts';
import { engineByName } from './engines.ts';
import { checkWritable, writeWhole } from './files.ts';
import { progress } from './progress.ts';
import { renderReport } from './report/table.ts';
import { loadTopology } from './topology-file.ts';

export interface SimOptions {
  readonly file?: string;
  readonly engine: string;
  readonly topology?: string;
  /** MHz. */
  readonly clock: number;
  readonly json?: string;
  readonly trace?: string;
  readonly flows?: readonly Flow[];
}

/** `p2p sim` and `npm run copy`. @returns the exit code: 0 if every copy equals the file, else 1. */
export async function sim(options: SimOptions): Promise<number> {
  const engine = engineByName(options.engine);
  const topology = await loadTopology(options.topology);
  checkTopology(topology);
  for (const path of [options.json, options.trace]) if (path !== undefined) checkWritable(path);
  const folder = mkdtempSync(join(tmpdir(), 'p2p-file-'));
  try {
    let file = options.file;
    if (file === undefined) {
      // The file that the run makes itself: the Verilog of the switch that it runs on.
      file = join(folder, 'switch.v');
      writeFileSync(file, switchVerilog(topology));
    }
    const run: CopyRun = {
      file,
      topology,
      engine,
      clockHz: options.clock * 1e6,
      width,
      progress: progress(),
      ...(options.flows && { flows: options.flows }),
      ...(options.trace !== undefined && { trace: options.trace }),
    };
    const result = await runCopies(run);
    if (options.json !== undefined) writeWhole(options.json, `${JSON.stringify(result, null, 2)}\n`);
    process.stdout.write(renderReport(result));
    return result.flows.every(f => f.sha256 === result.file.sha256) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
