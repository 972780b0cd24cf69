import { bootNic, bootNvme, MemoryBacking, RemoteNic, Wire } from '@hdl/firmware/device';
import {
  Computer,
  FabricTarget,
  HostError,
  type Job,
  type JobResult,
  jobGroups,
  NvmeOfInitiator,
  percentile,
  RdmaInitiatorNetwork,
  remoteDevice,
  runJobs,
  type TargetDrive,
} from '@hdl/firmware/host';
import type { Provider } from '@hdl/firmware/p2pdma';
import type { PciDevice } from '@hdl/firmware/pci';
import { endpointsByBus, type Topology, topology } from '@hdl/pcie-rtl';
import { type EngineFunction, gigabytesPerSecond, linkLimit, Testbench } from '@hdl/testbench';
import type { EngineName } from './engines.ts';
import { UsageError } from './errors.ts';
import type { Progress } from './progress.ts';
import { linkReports } from './report/links.ts';
import {
  type GroupReport,
  type JobReport,
  type SettingReport,
  type TargetReport,
  targetReport,
  targetReportVersion,
} from './report/target-schema.ts';

export interface TargetRun {
  readonly jobs: readonly Job[];
  /** What the report calls the job file. */
  readonly jobFile: string;
  readonly topology: Topology;
  readonly engine: { readonly name: EngineName; readonly create: EngineFunction };
  /** The modelled clock. */
  readonly clockHz: number;
  /** Bits of a beat. */
  readonly width: number;
  /** Where the data goes, one after the other: `auto`, `none`, `own` for each drive's own memory, or the name of an endpoint. */
  readonly settings: readonly string[];
  /** Bytes of each drive; 1 MiB by default. */
  readonly driveBytes?: number;
  readonly trace?: string;
  readonly progress?: Progress;
}

const KiB = 1024;
/** Bytes of each drive, if nothing else is said. */
const usualDriveBytes = 1024 * KiB;
/** Memory of the remote host: the data of all commands that jobs have under way. */
const remoteBytes = 16 * 1024 * KiB;
/** Cycles from one end of the wire to the other. */
const wireCycles = 100;
/** Cycles that a remote host needs to go. */
const farewellCycles = 5000;

/** Memory for peers, in bytes: powers of two. */
interface PeerMemory {
  readonly nic: number;
  /** Of each drive. */
  readonly drive: number;
}

/** The fabric of a storage target: one network card and some drives below one switch, each with memory for peers. */
export function targetTopology(drives = 2, memory: PeerMemory = { nic: 256 * KiB, drive: 256 * KiB }): Topology {
  return topology({
    switches: [{ name: 'switch0', parent: 'root' }],
    endpoints: [
      { name: 'nic0', parent: 'switch0', kind: 'nic', queues: 32, memory_bytes: memory.nic },
      ...Array.from({ length: drives }, (_, i) => ({
        name: `nvme${i}`,
        parent: 'switch0',
        kind: 'nvme' as const,
        queues: 4,
        memory_bytes: memory.drive,
      })),
    ],
  });
}

/** @throws UsageError for a topology without a network card or without drives, and for a setting that names no endpoint. */
export function checkTarget({ endpoints }: Topology, settings: readonly string[]): void {
  for (const [kind, what] of [
    ['nic', 'a network card'],
    ['nvme', 'an NVMe drive'],
  ] as const)
    if (!endpoints.some(({ params }) => params.kind === kind))
      throw new UsageError(`the target needs ${what}, and the topology has none: give an endpoint kind: '${kind}'.`);
  const known = ['auto', 'none', 'own', ...endpoints.map(({ name }) => name)];
  for (const setting of settings)
    if (!known.includes(setting)) throw new UsageError(`p2pmem cannot be '${setting}': choose from ${known.join(', ')}.`);
}

/** A drive and what it holds. */
interface Drive {
  readonly name: string;
  readonly media: MemoryBacking;
  readonly use: Omit<TargetDrive, 'p2pmem'>;
}

/**
 * The main job: builds the fabric, brings it up, boots the firmware of the card and the drives, and has a remote host run jobs on a target that owns none of
 * them, once for each setting of where the data goes. Every block is compared.
 * @throws UsageError for a topology or a setting that does not fit; HostError for what the host finds on the way.
 */
