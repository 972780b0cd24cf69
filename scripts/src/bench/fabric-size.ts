import { allFunctions, Host } from '@hdl/firmware/host';
import { memoryWrite, type TopologyDescription, topology } from '@hdl/pcie-rtl';
import { type EngineFunction, softwareMemories, Testbench } from '@hdl/testbench';
import { embedded } from '@hdl/ts-hdl';
import { verilator } from '@hdl/verilator-wrapper';
import Table from 'cli-table3';
import { width } from '../emit.ts';

/** Endpoints of the fabrics that are measured, and the switches that they hang below. */
export const fabricSizes = [1, 4, 16, 64] as const;

/** Endpoints of the largest fabric that is measured under Verilator: a model has all its instances, and the C++ of 64 endpoints takes hours to compile. */
const mostVerilated = 16;

/** What a fabric of some size costs on an engine. Times are CPU seconds of this process, without its compilers. */
export interface SizeFigure {
  readonly endpoints: number;
  readonly switches: number;
  readonly engine: string;
  /** Until the first cycle: description, checks, compilation. */
  readonly build_seconds: number;
  /** Cycles per second with nothing to do, and with memory writes down the root link, one after the other, to all endpoints in turn. */
  readonly idle: number;
  readonly busy: number;
}

/** One switch up to 4 endpoints; above, a root switch, and below it one for every 4 or 8 endpoints. */
export function sizedFabric(endpoints: number): TopologyDescription {
  const fan = endpoints <= 16 ? 4 : 8;
  const groups = endpoints <= fan ? 0 : endpoints / fan;
  const parent = (i: number) => (groups === 0 ? 'switch0' : `switch${1 + Math.floor(i / fan)}`);
  return {
    switches: [
      { name: 'switch0', parent: 'root' },
      ...Array.from({ length: groups }, (_, i) => ({ name: `switch${1 + i}`, parent: 'switch0' })),
    ],
    endpoints: Array.from({ length: endpoints }, (_, i) => ({ name: `drive${i}`, parent: parent(i), memory_bytes: 64 * 1024 })),
  };
}

const seconds = (since: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
};

/** Measures a fabric of `endpoints` endpoints on an engine: `cycles` cycles of idleness, and `tlps` writes of 256 bytes. */
async function measureSize(
  endpoints: number,
  [engine, create]: readonly [string, EngineFunction],
  { cycles, tlps }: { readonly cycles: number; readonly tlps: number },
): Promise<SizeFigure> {
  const description = sizedFabric(endpoints);
  const building = process.cpuUsage();
  using bench = await Testbench.create({ topology: topology(description), width, engine: create });
  const build_seconds = seconds(building);
  return await bench.scheduler.run(async () => {
    const tree = await new Host(bench).enumerate();
    const bars = [...allFunctions(tree.functions)].flatMap(f =>
      f.bars.flatMap(({ bytes, address }) => (bytes >= 2 ** 16 && address !== undefined ? [address] : [])),
    );
    const idling = process.cpuUsage();
    await bench.scheduler.delay(cycles);
    const idle = cycles / seconds(idling);
    const data = Uint8Array.from({ length: 256 }, (_, i) => i);
    const packets = bars.map(address => memoryWrite({ requester_id: 0, tag: 0, address, data }));
    const send = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const packet = packets[i % packets.length];
        if (packet) await bench.root.send(packet);
      }
    };
    // Engines compile what pays while they run.
    await send(Math.ceil(tlps / 4));
    const begin = bench.scheduler.now;
    const working = process.cpuUsage();
    await send(tlps);
    const busy = (bench.scheduler.now - begin) / seconds(working);
    return { endpoints, switches: description.switches?.length ?? 0, engine, build_seconds, idle, busy };
  });
}

/** `npm run bench -- --only sizes`: what a cycle costs by the number of endpoints, on the embedded engine and under Verilator. */
export async function measureSizes(
  sizes: readonly number[],
  load: { readonly cycles: number; readonly tlps: number },
  log: (line: string) => void,
): Promise<readonly SizeFigure[]> {
  const figures: SizeFigure[] = [];
  for (const endpoints of sizes) {
    const memories = softwareMemories(topology(sizedFabric(endpoints)));
    const engines: (readonly [string, EngineFunction])[] = [['embedded', embedded]];
    if (endpoints <= mostVerilated)
      engines.push(['verilator', (design, options) => verilator(design, { ...options, log, memories })]);
    for (const engine of engines) {
      log(`${endpoints} endpoints, ${engine[0]}`);
      const figure = await measureSize(endpoints, engine, load);
      log(`${whole(figure.idle)} cycles per second idle, ${whole(figure.busy)} with the root link full`);
      figures.push(figure);
    }
  }
  return figures;
}

const whole = (n: number): string => Math.round(n).toLocaleString('en-US');

export function sizeTable(figures: readonly SizeFigure[]): string {
  const table = new Table({
    head: ['endpoints', 'switches', 'engine', 'CPU s to the first cycle', 'cycles/s idle', 'cycles/s root link full'],
    colAligns: ['right', 'right', 'left', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const f of figures)
    table.push([f.endpoints, f.switches, f.engine, f.build_seconds.toFixed(1), whole(f.idle), whole(f.busy)]);
  return table.toString();
}
