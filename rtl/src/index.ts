/** The PCI Express hardware: TLP streams, configuration spaces, endpoint, switch, link monitors, fabric. */
export { BridgeConfigSpace, BridgeState, droppedCapability } from './config/bridge-config-space.ts';
export { CapabilityId, PortType } from './config/capabilities.ts';
export { EndpointConfigSpace } from './config/endpoint-config-space.ts';
export { FunctionState } from './config/function-state.ts';
export { Bar0, doorbells, Engine, FirmwareEvent, FirmwareMap, identification, msixVectors } from './config/register-map.ts';
export { BarMemory } from './endpoint/bar-memory.ts';
export { Completer } from './endpoint/completer.ts';
export { Endpoint, type EndpointParams } from './endpoint/endpoint.ts';
export { FirmwareRequest } from './endpoint/interfaces.ts';
export { PostedWriter } from './endpoint/posted-writer.ts';
export { RequestRouter } from './endpoint/request-router.ts';
export { Fabric, type FabricEndpoint, type FabricParams, type Link } from './fabric/fabric.ts';
export { LinkCounts, ObservedFabric } from './fabric/observed-fabric.ts';
export {
  defaultTopology,
  type EndpointDescription,
  Limits,
  type SwitchDescription,
  type Topology,
  type TopologyDescription,
  type TopologyEndpoint,
  TopologyError,
  type TopologySwitch,
  topology,
} from './fabric/topology.ts';
export { beatsOfCredits } from './link/class-buffer.ts';
export {
  type ClassCredits,
  FcClass,
  type FcClassName,
  FcKind,
  FcUpdate,
  fcClasses,
  type LinkCredits,
  PartnerState,
} from './link/fc-update.ts';
export { DataRange, DirectionCounts, dataRanges, LinkCounters } from './link/link-counters.ts';
export { LinkEnd } from './link/link-end.ts';
export { LinkReceiver, type LinkReceiverParams } from './link/link-receiver.ts';
export { LinkTransmitter, type LinkTransmitterParams } from './link/link-transmitter.ts';
export { Switch, type SwitchParams } from './switch/switch.ts';
export { checkedBeat, EcrcChecker } from './tlp/ecrc-checker.ts';
export { EcrcGenerator } from './tlp/ecrc-generator.ts';
export * from './tlp/packet.ts';
export {
  dataCredits,
  Fmt,
  hasData,
  isAtomic,
  isCompletion,
  isMemory,
  isMessage,
  isNonPosted,
  isPosted,
  MessageRoute,
  Status,
  TlpHeader,
  TlpType,
  tlpBeat,
} from './tlp/tlp.ts';
export { TlpMonitor } from './tlp/tlp-monitor.ts';
export * from './tlp/wire.ts';
