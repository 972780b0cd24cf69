import { registerMap } from '@hdl/ts-hdl';
import { expressRegisters, msixRegisters, powerManagementRegisters } from './capability-registers.ts';
import { chain } from './chain.ts';
import { errorRegisters } from './error-registers.ts';
import { acsRegisters, ariRegisters, atsRegisters, resizeRegisters, serialNumberRegisters } from './extended-registers.ts';
import { checkFunction, type FunctionParams, type FunctionPlace } from './function-params.ts';
import { headerRegisters } from './header-registers.ts';

/** Where each capability stands if it is there. */
const layout = { power: 0x40, msix: 0x50, express: 0x60 } as const;
const extended = { errors: 0x100, serial: 0x150, ari: 0x160, acs: 0x170, resize: 0x180, ats: 0x1c0 } as const;

/**
 * The configuration space of a function as a register map: 4 KiB, the same registers for every function, those that this one has not marked as absent.
 * @throws HdlError for parameters that no function can have.
 */
export function functionMap(p: FunctionParams, place: FunctionPlace) {
  checkFunction(p);
  const several = place.of > 1;
  const near = chain(layout, { power: true, msix: p.msix !== undefined, express: true });
  const far = chain(extended, {
    errors: true,
    serial: p.serial_number !== undefined,
    ari: several,
    acs: several,
    resize: p.bars.some(bar => bar.resizable),
    ats: p.ats !== undefined,
  });
  return registerMap({
    name: `function_${place.number}`,
    doc: `Configuration space of function ${place.number}.`,
    bytes: 4096,
    registers: {
      ...headerRegisters(p, place, layout.power),
      ...powerManagementRegisters(p, near.power),
      ...msixRegisters(p, near.msix),
      ...expressRegisters(p, near.express),
      ...errorRegisters(far.errors, p.ecrc ?? true),
      ...serialNumberRegisters(p, far.serial),
      ...ariRegisters(place, far.ari),
      ...acsRegisters(p, place, far.acs),
      ...resizeRegisters(p, far.resize),
      ...atsRegisters(p, far.ats),
    },
  });
}
export type FunctionMap = ReturnType<typeof functionMap>;
