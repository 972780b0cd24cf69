/** The PCI core: finds functions, gives them bus numbers and addresses, sets limits and access control, and looks after slots, errors and resets. */
export {
  type AcsOptions,
  type AcsOverride,
  type AcsSetting,
  configureAcs,
  parseConfigAcs,
  parseDisableRedirect,
  restoreAcs,
  turningPorts,
} from './acs.ts';
export { allOnes, type Clock, type ConfigPort, type Domain, notReady } from './config-port.ts';
export { type ErrorMessage, errorMessage } from './error-messages.ts';
export {
  type Containment,
  type ErrorReport,
  enableContainment,
  enableErrorReporting,
  handleContainment,
  handleErrors,
  type RecoveryHooks,
  takeErrors,
  uncorrectableErrors,
} from './errors.ts';
export { hotAdd, hotRemove, type SlotState, slotState } from './hot-plug.ts';
export { type BringUpOptions, type DomainSetup, type DomainState, Machine } from './machine.ts';
export { barRanges, P2pTree } from './p2p-tree.ts';
export {
  configurePayload,
  matchPayload,
  type PayloadMismatch,
  type PayloadPolicy,
  payloadMismatches,
  payloadSizes,
} from './payload.ts';
export { type BarState, type BridgeState, bridgesAbove, everyDevice, PciDevice, type Space } from './pci-device.ts';
export { enable, program, programBars, programWindows } from './program.ts';
export { busReset, functionReset, restoreConfig, type SavedConfig, saveConfig, untilReady } from './reset.ts';
export { type ResizableBarState, resizableBars, resizeBar } from './resizable-bar.ts';
export { type AssignOptions, assignBelow, assignResources, clear, type DomainApertures } from './resources.ts';
export { type ScanOptions, scanBelow, scanDomain } from './scan.ts';
