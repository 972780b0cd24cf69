import { allFunctions, Host } from '@hdl/firmware/host';
import { native } from '@hdl/native-engine';
import { defaultTopology, Fmt, type Packet, TlpType } from '@hdl/pcie-rtl';
import { type EngineFunction, harnessDesign, softwareMemories, Testbench } from '@hdl/testbench';
import { embedded, type ir, type Simulation } from '@hdl/ts-hdl';
import { Recorder, type Recording, type VerilatedModel, verilator } from '@hdl/verilator-wrapper';
import { runCopies } from '../copy-run.ts';
import { width } from '../emit.ts';
import type { Workload } from './workload.ts';

const modelOf = (log: (line: string) => void) => (design: ir.Design) =>
  verilator(design, { log, memories: softwareMemories(defaultTopology()) });

/** What a run came to. */
interface Run {
  readonly cycles: number;
  readonly seconds: number;
}

const cps = ({ cycles, seconds }: Run) => cycles / seconds;

/** Runs once on a recorder, to do it again without JavaScript. */
async function recorded(
  model: (design: ir.Design) => VerilatedModel,
  run: (create: EngineFunction) => Promise<Run>,
): Promise<Recording> {
  const recorders: Recorder[] = [];
  await run(design => {
    const recorder = new Recorder(model(design));
    recorders.push(recorder);
    return recorder;
  });
  const recording = recorders[0]?.recording();
  if (!recording) throw new Error('nothing was recorded');
  return recording;
}

/** The recorded traffic again; that it moves something shows in the link counters. */
function bareLoop(model: (design: ir.Design) => VerilatedModel, recording: Recording): () => Promise<number> {
  const design = harnessDesign(defaultTopology(), width);
  return async () => {
    using bare = model(design);
    const nanoseconds = bare.replay(recording);
    if (rootTlps(bare) === 0) throw new Error('the replay moved nothing');
    return recording.cycles / (nanoseconds / 1e9);
  };
}

const rootTlps = (model: Simulation) => model.ports.get('counters_0_down_posted')?.words[0] ?? 0;

/** The main job (enumeration, three copies of `file`, reading back) on the default fabric: its links are saturated most of the time. */
export async function saturatedWorkload(file: string, bytes: number, log: (line: string) => void): Promise<Workload> {
  const model = modelOf(log);
  const recording = await recorded(model, create => job(file, create));
  const driven = (create: EngineFunction) => async () => cps(await job(file, create));
  return {
    title: 'default fabric, main job',
    note: `a file of ${bytes.toLocaleString('en-US')} bytes, copied three ways and read back`,
    variants: [
      { name: 'bare C++ loop', run: bareLoop(model, recording) },
      { name: 'verilator, from TypeScript', run: driven(model) },
      { name: 'native, from TypeScript', run: driven((design, options) => native(design, { ...options, log })) },
      { name: 'embedded, from TypeScript', run: driven(embedded) },
    ],
  };
}

async function job(file: string, create: EngineFunction): Promise<Run> {
  let seconds = 0;
  const {
    total_cycles,
    flows,
    file: copied,
  } = await runCopies({
    file,
    topology: defaultTopology(),
    // The report has the name; the benchmark does not show it.
    engine: { name: 'embedded', create },
    clockHz: 250e6,
    width,
    onTime: s => {
      seconds = s;
    },
  });
  if (flows.some(f => f.sha256 !== copied.sha256)) throw new Error('a copy differs from the file');
  return { cycles: total_cycles, seconds };
}

/** Cycles from one TLP to the next in the workload of a driver that is being developed. */
const gap = 200;
/** TLPs before measuring: engines compile what pays while they run. */
const warmUp = 2000;
/** Bytes that a TLP writes. */
const payloadBytes = 64;

/** An enumerated default fabric to which software at the root port sends a memory write of 64 bytes every 200 cycles. */
export async function sparseWorkload(tlps: number, log: (line: string) => void): Promise<Workload> {
  const model = modelOf(log);
  // Recording compares all memories at every call, so it takes fewer.
  const recording = await recorded(model, create => trickle(Math.ceil(tlps / 5), create));
  const driven = (create: EngineFunction) => async () => cps(await trickle(tlps, create));
  return {
    title: `default fabric, one TLP per ${gap} cycles`,
    note: `${tlps.toLocaleString('en-US')} memory writes of ${payloadBytes} bytes from the root port to all endpoints in turn, after ${warmUp.toLocaleString('en-US')} that are not measured`,
    variants: [
      { name: 'bare C++ loop', run: bareLoop(model, recording) },
      { name: 'verilator, from TypeScript', run: driven(model) },
      { name: 'native, from TypeScript', run: driven((design, options) => native(design, { ...options, log })) },
      { name: 'embedded, from TypeScript', run: driven(embedded) },
    ],
  };
}

async function trickle(tlps: number, create: EngineFunction): Promise<Run> {
  using bench = await Testbench.create({ topology: defaultTopology(), width, engine: create });
  return await bench.scheduler.run(async () => {
    const tree = await new Host(bench).enumerate();
    const bars = [...allFunctions(tree.functions)].flatMap(f =>
      f.bars.filter(bar => bar.bytes >= 2 ** 16).map(bar => bar.address),
    );
    const packets = Array.from({ length: 64 }, (_, i) => memoryWrite(bars[i % bars.length] ?? 0n, i));
    const send = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const packet = packets[i % packets.length];
        if (packet) await bench.root.send(packet);
        await bench.scheduler.delay(gap);
      }
    };
    await send(warmUp);
    const before = bench.links.snapshot()[0]?.down.posted ?? 0;
    const begin = bench.scheduler.now;
    const start = performance.now();
    await send(tlps);
    const seconds = (performance.now() - start) / 1000;
    const sent = (bench.links.snapshot()[0]?.down.posted ?? 0) - before;
    if (sent !== tlps) throw new Error(`${sent} TLPs went down the root link, not ${tlps}`);
    return { cycles: bench.scheduler.now - begin, seconds };
  });
}

function memoryWrite(bar: bigint, i: number): Packet {
  return {
    fmt: bar >= 2n ** 32n ? Fmt.data4 : Fmt.data3,
    type: TlpType.memory,
    tc: 0,
    attr: 0,
    th: 0,
    td: 0,
    ep: 0,
    at: 0,
    length: payloadBytes / 4,
    requester_id: 0,
    tag: 0,
    last_be: 15,
    first_be: 15,
    address: bar + BigInt(payloadBytes * i),
    payload: Uint8Array.from({ length: payloadBytes }, (_, k) => i + k),
  };
}
