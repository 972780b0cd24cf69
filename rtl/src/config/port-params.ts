import { HdlError } from '@hdl/ts-hdl';

/** A port of a switch: what its configuration space is made from. */
export interface PortParams {
  readonly vendor_id: number;
  readonly device_id: number;
  /** 1 by default. */
  readonly revision?: number;
  readonly direction: 'upstream' | 'downstream';
  /** Downstream ports of the switch: 1 to 32. */
  readonly ports: number;
  /** Largest payload in bytes: 128 to 4,096. */
  readonly max_payload: number;
  /** The slots below can be filled and emptied while the system runs, and their changes interrupt. False by default. */
  readonly hot_plug?: boolean;
  /** Writes to multicast groups are copied (C97). False by default: no capability. */
  readonly multicast?: boolean;
}

/** @throws HdlError for parameters that no port can have. */
export function checkPort({ ports, max_payload }: PortParams): void {
  if (!Number.isInteger(ports) || ports < 1 || ports > 32)
    throw new HdlError(`a switch has ${ports} downstream ports`, { help: 'use 1 to 32' });
  if (![128, 256, 512, 1024, 2048, 4096].includes(max_payload))
    throw new HdlError(`the largest payload is ${max_payload} bytes`, { help: 'use a power of two from 128 to 4096' });
}
