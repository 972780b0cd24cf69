/** Capability identifiers (7.5.2, 7.5.3, 7.7.1, 7.7.2, 7.9.4). */
export const CapabilityId = { powerManagement: 0x01, msi: 0x05, vendorSpecific: 0x09, pciExpress: 0x10, msix: 0x11 } as const;

/** Device/port type of the PCI Express capability (7.5.3.2). */
export const PortType = { endpoint: 0, switchUpstream: 5, switchDownstream: 6 } as const;
