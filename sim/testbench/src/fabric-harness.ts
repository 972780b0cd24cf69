import {
  DataRange,
  dataRanges,
  type FabricParams,
  FirmwareRequest,
  IommuFault,
  iommuMemories,
  LinkCounts,
  LinkFault,
  ObservedFabric,
  type Topology,
  tlpBeat,
} from '@hdl/pcie-rtl';
import { anyOf, bool, cat, connect, drive, input, Module, output, reg, uint, vec } from '@hdl/ts-hdl';
import { at } from './at.ts';
import { hostMemoryPaths } from './host-memory.ts';
import { bridgeControl, type RootBridgeParams, RootComplex } from './root-complex.ts';
import { ringControl, ringStatus } from './transactors/ring.ts';
import { StreamSink } from './transactors/stream-sink.ts';
import { StreamSource } from './transactors/stream-source.ts';

export interface FabricHarnessParams {
  readonly topology: Topology;
  /** Bits of a beat. */
  readonly width: number;
  /** Host memory: bytes, a power of two, and its bus address, a multiple of them. */
  readonly host_bytes: number;
  readonly host_base: bigint;
  /** Makes what lies on a link, by the link's name; nothing by default. */
  readonly between?: FabricParams['between'];
  /** Makes a host bridge above the root ports, which several need; none by default. */
  readonly bridge?: RootBridgeParams;
}

/** Paths of the memories of a `FabricHarness` that software reaches: host memory and the rings. */
export function softwareMemories(topology: Topology, width = 256, bridge = false): string[] {
  const rings = [...topology.roots.map((_, i) => `root_source_${i}`), 'root_sink', ...(bridge ? ['faults'] : [])];
  topology.endpoints.forEach((_, i) => {
    rings.push(...['request', 'response', 'media_in', 'media_out'].map(name => `${name}_${i}`));
  });
  const tables = bridge ? topology.roots.flatMap((_, i) => Object.values(iommuMemories(iommuPath(i)))) : [];
  return [...hostMemoryPaths(width), ...tables, ...rings.map(ring => `${ring}.ring`)];
}

/** The `Iommu` of a root port below the top module. */
export const iommuPath = (port: number): string => `root.bridge.iommus_${port}`;

/** Words of the rings that carry TLP beats, register accesses and media words. */
export const ringDepth = { tlp: 256, register: 256, media: 2048, fault: 64 } as const;

/**
 * A fabric with everything around it that has to keep up with the clock: link counters, the root complex with host memory, and a stream source
 * or sink for every stream that software feeds or drains. Software reads and writes ports and ring memories, and sleeps until `attention`.
 */
export class FabricHarness extends Module<FabricHarnessParams> {
  readonly attention = output(bool);
  /** Payload limit of the root ports: 128 << root_mps bytes. */
  readonly root_mps = input(uint(3));
  /** Bit i: root port i holds its link in hot reset. */
  readonly root_hot_reset = input(uint(this.ports));
  /** As those of `Fabric`. */
  readonly pulled = this.perLink();
  readonly retrained = this.perLink();
  readonly link_faults = this.p.between && input(vec(this.p.topology.links.length, LinkFault));
  readonly link_faulted = this.p.between && output(uint(this.p.topology.links.length));
  readonly clear = input(bool);
  readonly ranges = input(vec(dataRanges, DataRange));
  readonly counters = output(vec(this.p.topology.links.length, LinkCounts));
  /** Bit i: the interrupt of endpoint i, and whether it wakes software. */
  readonly interrupt_enable = input(uint(this.count));
  readonly interrupts = output(uint(this.count));

  /** By root port: what software sends. */
  readonly root_source_control = input(vec(this.ports, ringControl(ringDepth.tlp)));
  readonly root_source_status = output(vec(this.ports, ringStatus(ringDepth.tlp)));
  readonly root_sink_control = input(ringControl(ringDepth.tlp));
  readonly root_sink_status = output(ringStatus(ringDepth.tlp));
  readonly request_control = input(vec(this.count, ringControl(ringDepth.register)));
  readonly request_status = output(vec(this.count, ringStatus(ringDepth.register)));
  readonly response_control = input(vec(this.count, ringControl(ringDepth.register)));
  readonly response_status = output(vec(this.count, ringStatus(ringDepth.register)));
  readonly media_in_control = input(vec(this.count, ringControl(ringDepth.media)));
  readonly media_in_status = output(vec(this.count, ringStatus(ringDepth.media)));
  readonly media_out_control = input(vec(this.count, ringControl(ringDepth.media)));
  readonly media_out_status = output(vec(this.count, ringStatus(ringDepth.media)));

  /** With `bridge`. */
  readonly bridge_control = this.p.bridge && input(bridgeControl(this.ports));
  readonly faults_control = this.p.bridge && input(ringControl(ringDepth.fault));
  readonly faults_status = this.p.bridge && output(ringStatus(ringDepth.fault));

