import { registerMap } from '@hdl/ts-hdl';
import { powerManagementRegisters } from './capability-registers.ts';
import { checkPort, type PortParams } from './port-params.ts';
import {
  bridgeRegisters,
  dropRegisters,
  portAccessRegisters,
  portErrorRegisters,
  portExpressRegisters,
} from './port-registers.ts';

/** Where each capability stands. */
export const portLayout = { power: 0x40, express: 0x50, drops: 0x90, errors: 0x100, acs: 0x150 } as const;

/**
 * The configuration space of a switch port as a register map: 4 KiB. Upstream port and downstream ports have the same registers, those that an upstream
 * port has not marked as absent.
 * @throws HdlError for parameters that no port can have.
 */
export function portMap(p: PortParams) {
  checkPort(p);
  const { power, express, drops, errors, acs } = portLayout;
  const upstream = p.direction === 'upstream';
  return registerMap({
    name: upstream ? 'upstream_port' : 'downstream_port',
    doc: `Configuration space of ${upstream ? 'the upstream port' : 'a downstream port'} of a switch.`,
    bytes: 4096,
    registers: {
      ...bridgeRegisters(p, power),
      ...powerManagementRegisters({ ...p, class_code: 0x060400, bars: [] }, { offset: power, next: express }),
      ...portExpressRegisters(p, { offset: express, next: drops }),
      ...dropRegisters({ offset: drops, next: 0 }),
      ...portErrorRegisters({ offset: errors, next: upstream ? 0 : acs }),
      ...portAccessRegisters(p, { offset: acs, next: 0, absent: upstream }),
    },
  });
}
export type PortMap = ReturnType<typeof portMap>;
