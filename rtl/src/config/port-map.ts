import { registerMap } from '@hdl/ts-hdl';
import { bridgeRegisters } from './bridge-registers.ts';
import { powerManagementRegisters } from './capability-registers.ts';
import { chain } from './chain.ts';
import { containmentRegisters, msiRegisters, multicastRegisters } from './port-capabilities.ts';
import { checkPort, type PortParams } from './port-params.ts';
import { dropRegisters, portAccessRegisters, portErrorRegisters, portExpressRegisters } from './port-registers.ts';

/** Where each capability stands. */
const portLayout = { power: 0x40, express: 0x50, drops: 0x90, msi: 0xa0 } as const;
const portExtended = { errors: 0x100, acs: 0x150, containment: 0x160, multicast: 0x170 } as const;

/**
 * The configuration space of a switch port as a register map: 4 KiB. Upstream port and downstream ports have the same registers, those that an upstream
 * port has not marked as absent.
 * @throws HdlError for parameters that no port can have.
 */
export function portMap(p: PortParams) {
  checkPort(p);
  const upstream = p.direction === 'upstream';
  const near = chain(portLayout, { power: true, express: true, drops: true, msi: !upstream });
  const far = chain(portExtended, { errors: true, acs: !upstream, containment: !upstream, multicast: p.multicast ?? false });
  return registerMap({
    name: upstream ? 'upstream_port' : 'downstream_port',
    doc: `Configuration space of ${upstream ? 'the upstream port' : 'a downstream port'} of a switch.`,
    bytes: 4096,
    registers: {
      ...bridgeRegisters(p, portLayout.power),
      ...powerManagementRegisters({ ...p, class_code: 0x060400, bars: [] }, near.power),
      ...portExpressRegisters(p, near.express),
      ...dropRegisters(near.drops),
      ...msiRegisters(near.msi),
      ...portErrorRegisters(far.errors),
      ...portAccessRegisters(p, far.acs),
      ...containmentRegisters(far.containment),
      ...multicastRegisters(far.multicast),
    },
  });
}
export type PortMap = ReturnType<typeof portMap>;
