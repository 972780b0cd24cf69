import type { ConfigField, ConfigRegister } from './register-file.ts';

/** Capability structures that both kinds of function have, as register descriptions. */

/** Capability identifiers (7.5.2, 7.5.3, 7.7.2, 7.9.4). */
export const CapabilityId = { powerManagement: 0x01, vendorSpecific: 0x09, pciExpress: 0x10, msix: 0x11 } as const;

/** Device/port type of the PCI Express capability (7.5.3.2). */
export const PortType = { endpoint: 0, switchUpstream: 5, switchDownstream: 6 } as const;

/** Power management of a function that stays in D0: version 3, no reset when leaving D3hot, no PME (7.5.2). */
export function powerManagement(offset: number, next: number): ConfigRegister[] {
  return [
    { offset, constant: 0x0003_0000 | (next << 8) | CapabilityId.powerManagement },
    { offset: offset + 4, constant: 0x8 },
  ];
}

export interface PciExpress {
  readonly portType: number;
  readonly portNumber: number;
  /** Largest payload in bytes. */
  readonly maxPayload: number;
  /** Fields of device control: bits 15:0 of the register. */
  readonly control: readonly ConfigField[];
  /** Constant bits of device capabilities and device control beyond those of every function. */
  readonly deviceCapabilities?: number;
  readonly deviceControl?: number;
  readonly deviceCapabilities2: number;
}

/** Gen4 x8: 15.75 GB/s, the generation and width next to a 256-bit beat at 500 MHz. The link has no training, so these are constants. */
const link = { speed: 4, lanes: 8, speeds: 0b1111 } as const;

/** PCI Express capability, version 2 (7.5.3). */
export function pciExpress(offset: number, next: number, p: PciExpress): ConfigRegister[] {
  const supported = Math.log2(p.maxPayload / 128);
  const roleBasedErrors = 1 << 15;
  const aspmOptional = 1 << 22;
  const slotClock = 1 << 12;
  return [
    { offset, constant: ((p.portType << 20) | (2 << 16) | (next << 8) | CapabilityId.pciExpress) >>> 0 },
    { offset: offset + 0x04, constant: supported | roleBasedErrors | (p.deviceCapabilities ?? 0) },
    { offset: offset + 0x08, constant: p.deviceControl ?? 0, fields: p.control },
    { offset: offset + 0x0c, constant: ((p.portNumber << 24) | aspmOptional | (link.lanes << 4) | link.speed) >>> 0 },
    { offset: offset + 0x10, constant: ((slotClock | (link.lanes << 4) | link.speed) << 16) >>> 0 },
    { offset: offset + 0x24, constant: p.deviceCapabilities2 },
    { offset: offset + 0x2c, constant: link.speeds << 1 },
    { offset: offset + 0x30, constant: link.speed },
  ];
}

/** Device capabilities 2 (7.5.3.15). */
export const DeviceCapabilities2 = { atomicRouting: 1 << 6, tenBitTagCompleter: 1 << 16 } as const;
