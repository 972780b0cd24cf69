import { type RegisterMap, registerPage } from '@hdl/ts-hdl';
import { bar0Map, firmwareMap } from './endpoint-maps.ts';
import { functionMap } from './function-map.ts';
import type { FunctionParams } from './function-params.ts';
import { portMap } from './port-map.ts';

/** The function whose configuration space the documentation shows: it has every capability. */
export const documentedFunction: FunctionParams = {
  vendor_id: 0x1d1d,
  device_id: 0xe0a5,
  class_code: 0x018000,
  max_payload: 512,
  bars: [
    { slot: 0, bytes: 0x4000, width: 32, prefetchable: false },
    { slot: 2, bytes: 2 ** 28, width: 64, prefetchable: true, resizable: [2 ** 28, 2 ** 30, 2 ** 34] },
  ],
  msix: { vectors: 8, table: { slot: 0, offset: 0x2000 }, pending: { slot: 0, offset: 0x3000 } },
  serial_number: 1n,
  ten_bit_tags: true,
  atomic_completer: true,
  atomic_requester: true,
  ats: { queue_depth: 32 },
};

/** The register maps of an endpoint with 16 doorbells and 8 vectors, function 0 of two. */
export function endpointMaps(): readonly RegisterMap[] {
  const p = { memory_bytes: 2 ** 28, doorbells: { count: 16, stride: 4 }, vectors: 8 };
  return [bar0Map(p), firmwareMap(p), functionMap(documentedFunction, { number: 0, of: 2 })];
}

/** The register maps of a switch with 4 downstream ports and every capability. */
export function switchMaps(): readonly RegisterMap[] {
  const p = { vendor_id: 0x1d1d, device_id: 0x5100, ports: 4, max_payload: 512, hot_plug: true, multicast: true };
  return [portMap({ ...p, direction: 'upstream' }), portMap({ ...p, direction: 'downstream' })];
}

/** Pages of the documentation: `registers.md`, and one for each map. */
export function registerPages(): readonly { readonly name: string; readonly text: string }[] {
  const maps = [...endpointMaps(), ...switchMaps()];
  const file = (map: RegisterMap) => `registers-${map.description.name.replaceAll('_', '-')}.md`;
  const index = [
    '# Registers',
    '',
    'Made from the descriptions that the hardware is made from (`rtl/src/config`); `registerFiles` gives each map as C header, SystemRDL and page.',
    '',
    '| map | bytes | registers | |',
    '|---|---|---|---|',
    ...maps.map(
      map =>
        `| [${map.description.name}](${file(map)}) | ${map.description.bytes} | ${map.registers.length} | ${map.description.doc} |`,
    ),
    '',
    'What fields do: `rw` is read and written by software; `rw_hwclr` too, and hardware clears bits; `ro` is given by hardware; `constant` never changes; `w1c` is set by',
    'hardware and cleared where software writes 1; `pulse` reads 0 and lasts a cycle. A soft reset is a function level reset, a warm reset a hot reset of the link.',
  ];
  return [
    { name: 'registers.md', text: `${index.join('\n')}\n` },
    ...maps.map(map => ({ name: file(map), text: registerPage(map) })),
  ];
}
