import { HostError } from '@hdl/firmware/host';
import { TopologyError } from '@hdl/pcie-rtl';
import { DesignError, HdlError, SimulationError } from '@hdl/ts-hdl';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { engineNames } from './engines.ts';
import { UsageError } from './errors.ts';
import { optimiseLate } from './late-optimisation.ts';

/**
 * Runs the command line.
 * @returns the exit code: 0 done, 1 the run went wrong (a copy differs, or a fault of ours), 2 the request cannot be met as it was given.
 */
export async function main(argv: readonly string[]): Promise<number> {
  let code = 0;
  optimiseLate();
  const program = new Command('p2p')
    .description('A peer-to-peer PCIe fabric in RTL written in TypeScript: simulate it, emit it as Verilog, measure it')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, `${pc.red('error')}: `)) });

  program
    .command('sim')
    .description('copy a file from drive to drive three ways and report which links carried it, and how fast')
    .option('--file <path>', 'the file to copy; the emitted Verilog of the switch by default')
    .option('--engine <name>', engineNames.join(', '), 'embedded')
    .option('--topology <path>', 'a module (.ts, .mjs) whose default export is a topology, or a .json file of one')
    .option('--clock <MHz>', 'the modelled clock', positive, 250)
    .option('--json <path>', 'write the report as data (docs/report-schema.md)')
    .option('--trace <path>', 'write a waveform of every named signal: FST if the path ends in .fst, else VCD')
    .action(async options => {
      const { sim } = await import('./sim.ts');
      code = await sim(options);
    });

  program
    .command('target')
    .description('run the jobs of a fio job file on an NVMe over Fabrics target: where the data goes, and how fast')
    .option('--job <path>', 'the job file; examples/target.fio by default')
    .option(
      '--p2pmem <settings>',
      'where the data goes: auto, none, the name of an endpoint; several with commas between',
      'auto,none',
    )
    .option('--drives <n>', 'NVMe drives beside the network card', positive, 2)
    .option('--engine <name>', engineNames.join(', '), 'embedded')
    .option('--topology <path>', "a topology of your own, with endpoints of the kinds 'nic' and 'nvme'")
    .option('--clock <MHz>', 'the modelled clock', positive, 250)
    .option('--json <path>', 'write the report as data (docs/report-schema.md)')
    .option('--trace <path>', 'write a waveform of every named signal: FST if the path ends in .fst, else VCD')
    .action(async options => {
      const { target } = await import('./target.ts');
      code = await target(options);
    });

  program
    .command('emit')
    .description('write the endpoint, the switch and the fabric as Verilog, with a file list for each')
    .requiredOption('--out <folder>', 'where to write')
    .option('--topology <path>', 'a topology other than the default one')
    .option('--netlist', 'also the netlist as fabric.json, for tools that draw or read Yosys JSON')
    .action(async options => {
      const { emit } = await import('./emit.ts');
      code = await emit(options);
    });

  program
    .command('bench')
    .description('measure the engines side by side on a synthetic design and on the default fabric')
    .option(
      '--only <workloads>',
      'synthetic, saturated, sparse, startup, and sizes (only where it is named): some of them, with commas between them',
    )
    .option('--peers', 'also Icarus Verilog, if there is one, and the simulator of Amaranth, which is installed from PyPI')
    .option('--bytes <n>', 'size of the file that is copied with saturated links', positive, 4 * 1024 * 1024)
    .option('--cycles <n>', 'cycles of the synthetic design', positive, 100_000)
    .option('--tlps <n>', 'packets with 200 cycles between them', positive, 10_000)
    .option('--endpoints <numbers>', 'of sizes: 1, 4, 16, 64, or some of them')
    .option('--drives <numbers>', 'of drives: 1, 2, 4, 8 behind one network card, or some of them')
    .option('--block <n>', 'of drives: bytes of a command', positive, 128 * 1024)
    .option('--total <n>', 'of drives: bytes of all drives together, in each direction', positive, 16 * 1024 * 1024)
    .option('--rounds <n>', 'how often everything is measured, in turn', positive, 5)
    .option('--json <path>', 'write the figures as data')
    .action(async options => {
      const { bench } = await import('./bench.ts');
      code = await bench(options);
    });

  program
    .command('synth')
    .description(
      'synthesise and place blocks for an FPGA with Yosys and nextpnr, which are installed from PyPI; all blocks: docs/qor.md',
    )
    .option('--blocks <names>', 'some of them, with commas between them')
    .option('--seeds <numbers>', 'seeds of the placer; the median of Fmax counts', '1,2,3')
    .option('--no-place', 'synthesise only; Fmax where it was measured before')
    .option('--measured', 'start no tool: the figures, and the page, of what was measured before')
    .option('--json <path>', 'write the figures as data (docs/report-schema.md)')
    .action(async options => {
      const { synth } = await import('./synth.ts');
      code = await synth(options);
    });

  program
    .command('topology')
    .description('tell who reaches whose memory in a machine that a file describes (docs/topology.md), how far and by which way')
    .argument('<file>', 'a .json file, or a module (.ts, .mjs) with a default export; examples/p2p-topology.json is one')
    .option('--json <path>', 'write the answers as data')
    .action(async (file, options) => {
      const { topologyAnswers } = await import('./topology.ts');
      code = await topologyAnswers(file, options);
    });

  program
    .command('mutants')
    .description('plant named bugs in the hardware and look whether the tests notice')
    .option('--only <names>', 'some of them, with commas between them')
    .option('--area <name>', 'endpoint, switch, host or cocotb')
    .option('--list', 'name them and plant nothing')
    .option('--json <path>', 'write the outcome as data (docs/report-schema.md)')
    .action(async options => {
      const { runMutants } = await import('./mutants.ts');
      code = await runMutants(options);
    });

  program
    .command('prove')
    .description('prove properties of the blocks with the SAT solver of Yosys, and write docs/proofs.md')
    .option('--only <names>', 'some of them, with commas between them')
    .option('--waves <folder>', 'write a waveform of each run that breaks a claim')
    .action(async options => {
      const { prove } = await import('./prove.ts');
      code = await prove(options);
    });

  program
    .command('coverage')
    .description('run the tests of the RTL and tell what they exercise of it, by its source; write docs/coverage.md')
    .option('--only <names>', 'test files, or parts of their names, with commas between them; writes no page')
    .option('--html <folder>', 'write the source with its lines coloured')
    .option('--keep <folder>', 'keep what was counted')
    .option('--measured <folder>', 'make the page of what was kept there, and run nothing')
    .action(async options => {
      const { coverage } = await import('./coverage.ts');
      code = await coverage(options);
    });

  program
    .command('soak')
    .description(
      "random traffic, good and bad, on an endpoint's transaction layer, against a reference model; a failure is made small and kept",
    )
    .option('--tlps <n>', 'TLPs to send', positive, 1_000_000)
    .option('--seed <n>', 'of the first batch', positive, 1)
    .option('--width <bits>', 'of a beat: 64, 128, 256 or 512', positive, 256)
    .option('--engine <name>', engineNames.join(', '), 'verilator')
    .option('--operations <n>', 'operations from one reset to the next', positive, 1000)
    .option('--replay <file>', 'play a batch that was kept, and nothing else')
    .option('--out <file>', 'where a batch that fails is kept', 'soak-failure.json')
    .option('--shrink <seconds>', 'how long a batch that fails is made smaller', positive, 120)
    .action(async options => {
      const { soak } = await import('./soak.ts');
      code = await soak(options);
    });

  program
    .command('soak-fabric')
    .description('random traffic from everybody to everybody in a two-level fabric, generated and checked in hardware')
    .option('--tlps <n>', 'TLPs to send', positive, 1_000_000)
    .option('--seed <n>', 'of the first epoch', positive, 1)
    .option('--epoch <n>', 'TLPs from one reset to the next', positive, 200_000)
    .option('--fabric <name>', 'full (4 switches, 16 leaves) or small (3 switches, 5 leaves)', 'full')
    .option('--width <bits>', 'of a beat: 64, 128, 256 or 512', positive, 256)
    .option('--payload <bytes>', 'the largest: 128, 256 or 512', positive, 128)
    .option(
      '--credits <name>',
      'usual; least: the minimum of the specification everywhere; or both: every eighth epoch has the least',
      'usual',
    )
    .option('--engine <name>', engineNames.join(', '), 'verilator')
    .option('--waves <file>', 'where the waveform of a failure goes', 'soak-fabric.fst')
    .action(async options => {
      const { soakFabric } = await import('./fabric-soak.ts');
      code = await soakFabric(options);
    });

  program
    .command('faults')
    .description(
      'bring faults of every class into the hardware in the middle of traffic, and count what becomes of them; write docs/faults.md',
    )
    .option('--endpoint <n>', 'faults of the endpoint', positive, 150_000)
    .option('--switch <n>', 'faults of the switch', positive, 840_000)
    .option('--flips <n>', 'bits that flip in memories of the switch', positive, 20_000)
    .option('--buffers <n>', 'bits that flip in receive buffers of the endpoint', positive, 2_000)
    .option('--unprotected <n>', 'bits that nothing protects, of each kind', positive, 100)
    .option('--only <name>', 'endpoint, switch, flips, buffers or unprotected; writes no page')
    .option('--seed <n>', 'of the first batch', positive, 1)
    .option('--width <bits>', 'of a beat: 64, 128, 256 or 512', positive, 64)
    .option('--engine <name>', engineNames.join(', '), 'verilator')
    .option('--out <file>', 'where a batch of the endpoint that fails is kept', 'faults-failure.json')
    .option('--shrink <seconds>', 'how long a batch that fails is made smaller', positive, 120)
    .option('--page <path>', 'write another page than docs/faults.md')
    .action(async options => {
      const { faults } = await import('./faults.ts');
      code = await faults(options);
    });

  program
    .command('cocotb')
    .description(
      "cocotbext-pcie's root complex, switch and devices judge the Verilog of the endpoint, the switch and the fabric (docs/cocotb.md)",
    )
    .option('--only <names>', 'endpoint, switch, fabric: some of them, with commas between them')
    .option('--simulator <name>', 'verilator or icarus', 'verilator')
    .option('--seed <n>', 'of all random numbers', positive, 1)
    .option('--waves', 'cases that fail run once more, to record a waveform')
    .action(async options => {
      const { cocotb } = await import('./cocotb.ts');
      code = await cocotb(options);
    });

  program
    .command('conformance')
    .description('run the tests that name rules and requirements, and write docs/conformance.md and docs/requirements.md')
    .action(async () => {
      const { conformance } = await import('./conformance.ts');
      code = await conformance();
    });

  try {
    await program.parseAsync([...argv]);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return report(error);
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It has to be a number above 0.');
  return value;
}

/** Tells the person what went wrong: one paragraph for what they can mend, the stack only for a fault of ours. */
function report(error: unknown): number {
  const say = (text: string) => process.stderr.write(`${pc.red('error')}: ${text}\n`);
  // A simulation error is a tool that is missing, too old or refuses its input; a host error is what the host finds wrong with the fabric; the
  // others tell what is wrong with a description, and where it was written.
  const known = [UsageError, SimulationError, HostError, TopologyError, HdlError, DesignError];
  if (error instanceof Error && known.some(kind => error instanceof kind)) {
    say(error.message);
    return 2;
  }
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return 1;
}
