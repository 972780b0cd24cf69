import { Bundle, bool, cat, input, Module, output, reg, type Sig, u, uint, when } from '@hdl/ts-hdl';
import { CapabilityId, DeviceCapabilities2, PortType, pciExpress, powerManagement } from './capabilities.ts';
import { type ConfigRegister, serveRegisters } from './register-file.ts';

/** What the configuration space of a switch port tells the routing. */
export class BridgeState extends Bundle({
  /** Captured bus and device number with function 0 (rule C24). */
  id: uint(16),
  /** Command register: requests from above may pass; requests from below may pass (rules C82, C83). */
  memory_enable: bool,
  bus_master: bool,
  secondary: uint(8),
  subordinate: uint(8),
  /** Address bits 31:20 of the first and the last MiB of the memory window; closed if base > limit (rules C30, C31). */
  memory_base: uint(12),
  memory_limit: uint(12),
  /** Address bits 63:20 of the prefetchable window. */
  prefetch_base: uint(44),
  prefetch_limit: uint(44),
}) {}
export type Bridge = Sig<typeof BridgeState>;

export interface BridgeConfigParams {
  readonly vendor_id: number;
  readonly device_id: number;
  readonly direction: 'upstream' | 'downstream';
  /** Port Number of the link capabilities. */
  readonly port_number: number;
}

/** Offset of the capability (vendor specific, 8 bytes) whose second register counts the TLPs that the port dropped. */
export const droppedCapability = 0x90;

/**
 * The type 1 configuration space of a switch port (7.5.1.3): bus numbers, memory and 64-bit prefetchable window, power management, PCI Express,
 * and a vendor-specific count of dropped TLPs. There is no I/O window: its registers read 0. An access per cycle; `read_data` is valid one cycle
 * after `access_valid`, and a write shows in `state` then. Reset closes windows and enables and takes the bus numbers away.
 */
export class BridgeConfigSpace extends Module<BridgeConfigParams> {
  readonly access_valid = input(bool);
  readonly access_write = input(bool);
  readonly access_register = input(uint(10));
  readonly access_data = input(uint(32));
  readonly access_mask = input(uint(4));
  readonly read_data = output(uint(32));
  readonly capture = input(bool);
  /** {bus, device, function} that the configuration write was sent to. */
  readonly capture_id = input(uint(16));
  /** TLPs that came in by this port and went nowhere. */
  readonly dropped = input(uint(32));
  readonly state = output(BridgeState);

  private readonly bus_device = reg(uint(13), { init: 0 });
  private readonly memory_enable = reg(bool, { init: 0 });
  private readonly bus_master = reg(bool, { init: 0 });
  private readonly primary = reg(uint(8), { init: 0 });
  private readonly secondary = reg(uint(8), { init: 0 });
  private readonly subordinate = reg(uint(8), { init: 0 });
  private readonly memory_base = reg(uint(12), { init: 0xfff });
  private readonly memory_limit = reg(uint(12), { init: 0 });
  private readonly prefetch_base_low = reg(uint(12), { init: 0xfff });
  private readonly prefetch_base_high = reg(uint(32), { init: 0 });
  private readonly prefetch_limit_low = reg(uint(12), { init: 0 });
  private readonly prefetch_limit_high = reg(uint(32), { init: 0 });
  private readonly mps = reg(uint(3), { init: 0 });
  private readonly read_word = reg(uint(32));

  protected override logic() {
    serveRegisters(this, this.map(), this.read_word);
    this.read_data.set(this.read_word);
    when(this.capture, () => this.bus_device.set(this.capture_id.part(3, 13)));

    this.state.set({
      id: cat(this.bus_device, u(3, 0)).as(16),
      memory_enable: this.memory_enable,
      bus_master: this.bus_master,
      secondary: this.secondary,
      subordinate: this.subordinate,
      memory_base: this.memory_base,
      memory_limit: this.memory_limit,
      prefetch_base: cat(this.prefetch_base_high, this.prefetch_base_low).as(44),
      prefetch_limit: cat(this.prefetch_limit_high, this.prefetch_limit_low).as(44),
    });
  }

  private map(): ConfigRegister[] {
    const { vendor_id, device_id, direction, port_number } = this.p;
    const capabilityList = 1 << 20;
    const bridgeClass = 0x060400;
    const type1Header = 1 << 16;
    const window64 = 0x0001_0001;
    return [
      { offset: 0x00, constant: ((device_id << 16) | vendor_id) >>> 0 },
      {
        offset: 0x04,
        constant: capabilityList,
        fields: [
          { low: 1, rw: this.memory_enable },
          { low: 2, rw: this.bus_master },
        ],
      },
      { offset: 0x08, constant: (bridgeClass << 8) | 1 },
      { offset: 0x0c, constant: type1Header },
      {
        offset: 0x18,
        fields: [
          { low: 0, rw: this.primary },
          { low: 8, rw: this.secondary },
          { low: 16, rw: this.subordinate },
        ],
      },
      {
        offset: 0x20,
        fields: [
          { low: 4, rw: this.memory_base },
          { low: 20, rw: this.memory_limit },
        ],
      },
      {
        offset: 0x24,
        constant: window64,
        fields: [
          { low: 4, rw: this.prefetch_base_low },
          { low: 20, rw: this.prefetch_limit_low },
        ],
      },
      { offset: 0x28, fields: [{ low: 0, rw: this.prefetch_base_high }] },
      { offset: 0x2c, fields: [{ low: 0, rw: this.prefetch_limit_high }] },
      { offset: 0x34, constant: 0x40 },
      ...powerManagement(0x40, 0x50),
      ...pciExpress(0x50, droppedCapability, {
        portType: direction === 'upstream' ? PortType.switchUpstream : PortType.switchDownstream,
        portNumber: port_number,
        maxPayload: 512,
        deviceCapabilities2: DeviceCapabilities2.atomicRouting,
        control: [{ low: 5, rw: this.mps }],
      }),
      { offset: droppedCapability, constant: (8 << 16) | CapabilityId.vendorSpecific },
      { offset: droppedCapability + 4, fields: [{ low: 0, ro: this.dropped }] },
    ];
  }
}
