import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseJobFile } from '@hdl/firmware/host';
import { width } from './emit.ts';
import { engineByName } from './engines.ts';
import { UsageError } from './errors.ts';
import { checkWritable, reason, writeWhole } from './files.ts';
import { progress } from './progress.ts';
import { renderTargetReport } from './report/target-table.ts';
import { checkTarget, runTarget, type TargetRun, targetTopology } from './target-run.ts';
import { loadTopology } from './topology-file.ts';

export interface TargetCommand {
  /** A job file in fio's form. */
  readonly job?: string;
  readonly engine: string;
  readonly topology?: string;
  readonly drives: number;
  /** Settings, with commas between them. */
  readonly p2pmem: string;
  /** MHz. */
  readonly clock: number;
  readonly json?: string;
  readonly trace?: string;
}

const defaultJob = fileURLToPath(new URL('../../examples/target.fio', import.meta.url));

/** `p2p target` and `npm start`. @returns the exit code: 0 if every block was right, else 1. */
export async function target(command: TargetCommand): Promise<number> {
  const engine = engineByName(command.engine);
  const topology = command.topology === undefined ? targetTopology(command.drives) : await loadTopology(command.topology);
  const settings = command.p2pmem.split(',').map(word => word.trim());
  checkTarget(topology, settings);
  for (const path of [command.json, command.trace]) if (path !== undefined) checkWritable(path);
  const job = command.job ?? defaultJob;
  const run: TargetRun = {
    jobs: parseJobFile(textOf(job), command.job ?? basename(defaultJob)),
    jobFile: basename(job),
    topology,
    engine,
    clockHz: command.clock * 1e6,
    width,
    settings,
    progress: progress(process.stderr, 'groups of jobs'),
    ...(command.trace !== undefined && { trace: command.trace }),
  };
  const result = await runTarget(run);
  if (command.json !== undefined) writeWhole(command.json, `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(renderTargetReport(result));
  return result.settings.every(setting => setting.wrong_blocks === 0) ? 0 : 1;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`the job file ${path} cannot be read: ${reason(error)}. examples/target.fio is one.`);
  }
}
