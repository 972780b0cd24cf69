import { bool, cat, HdlError, input, Module, output, reg, type UInt, u, uint, when } from '@hdl/ts-hdl';
import { CapabilityId, DeviceCapabilities2, PortType, pciExpress, powerManagement } from './capabilities.ts';
import { FunctionState } from './function-state.ts';
import { type ConfigRegister, serveRegisters } from './register-file.ts';
import { Bar0, msixVectors } from './register-map.ts';

export interface EndpointConfigParams {
  readonly vendor_id: number;
  readonly device_id: number;
  /** Base class, sub-class and interface: 24 bits. */
  readonly class_code: number;
  /** Size of BAR2: a power of two of at least 4 KiB, or 0 for no BAR2. */
  readonly memory_bytes: number;
  /** Largest payload in bytes: 128, 256 or 512. */
  readonly max_payload: number;
}

const bar0Bits = Math.log2(Bar0.size);

/**
 * The type 0 configuration space of an endpoint with one function (7.5.1, 7.5.2, 7.5.3, 7.7.2): BAR0 32-bit, BAR2 64-bit prefetchable, power
 * management, MSI-X, PCI Express. An access per cycle; `read_data` is valid one cycle after `access_valid`, and a write shows in `state` then.
 * `capture` takes the bus and device number of a configuration write that was completed (C24). Reset closes both enables (C81, C83).
 */
export class EndpointConfigSpace extends Module<EndpointConfigParams> {
  readonly access_valid = input(bool);
  readonly access_write = input(bool);
  readonly access_register = input(uint(10));
  readonly access_data = input(uint(32));
  readonly access_mask = input(uint(4));
  readonly read_data = output(uint(32));
  readonly capture = input(bool);
  /** {bus, device, function} that the configuration write was sent to. */
  readonly capture_id = input(uint(16));
  readonly state = output(FunctionState);

  private readonly bus_device = reg(uint(13), { init: 0 });
  private readonly memory_enable = reg(bool, { init: 0 });
  private readonly bus_master = reg(bool, { init: 0 });
  private readonly bar0_base = reg(uint(32 - bar0Bits), { init: 0 });
  /** Writable bits of BAR2: they end where its size begins. */
  private readonly bar2_low = this.bar2Bits > 0 && this.bar2Bits < 32 ? reg(uint(32 - this.bar2Bits), { init: 0 }) : undefined;
  private readonly bar2_high = this.bar2Bits > 0 ? reg(uint(Math.min(32, 64 - this.bar2Bits)), { init: 0 }) : undefined;
  private readonly mps = reg(uint(3), { init: 0 });
  /** 512 bytes after reset. */
  private readonly mrrs = reg(uint(3), { init: 2 });
  private readonly msix_enable = reg(bool, { init: 0 });
  private readonly msix_mask = reg(bool, { init: 0 });
  private readonly read_word = reg(uint(32));

  protected override logic() {
    const { memory_bytes, max_payload } = this.p;
    if (memory_bytes !== 0 && (memory_bytes < 4096 || !Number.isInteger(this.bar2Bits)))
      throw new HdlError(`memory_bytes is 0 or a power of two of at least 4096, not ${memory_bytes}`);
    if (![128, 256, 512].includes(max_payload)) throw new HdlError(`max_payload is 128, 256 or 512, not ${max_payload}`);

    serveRegisters(this, this.map(), this.read_word);
    this.read_data.set(this.read_word);
    when(this.capture, () => this.bus_device.set(this.capture_id.part(3, 13)));

    this.state.set({
      id: cat(this.bus_device, u(3, 0)).as(16),
      memory_enable: this.memory_enable,
      bus_master: this.bus_master,
      mps: this.mps,
      mrrs: this.mrrs,
      bar0: cat(this.bar0_base, u(bar0Bits, 0)).zext(64),
      bar2: this.bar2(),
      msix_enable: this.msix_enable,
      msix_mask: this.msix_mask,
    });
  }

  /** Address bits inside BAR2; 0 without BAR2. */
  private get bar2Bits(): number {
    return this.p.memory_bytes === 0 ? 0 : Math.log2(this.p.memory_bytes);
  }

  private bar2(): UInt<64> {
    if (!this.bar2_high) return u(64, 0);
    const bits = this.bar2Bits;
    const base = this.bar2_low ? cat(this.bar2_high, this.bar2_low) : this.bar2_high;
    return cat(base, u(bits, 0)).as(64);
  }

  private map(): ConfigRegister[] {
    const { vendor_id, device_id, class_code, max_payload } = this.p;
    const identity = ((device_id << 16) | vendor_id) >>> 0;
    const bits = this.bar2Bits;
    const capabilityList = 1 << 20;
    const prefetchable64 = 0xc;
    const bar2: ConfigRegister[] = this.bar2_high
      ? [
          { offset: 0x18, constant: prefetchable64, fields: this.bar2_low ? [{ low: bits, rw: this.bar2_low }] : [] },
          { offset: 0x1c, fields: [{ low: Math.max(0, bits - 32), rw: this.bar2_high }] },
        ]
      : [];
    return [
      { offset: 0x00, constant: identity },
      {
        offset: 0x04,
        constant: capabilityList,
        fields: [
          { low: 1, rw: this.memory_enable },
          { low: 2, rw: this.bus_master },
        ],
      },
      { offset: 0x08, constant: ((class_code << 8) | 1) >>> 0 },
      { offset: 0x10, fields: [{ low: bar0Bits, rw: this.bar0_base }] },
      ...bar2,
      { offset: 0x2c, constant: identity },
      { offset: 0x34, constant: 0x40 },
      ...powerManagement(0x40, 0x50),
      {
        offset: 0x50,
        constant: ((msixVectors - 1) << 16) | (0x60 << 8) | CapabilityId.msix,
        fields: [
          { low: 30, rw: this.msix_mask },
          { low: 31, rw: this.msix_enable },
        ],
      },
      { offset: 0x54, constant: Bar0.msix_table },
      { offset: 0x58, constant: Bar0.msix_pending },
      ...pciExpress(0x60, 0, {
        portType: PortType.endpoint,
        portNumber: 0,
        maxPayload: max_payload,
        // Extended tags are always on: the requester uses as many tags as it was built with.
        deviceCapabilities: 1 << 5,
        deviceControl: 1 << 8,
        deviceCapabilities2: DeviceCapabilities2.tenBitTagCompleter,
        control: [
          { low: 5, rw: this.mps },
          { low: 12, rw: this.mrrs },
        ],
      }),
    ];
  }
}
