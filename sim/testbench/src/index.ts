/** Around a fabric: transactors, the root complex, the scheduler of software actors, link measurements. */
export { type Forwarding, HostBridgePort, type RefusedRequest } from './bridge-port.ts';
export { FabricHarness, type FabricHarnessParams, softwareMemories } from './fabric-harness.ts';
export { HostMemory, hostMemoryPaths } from './host-memory.ts';
export { type DeviceFault, LinkFaults } from './link-faults.ts';
export { type DirectionSnapshot, type LinkSnapshot, Links } from './links.ts';
export { type DirectionMeasure, dataLatency, gigabytesPerSecond, type LinkRate, linkLimit, measureDirection } from './measure.ts';
export { DevicePort, RootPort } from './ports.ts';
export { type RootBridgeParams, RootComplex, type RootComplexParams } from './root-complex.ts';
export { type Clockwork, Scheduler, type SchedulerOptions, StalledError } from './scheduler.ts';
export { type EngineFunction, harnessDesign, Testbench, type TestbenchOptions } from './testbench.ts';
export { StreamSink } from './transactors/stream-sink.ts';
export { StreamSource } from './transactors/stream-source.ts';