export async function runTarget(run: TargetRun): Promise<TargetReport> {
  checkTarget(run.topology, run.settings);
  using bench = await Testbench.create({
    topology: run.topology,
    engine: run.engine.create,
    width: run.width,
    ...(run.trace !== undefined && { trace: run.trace }),
  });
  // Awaited here: the bench closes when this function ends.
  return await bench.scheduler.run(() => new Runner(run, bench).all());
}

class Runner {
  private readonly run: TargetRun;
  private readonly bench: Testbench;
  private readonly devices = new Map<string, PciDevice>();

  constructor(run: TargetRun, bench: Testbench) {
    this.run = run;
    this.bench = bench;
  }

  async all(): Promise<TargetReport> {
    const { run, bench } = this;
    const { clockHz, width } = run;
    const computer = await Computer.boot(bench);
    const names = endpointsByBus(run.topology);
    const first = computer.endpoints.filter(({ bdf }) => bdf.function === 0);
    for (const [i, device] of first.entries()) this.devices.set(names[i] ?? device.name, device);
    const { target, network, name: nic } = await this.startCard(computer);
    const drives = await this.startDrives(computer);
    const settings: SettingReport[] = [];
    for (const setting of run.settings) settings.push(await this.withSetting(setting, { computer, target, network, drives }));
    const [top] = computer.machine.devices;
    return targetReport.parse({
      schema: 'p2p-target-report',
      version: targetReportVersion,
      engine: run.engine.name,
      clock_hz: clockHz,
      width,
      max_payload: top ? await top.payload() : 0,
      link_limit_gbps: linkLimit({ clockHz, width }),
      wire_cycles: wireCycles,
      job_file: run.jobFile,
      nic,
      drives: drives.map(({ name }) => name),
      settings,
      total_cycles: bench.scheduler.now,
    } satisfies TargetReport);
  }

  /** The first network card, its wire, and the remote host's card at the other end. */
  private async startCard(computer: Computer) {
    const { bench } = this;
    const { scheduler } = bench;
    const { name, params, port } = this.endpointsOf('nic')[0] ?? fail('there is no network card');
    const wire = new Wire(scheduler, { latency: wireCycles });
    await bootNic(scheduler, port, params, wire.ends[0]);
    const device = this.device(name);
    const target = await FabricTarget.open(computer, device, await computer.rdma(device));
    const network = new RdmaInitiatorNetwork(
      scheduler,
      new RemoteNic(scheduler, wire.ends[1], { memoryBytes: remoteBytes }),
      target.port,
    );
    return { target, network, name };
  }

  private async startDrives(computer: Computer): Promise<Drive[]> {
    const { scheduler } = this.bench;
    const drives: Drive[] = [];
    for (const [i, { name, params, port }] of this.endpointsOf('nvme').entries()) {
      const media = new MemoryBacking(content(this.run.driveBytes ?? usualDriveBytes, i + 1));
      await bootNvme(scheduler, port, params, media);
      const device = this.device(name);
      // Queues in the controller would be data to whoever counts what goes into its memory.
      drives.push({ name, media, use: { device, driver: await computer.nvme(device, { queuesInController: false }) } });
    }
    return drives;
  }

  private async withSetting(
    setting: string,
    on: {
      readonly computer: Computer;
      readonly target: FabricTarget;
      readonly network: RdmaInitiatorNetwork;
      readonly drives: readonly Drive[];
    },
  ): Promise<SettingReport> {
    const { computer, target, network, drives } = on;
    const { scheduler, links } = this.bench;
    // Of equally near providers each namespace takes another one.
    let turn = 0;
    target.serve(
      drives.map(({ use }) => ({ ...use, p2pmem: this.p2pmem(setting, use.device) })),
      {},
      count => turn++ % count,
    );
    const host = await NvmeOfInitiator.connect(network, { entries: 128 });
    const places = target.places();
    links.setDataRanges(dataRanges(computer));
    const devices = host.namespaces.map((namespace, i) => {
      const { name, media } = drives[i] ?? fail(`there is no drive for namespace ${namespace.id}`);
      return remoteDevice(host, namespace, media.bytes.slice(), i + 1000 * this.run.settings.indexOf(setting), name);
    });
    const groups: GroupReport[] = [];
    const all = jobGroups(this.run.jobs);
    this.run.progress?.start(setting, all.length);
    for (const [i, jobs] of all.entries()) {
      links.clear();
      const results = await runJobs(scheduler, jobs, devices, this.run.clockHz);
      groups.push(this.groupReport(jobs, results));
      this.run.progress?.update(i + 1);
    }
    this.run.progress?.stop();
    const wrong = devices.map(({ scoreboard }, i) => scoreboard.check(drives[i]?.media.bytes ?? fail('a drive has gone')));
    host.close();
    await scheduler.delay(farewellCycles);
    return {
      p2pmem: setting,
      buffers: places.map(({ provider }, i) => ({ drive: drives[i]?.name ?? '', memory: this.nameOf(computer, provider) })),
      groups,
      wrong_blocks: wrong.reduce((sum, blocks) => sum + blocks, 0),
    };
  }

