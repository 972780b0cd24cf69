import { drawTopology, Endpoint, Fabric, Switch, type Topology, topologySvg } from '@hdl/pcie-rtl';
import { checked, elaborate, emitNetlist, emitVerilog, type ir } from '@hdl/ts-hdl';
import { writeFolder } from './files.ts';
import { loadTopology } from './topology-file.ts';

export interface EmitOptions {
  /** Folder to write. */
  readonly out: string;
  /** Topology file; the default topology otherwise. */
  readonly topology?: string;
  /** Writes `fabric.json` too: the netlist in the JSON format of Yosys. */
  readonly netlist?: boolean;
}

export interface EmittedFile {
  readonly name: string;
  readonly text: string;
}

/** Bits of a beat in what `p2p emit` and `p2p sim` build. */
export const width = 256;

/**
 * The Verilog of a topology: the files of its fabric, which include those of its endpoints and switches, and a file list per top module
 * (`fabric.f`, and `endpoint.f` and `switch.f` for the first endpoint and the first switch). Names in a list are relative to the folder. `fabric.svg` is a picture of it.
 */
export function emittedFiles(topology: Topology, netlist = false): EmittedFile[] {
  const design = checked(elaborate(() => new Fabric({ topology, width })).design);
  const lists = [fileList('fabric.f', design.top)];
  const first = (kind: string) => design.modules.find(m => m.name === kind);
  for (const [list, module] of [
    ['endpoint.f', first(Endpoint.name)],
    ['switch.f', first(Switch.name)],
  ] as const) {
    if (module) lists.push(fileList(list, module));
  }
  const picture = { name: 'fabric.svg', text: topologySvg(topology) };
  const cells = netlist ? [{ name: 'fabric.json', text: `${JSON.stringify(emitNetlist(design))}\n` }] : [];
  return [...emitVerilog(design), ...lists, picture, ...cells];
}

/** The Verilog of a topology's first switch, in one piece; of nothing where there is none. */
export function switchVerilog({ switches }: Topology): string {
  const [first] = switches;
  if (!first) return '';
  const { vendor_id, device_id, children, credits } = first;
  const params = { width, vendor_id, device_id, ports: children.length, ...(credits && { credits }) };
  const design = checked(elaborate(() => new Switch(params)).design);
  return emitVerilog(design)
    .map(({ text }) => text)
    .join('\n');
}

/** Everything below a module, children first, and the module itself. */
function fileList(name: string, top: ir.Module): EmittedFile {
  const order = new Set<string>();
  const visit = (module: ir.Module) => {
    for (const instance of module.instances) visit(instance.module);
    order.add(`${module.name}.v`);
  };
  visit(top);
  return { name, text: `// Files of ${top.name}, in order; its top module is ${top.name}.\n${[...order].join('\n')}\n` };
}

/** `p2p emit`. @returns the exit code. */
export async function emit(options: EmitOptions): Promise<number> {
  const topology = await loadTopology(options.topology);
  const files = emittedFiles(topology, options.netlist);
  writeFolder(options.out, files);
  const modules = files.filter(f => f.name.endsWith('.v'));
  const lines = modules.reduce((sum, f) => sum + f.text.split('\n').length, 0);
  process.stdout.write(
    `${options.out}: ${modules.length} modules, ${lines} lines of Verilog; fabric.f, endpoint.f and switch.f list them, fabric.svg shows the fabric:\n${drawTopology(topology)}\n`,
  );
  return 0;
}
