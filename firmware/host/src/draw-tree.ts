import { sizeText } from '@hdl/pcie-rtl';
import type { PciTree } from './enumerate.ts';
import { type AddressRange, type Bar, formatBdf, formatIds, type PciFunction } from './pci-function.ts';

/** The tree for people: a line per function with its place and kind, below it bus numbers, windows and BARs. */
export function drawTree(tree: PciTree): string {
  const limits = `MPS ${tree.maxPayload}, MRRS ${tree.maxReadRequest}`;
  return [`root port: bus ${hex(tree.bus)}, ${limits}`, ...branches(tree.functions)].join('\n');
}

function branches(functions: readonly PciFunction[]): string[] {
  return functions.flatMap((of, i) => {
    const last = i === functions.length - 1;
    const [first = '', ...rest] = lines(of);
    return [`${last ? '└─ ' : '├─ '}${first}`, ...rest.map(line => `${last ? '   ' : '│  '}${line}`)];
  });
}

function lines(of: PciFunction): string[] {
  const { bridge } = of;
  const head = `${formatBdf(of.bdf)} ${formatIds(of)} ${kindOf(of)}`;
  const bars = of.bars.map(barLine);
  if (!bridge) return [head, ...bars.map(line => `   ${line}`)];
  const details = [...bars, `memory window ${window(bridge.memory)}`, `prefetchable window ${window(bridge.prefetchable)}`];
  const joint = bridge.children.length > 0 ? '│  ' : '   ';
  return [
    `${head}, bus ${hex(bridge.secondary)}${bridge.subordinate === bridge.secondary ? '' : `-${hex(bridge.subordinate)}`}`,
    ...details.map(line => `${joint}${line}`),
    ...branches(bridge.children),
  ];
}

const portNames: { readonly [type: number]: string } = {
  0: 'endpoint',
  4: 'root port',
  5: 'switch upstream port',
  6: 'switch downstream port',
};

const kindOf = (of: PciFunction): string =>
  portNames[of.portType ?? -1] ?? (of.bridge ? 'bridge' : `class ${of.classCode.toString(16).padStart(6, '0')}`);

const hex = (value: number): string => value.toString(16).padStart(2, '0');

function barLine({ index, kind, prefetchable, bytes, address }: Bar): string {
  const what = `${kind === 'memory64' ? '64-bit' : kind === 'memory32' ? '32-bit' : 'I/O'}${prefetchable ? ' prefetchable' : ''}`;
  const at = address === undefined ? 'not assigned' : `at 0x${address.toString(16)}`;
  return `BAR${index} ${at}, ${sizeText(bytes)}, ${what}`;
}

const window = (range: AddressRange | undefined): string =>
  range ? `0x${range.base.toString(16)}-0x${(range.base + range.bytes - 1n).toString(16)}` : 'closed';