  /** The setting of a drive's namespace. */
  private p2pmem(setting: string, drive: PciDevice): string {
    if (setting === 'auto') return '1';
    if (setting === 'none') return '0';
    return (setting === 'own' ? drive : this.device(setting)).name;
  }

  private groupReport(jobs: readonly Job[], results: readonly JobResult[]): GroupReport {
    const links = this.bench.links.snapshot();
    const [root] = links;
    if (!root) throw new HostError('there are no link counters');
    return {
      jobs: jobs.map(job =>
        this.jobReport(
          job,
          results.filter(result => result.job === job),
        ),
      ),
      root_data_bytes: root.down.data_bytes + root.up.data_bytes,
      links: linkReports(links, this.run.clockHz),
    };
  }

  private jobReport({ name, pattern, bs, iodepth, numjobs }: Job, results: readonly JobResult[]): JobReport {
    const { clockHz } = this.run;
    const sum = (of: (result: JobResult) => number) => results.reduce((total, result) => total + of(result), 0);
    const latencies = results.flatMap(result => result.latencies);
    const cycles = Math.max(0, ...results.map(result => result.cycles));
    const bytes = sum(result => result.bytes);
    const seconds = cycles / clockHz;
    return {
      job: name,
      rw: pattern,
      bs,
      iodepth,
      numjobs,
      reads: sum(result => result.reads),
      writes: sum(result => result.writes),
      bytes,
      cycles,
      seconds,
      iops: seconds > 0 ? latencies.length / seconds : 0,
      gbps: gigabytesPerSecond(bytes, cycles, clockHz),
      latency: {
        mean_cycles: latencies.length > 0 ? latencies.reduce((total, each) => total + each, 0) / latencies.length : 0,
        p50_cycles: percentile(latencies, 50),
        p99_cycles: percentile(latencies, 99),
        most_cycles: percentile(latencies, 100),
      },
    };
  }

  private nameOf(computer: Computer, provider: Provider | undefined): string {
    for (const [name, device] of this.devices) if (provider && computer.tree.node(device) === provider.device) return name;
    return 'host';
  }

  private device(name: string): PciDevice {
    return this.devices.get(name) ?? fail(`the host did not find ${name}`);
  }

  private endpointsOf(kind: 'nic' | 'nvme') {
    return this.run.topology.endpoints.flatMap(({ name, params }, i) => {
      const port = this.bench.devices[i];
      return params.kind === kind && port ? [{ name, params, port }] : [];
    });
  }
}

/** Where user data may be: the host's buffers, and all memory for peers, from the first provider's to the last one's. */
function dataRanges({ buffers, registry, endpoints }: Computer) {
  const bars = endpoints.flatMap(({ bars }) =>
    bars.flatMap(({ prefetchable, address, bytes }) =>
      prefetchable && address !== undefined ? [{ base: address, limit: address + bytes }] : [],
    ),
  );
  const host = { base: buffers.base, limit: buffers.base + buffers.bytes };
  if (registry.all.length === 0 || bars.length === 0) return [host];
  const base = bars.reduce((least, bar) => (bar.base < least ? bar.base : least), bars[0]?.base ?? 0n);
  const limit = bars.reduce((most, bar) => (bar.limit > most ? bar.limit : most), 0n);
  return [host, { base, limit }];
}

/** What a drive holds before anybody writes to it: no two blocks are the same. */
function content(bytes: number, seed: number): Uint8Array {
  const words = new Uint32Array(bytes / 4);
  let state = Math.imul(seed, 0x9e37_79b1) | 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer);
}

function fail(message: string): never {
  throw new HostError(message);
}
