import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { BlockDeviceFirmware, FileBacking } from '@hdl/firmware/device';
import {
  allFunctions,
  BlockDriver,
  copyFile,
  type Flow,
  Host,
  HostError,
  type PciTree,
  readDrive,
  userDataRanges,
} from '@hdl/firmware/host';
import { endpointsByBus, type Topology } from '@hdl/pcie-rtl';
import { dataLatency, type EngineFunction, gigabytesPerSecond, type LinkSnapshot, linkLimit, Testbench } from '@hdl/testbench';
import type { EngineName } from './engines.ts';
import { UsageError } from './errors.ts';
import { sizeOfInput } from './files.ts';
import type { Progress } from './progress.ts';
import { linkReports } from './report/links.ts';
import { type FlowReport, type Report, report, reportVersion } from './report/schema.ts';

/** Bytes of each drive. */
export const driveBytes = 64 * 1024 * 1024;

/** Bytes of BAR memory that a drive needs to be part of a copy: four chunks of the data width at the least. */
const leastMemory = 4096;

export interface CopyRun {
  /** The file that is copied. */
  readonly file: string;
  /** What the report calls it; its base name by default. */
  readonly name?: string;
  readonly topology: Topology;
  readonly engine: { readonly name: EngineName; readonly create: EngineFunction };
  /** The modelled clock. */
  readonly clockHz: number;
  /** Bits of a beat. */
  readonly width: number;
  readonly flows?: readonly Flow[];
  readonly trace?: string;
  readonly progress?: Progress;
  /** Gets the seconds that the run itself took, without building the fabric and the engine. */
  readonly onTime?: (seconds: number) => void;
}

const allFlows: readonly Flow[] = ['peer-write', 'peer-read', 'host-memory'];

/**
 * The main job: builds the fabric, enumerates it, boots the firmware of the drives, and copies a file from the first endpoint to the second, once per
 * flow; reads every copy back through the target drive and hashes it.
 * @throws UsageError for a file or a topology that does not fit; HostError for what the host finds on the way.
 */
