import type { DevicePort } from '@hdl/testbench';

/** What firmware touches: the ports that the processor of a real device would have, and nothing else. */

export type { Scheduler } from '@hdl/testbench';

/** The device as its firmware sees it. */
export type FirmwareDevice = Pick<DevicePort, 'name' | 'width' | 'read' | 'write' | 'interrupt' | 'mediaIn' | 'mediaOut'>;

/** Its registers: 32 bits each, see `FirmwareMap`. */
export type FirmwarePort = Pick<DevicePort, 'read' | 'write'>;

/** The streams between medium and endpoint, in bytes; a transfer's last word is filled up. */
export type MediaIn = DevicePort['mediaIn'];
export type MediaOut = DevicePort['mediaOut'];
