/** The PCI Express hardware: TLP streams, configuration spaces, endpoint, switch, link monitors, fabric. */
export { CapabilityId, PortType } from './config/capabilities.ts';
export {
  bar0Map,
  type EndpointMapParams,
  endpointIdentification,
  firmwareMailboxOffset,
  firmwareMap,
} from './config/endpoint-maps.ts';
export { type EngineName, engineNames } from './config/engine-map.ts';
export { ErrorMessageCode } from './config/error-messages.ts';
export { functionControls } from './config/function-controls.ts';
export { AtomicJob } from './endpoint/dma/atomic-requester.ts';
export { DescriptorRing } from './endpoint/dma/descriptor-fetch.ts';
export { DmaJob } from './endpoint/dma/job.ts';
export { LocalJob } from './endpoint/dma/local-copy.ts';
export { Endpoint } from './endpoint/endpoint.ts';
export * from './endpoint/endpoint-params.ts';
export { FirmwareRequest } from './endpoint/firmware-port.ts';
export { BarMemory } from './endpoint/receive/bar-memory.ts';
export { RegisterWrite } from './endpoint/receive/interfaces.ts';
export { ReceiveSide } from './endpoint/receive/receive-side.ts';
export { TransactionLayer, type TransactionLayerParams } from './endpoint/transaction-layer.ts';
export { drawTopology, topologySvg } from './fabric/draw.ts';
export { endpointParams } from './fabric/endpoint-of.ts';
export { Fabric, type FabricEndpoint, type FabricParams, type FabricSwitch, type RootEnd } from './fabric/fabric.ts';
export type { Link, LinkBetween } from './fabric/link.ts';
export { LinkCounts, ObservedFabric } from './fabric/observed-fabric.ts';
export { sizeText } from './fabric/size-text.ts';
export {
  defaultTopology,
  type EndpointDescription,
  type EndpointSettings,
  endpointsByBus,
  type FunctionDescription,
  type FunctionKind,
  Limits,
  type SwitchDescription,
  type Topology,
  type TopologyDescription,
  type TopologyEndpoint,
  TopologyError,
  type TopologyRoot,
  type TopologySwitch,
  topology,
} from './fabric/topology.ts';
export { BridgePort, BridgeWindow, HostBridge, type HostBridgeParams, windowsPerPort } from './host/host-bridge.ts';
export { IommuTables, iommuMemories, type PageAccess } from './host/iommu-tables.ts';
export { FaultReason, IommuFault, IommuMode, type IommuParams } from './host/translation-pipe.ts';
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
export { LinkPort } from './link/link-port.ts';
export { LinkReceiver, type LinkReceiverParams } from './link/link-receiver.ts';
export { LinkTransmitter, type LinkTransmitterParams } from './link/link-transmitter.ts';
export { damageRate, type ErrorRates } from './link/model/bit-errors.ts';
export { LinkModel, type LinkModelParams, linkTiming } from './link/model/link-model.ts';
export {
  type Generation,
  type Lanes,
  type LinkKind,
  type LinkRate,
  linkRate,
  linkRates,
  type MaxPayload,
  type TlpForm,
  tlpBytes,
  tlpRate,
} from './link/model/link-rate.ts';
export { LinkFault } from './link/model/tlp-faults.ts';
export { portCredits, Switch, type SwitchParams } from './switch/switch.ts';
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
  type TlpBeatType,
  TlpHeader,
  TlpType,
  tlpBeat,
} from './tlp/tlp.ts';
export { TlpMonitor } from './tlp/tlp-monitor.ts';
export * from './tlp/wire.ts';