  private readonly fabric = new ObservedFabric({
    topology: this.p.topology,
    width: this.p.width,
    ...(this.p.between && { between: this.p.between }),
  });
  private readonly root = new RootComplex({ ...this.p, ports: this.ports });
  private readonly root_source = this.p.topology.roots.map(
    () => new StreamSource({ type: tlpBeat(this.p.width), depth: ringDepth.tlp }),
  );
  private readonly root_sink = new StreamSink({ type: tlpBeat(this.p.width), depth: ringDepth.tlp });
  private readonly faults = this.p.bridge && new StreamSink({ type: IommuFault, depth: ringDepth.fault });
  private readonly request = this.each(() => new StreamSource({ type: FirmwareRequest, depth: ringDepth.register }));
  private readonly response = this.each(() => new StreamSink({ type: uint(32), depth: ringDepth.register }));
  private readonly media_in = this.each(() => new StreamSource({ type: uint(this.p.width), depth: ringDepth.media }));
  private readonly media_out = this.each(() => new StreamSink({ type: uint(this.p.width), depth: ringDepth.media }));
  /** Time for the link counters. */
  private readonly cycle = reg(uint(48), { init: 0 });

  private get count(): number {
    return this.p.topology.endpoints.length;
  }

  private get ports(): number {
    return this.p.topology.roots.length;
  }

  private perLink() {
    return this.p.between && input(uint(this.p.topology.links.length));
  }

  private each<X>(make: () => X): X[] {
    return Array.from({ length: this.count }, make);
  }

  protected override logic() {
    const { fabric, root, root_source, root_sink } = this;
    this.cycle.set(this.cycle.add(1));

    root_source.forEach((source, i) => {
      connect(source, { control: at(this.root_source_control, i) });
      at(this.root_source_status, i).set(source.status);
    });
    connect(root_sink, { control: this.root_sink_control, in: root.to_software });
    connect(root, {
      rx: fabric.roots.map(({ tx }) => tx),
      rx_fc: fabric.roots.map(({ tx_fc }) => tx_fc),
      link_up: fabric.roots.map(({ up }) => up),
      from_software: root_source.map(({ out }) => out),
      mps: this.root_mps,
    });
    this.joinBridge();
    fabric.roots.forEach((end, i) => {
      end.rx.from(at(root.tx, i));
      end.rx_fc.from(at(root.tx_fc, i));
      drive(end.hot_reset).set(this.root_hot_reset.bit(i));
    });
    this.root_sink_status.set(root_sink.status);

    connect(fabric, {
      firmware_request: this.request.map(r => r.out),
      media_in: this.media_in.map(m => m.out),
      cycle: this.cycle,
      clear: this.clear,
      ranges: [...this.ranges],
    });
    if (fabric.pulled && this.pulled) drive(fabric.pulled).set(this.pulled);
    if (fabric.retrained && this.retrained) drive(fabric.retrained).set(this.retrained);
    if (fabric.link_faults && this.link_faults) drive(fabric.link_faults).set([...this.link_faults]);
    if (fabric.link_faulted) this.link_faulted?.set(fabric.link_faulted);
    this.counters.set([...fabric.counters]);

    const sources = [
      { modules: this.request, control: this.request_control, status: this.request_status },
      { modules: this.media_in, control: this.media_in_control, status: this.media_in_status },
    ] as const;
    for (const { modules, control, status } of sources) {
      modules.forEach((module, i) => {
        connect(module as StreamSource<never>, { control: at(control, i) });
        at(status, i).set(module.status);
      });
    }
    const sinks = [
      { modules: this.response, streams: fabric.firmware_response, control: this.response_control, status: this.response_status },
      { modules: this.media_out, streams: fabric.media_out, control: this.media_out_control, status: this.media_out_status },
    ] as const;
    for (const { modules, streams, control, status } of sinks) {
      modules.forEach((module, i) => {
        connect(module as StreamSink<never>, { control: at(control, i), in: at(streams, i) as never });
        at(status, i).set(module.status);
      });
    }

    const levels = cat(...fabric.firmware_interrupt.toReversed());
    this.interrupts.set(levels);
    const transactors = [...root_source, root_sink, ...this.request, ...this.response, ...this.media_in, ...this.media_out];
    this.attention.set(anyOf([...transactors.map(t => t.status.attention), levels.and(this.interrupt_enable).any()]));
  }

  private joinBridge(): void {
    const { root, faults, faults_control } = this;
    if (!faults || !faults_control || !this.bridge_control || !root.bridge_control || !root.fault) return;
    drive(root.bridge_control).set(this.bridge_control);
    connect(faults, { control: faults_control, in: root.fault });
    this.faults_status?.set(faults.status);
  }
}