export async function runCopies(run: CopyRun): Promise<Report> {
  const bytes = sizeOfInput(run.file);
  if (bytes > driveBytes) {
    throw new UsageError(
      `${run.file} has ${bytes.toLocaleString('en-US')} bytes, and a drive has ${driveBytes.toLocaleString('en-US')}: name a smaller file.`,
    );
  }
  checkTopology(run.topology);
  const folder = mkdtempSync(join(tmpdir(), 'p2p-'));
  try {
    using source = new FileBacking(run.file, { capacity: driveBytes });
    using target = new FileBacking(join(folder, 'drive1'), { capacity: driveBytes, writable: true });
    using bench = await Testbench.create({
      topology: run.topology,
      engine: run.engine.create,
      width: run.width,
      ...(run.trace !== undefined && { trace: run.trace }),
    });
    const begin = performance.now();
    const result = await bench.scheduler.run(() => copyAll(run, bench, { source, target, bytes }));
    run.onTime?.((performance.now() - begin) / 1000);
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws UsageError for a topology without two drives that have enough BAR memory, so with a switch. */
export function checkTopology({ endpoints }: Topology): void {
  if (endpoints.length < 2) {
    throw new UsageError(
      'the copy needs two drives, and the topology has one endpoint: give it at least two; the first is the source, the second the target.',
    );
  }
  for (const { name, params } of endpoints.slice(0, 2)) {
    if (params.kind !== 'block')
      throw new UsageError(
        `the copy runs between block devices, and '${name}' is of the kind '${params.kind}': leave its kind out.`,
      );
    if (params.memory_bytes < leastMemory) {
      throw new UsageError(
        `the drive '${name}' has ${params.memory_bytes} bytes of BAR memory, and the copy needs at least ${leastMemory}: raise its memory_bytes.`,
      );
    }
  }
}

interface Media {
  readonly source: FileBacking;
  readonly target: FileBacking;
  readonly bytes: number;
}

async function copyAll(run: CopyRun, bench: Testbench, { source, target, bytes }: Media): Promise<Report> {
  const { topology, clockHz, width } = run;
  const host = new Host(bench);
  const tree = await host.enumerate();
  const drives: BlockDriver[] = [];
  for (const [i, backing] of [source, target].entries()) {
    const port = bench.devices[i];
    const name = topology.endpoints[i]?.name;
    if (!port || name === undefined) throw new HostError('a drive is missing in the topology');
    BlockDeviceFirmware.start(bench.scheduler, port, backing);
    drives.push(await BlockDriver.probe(host, functionOf(topology, tree, name), { name }));
  }
  const [from, to] = drives;
  if (!from || !to) throw new HostError('the copy needs two drives');
  bench.links.setDataRanges(userDataRanges(host, drives));

  const flows: FlowReport[] = [];
  for (const flow of run.flows ?? allFlows) {
    target.truncate(0);
    run.progress?.start(flow, bytes);
    bench.links.clear();
    const begin = bench.scheduler.now;
    await copyFile({ source: from, target: to, length: bytes, flow, onProgress: done => run.progress?.update(done) });
    const cycles = bench.scheduler.now - begin;
    const links = bench.links.snapshot();
    run.progress?.stop();
    const sha256 = await hashOfDrive(to, bytes);
    flows.push(flowReport({ flow, bytes, cycles, clockHz, links, from: from.name, to: to.name, sha256 }));
  }
  return report.parse({
    schema: 'p2p-copy-report',
    version: reportVersion,
    engine: run.engine.name,
    clock_hz: clockHz,
    width,
    max_payload: tree.maxPayload,
    max_read_request: tree.maxReadRequest,
    link_limit_gbps: linkLimit({ clockHz, width }),
    file: { name: run.name ?? basename(run.file), bytes, sha256: hashOfFile(run.file) },
    flows,
    total_cycles: bench.scheduler.now,
  } satisfies Report);
}

/** Function 0 of an endpoint. */
function functionOf(topology: Topology, tree: PciTree, name: string) {
  const endpoints = [...allFunctions(tree.functions)].filter(f => !f.bridge && f.bdf.function === 0);
  const found = endpoints[endpointsByBus(topology).indexOf(name)];
  if (!found) throw new HostError(`the host did not find ${name}`);
  return found;
}

async function hashOfDrive(drive: BlockDriver, length: number): Promise<string> {
  const hash = createHash('sha256');
  await readDrive({ drive, length, onChunk: bytes => hash.update(bytes) });
  return hash.digest('hex');
}

function hashOfFile(path: string): string {
  const hash = createHash('sha256');
  const file = openSync(path, 'r');
  try {
    const buffer = new Uint8Array(1 << 16);
    for (let n = readSync(file, buffer); n > 0; n = readSync(file, buffer)) hash.update(buffer.subarray(0, n));
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}

function flowReport(f: {
  readonly flow: Flow;
  readonly bytes: number;
  readonly cycles: number;
  readonly clockHz: number;
  readonly links: readonly LinkSnapshot[];
  readonly from: string;
  readonly to: string;
  readonly sha256: string;
}): FlowReport {
  const at = (name: string) => {
    const link = f.links.find(l => l.link === name);
    if (!link) throw new HostError(`there are no counters on the link of ${name}`);
    return link;
  };
  // The root link is the first of the list.
  const root = f.links[0];
  if (!root) throw new HostError('there are no link counters');
  return {
    flow: f.flow,
    cycles: f.cycles,
    seconds: f.cycles / f.clockHz,
    copy_gbps: gigabytesPerSecond(f.bytes, f.cycles, f.clockHz),
    latency: {
      first_data_cycles: at(f.to).down.first_data_cycle - root.down.first_cycle,
      path_cycles: dataLatency(at(f.from).up, at(f.to).down) ?? 0,
    },
    root_data_bytes: root.down.data_bytes + root.up.data_bytes,
    sha256: f.sha256,
    links: linkReports(f.links, f.clockHz),
  };
}
