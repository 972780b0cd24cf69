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
export { DataRange, DirectionCounts, dataRanges, LinkCounters } from './link/link-counters.ts';
export { Switch, type SwitchParams } from './switch/switch.ts';
export * from './tlp/packet.ts';
export { Fmt, isCompletion, isMemory, isPosted, Status, TlpHeader, TlpType, tlpBeat } from './tlp/tlp.ts';
