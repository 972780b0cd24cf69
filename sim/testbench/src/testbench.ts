import type { FabricParams, Topology } from '@hdl/pcie-rtl';
import { checked, elaborate, embedded, type ir, type Simulation, type SimulationOptions } from '@hdl/ts-hdl';
import { HostBridgePort } from './bridge-port.ts';
import { FabricHarness, softwareMemories } from './fabric-harness.ts';
import { LinkFaults } from './link-faults.ts';
import { Links } from './links.ts';
import { DevicePort, RootPort } from './ports.ts';
import type { RootBridgeParams } from './root-complex.ts';
import { Scheduler, type SchedulerOptions } from './scheduler.ts';

/** Makes a simulation of a design; an engine that compiles first may take its time. */
export type EngineFunction = (design: ir.Design, options?: SimulationOptions) => Simulation | Promise<Simulation>;

export interface TestbenchOptions extends SchedulerOptions {
  readonly topology: Topology;
  /** The in-process engine by default. */
  readonly engine?: EngineFunction;
  /** Bits of a beat; 256 by default. */
  readonly width?: number;
  /** Bytes of host memory, a power of two; 4 MiB by default. */
  readonly hostBytes?: number;
  /** Makes what lies on a link, by the link's name; nothing by default. */
  readonly between?: FabricParams['between'];
  /** Makes a host bridge above the root ports, which translates and forwards if it is told to; by default there is one where there are several root ports. */
  readonly bridge?: RootBridgeParams;
  /** Writes a waveform of every named signal to this file. */
  readonly trace?: string;
}

const defaultHostBytes = 4 * 1024 * 1024;
/** Bus address of host memory. */
const hostBase = 0x1000_0000n;
/** Cycles of reset before anything else. */
const resetCycles = 4;

/** The design of a topology's harness, for any engine. */
export function harnessDesign(
  topology: Topology,
  width = 256,
  hostBytes = defaultHostBytes,
  between?: FabricParams['between'],
  bridge?: RootBridgeParams,
): ir.Design {
  const optional = { ...(between && { between }), ...(bridge && { bridge }) };
  const params = { topology, width, host_bytes: hostBytes, host_base: hostBase, ...optional };
  return checked(elaborate(() => new FabricHarness(params)).design);
}

/** The design that was built last, with what it was built from: many test benches in a row have the same. */
let latest: { readonly of: string; readonly design: ir.Design } | undefined;

/** A host bridge: the one that is asked for, or for several root ports one whose IOMMU can translate as many addresses as the host memory has. */
function bridgeOf({ topology, hostBytes = defaultHostBytes, bridge }: TestbenchOptions): RootBridgeParams | undefined {
  if (bridge || topology.roots.length === 1) return bridge;
  return { base: hostBase, pages: hostBytes / 4096, domains: 2 };
}

function designOf(options: TestbenchOptions): ir.Design {
  const { topology, width = 256, hostBytes = defaultHostBytes, between } = options;
  const bridge = bridgeOf(options);
  if (between || bridge) return harnessDesign(topology, width, hostBytes, between, bridge);
  const of = JSON.stringify([topology, width, hostBytes]);
  if (latest?.of !== of) latest = { of, design: harnessDesign(topology, width, hostBytes) };
  return latest.design;
}

/** A fabric that runs, with what software needs of it. `using` closes it. */
export class Testbench implements Disposable {
  readonly topology: Topology;
  /** Bits of a beat. */
  readonly width: number;
  readonly scheduler: Scheduler;
  readonly root: RootPort;
  /** In the order of the topology's endpoints. */
  readonly devices: readonly DevicePort[];
  readonly links: Links;
  /** There with the option `bridge`, or where there are several root ports. */
  readonly bridge: HostBridgePort | undefined;
  /** There with the option `between`. */
  readonly faults: LinkFaults | undefined;
  /** The running design itself, for what is checked beside the software. */
  readonly simulation: Simulation;

  /** Builds the fabric of a topology and resets it. */
  static async create(options: TestbenchOptions): Promise<Testbench> {
    const { topology, engine = embedded, width = 256, trace } = options;
    const design = designOf(options);
    const wishes = {
      memories: softwareMemories(topology, width, bridgeOf(options) !== undefined),
      ...(trace !== undefined && { trace }),
    };
    return new Testbench(await engine(design, wishes), width, options);
  }

  private constructor(simulation: Simulation, width: number, options: TestbenchOptions) {
    const { topology } = options;
    this.topology = topology;
    this.width = width;
    this.simulation = simulation;
    this.reset();
    this.scheduler = new Scheduler(
      {
        get cycle() {
          return simulation.cycle;
        },
        advance: cycles => this.advance(cycles),
      },
      options,
    );
    const ports = topology.roots.length;
    const bridge = bridgeOf(options);
    this.bridge = bridge && new HostBridgePort(simulation, ports, width, bridge);
    this.root = new RootPort(simulation, this.scheduler, { width, hostBase, ports, bridge: this.bridge });
    this.devices = topology.endpoints.map(({ name }, i) => new DevicePort(simulation, this.scheduler, width, name, i));
    this.links = new Links(simulation, topology);
    this.faults = options.between && new LinkFaults(simulation, topology);
  }

  private reset(): void {
    const reset = this.simulation.ports.get('rst');
    if (reset) reset.words[0] = 1;
    this.simulation.step(resetCycles);
    if (reset) reset.words[0] = 0;
  }

  private advance(cycles: number): boolean {
    this.simulation.run(cycles);
    let woken = this.root.poll();
    for (const device of this.devices) woken = device.poll() || woken;
    return woken;
  }

  [Symbol.dispose](): void {
    this.simulation[Symbol.dispose]();
  }
}
