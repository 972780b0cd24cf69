import { defaultTopology, Switch } from '@hdl/pcie-rtl';
import { harnessDesign } from '@hdl/testbench';
import { diagnose, elaborate, embedded, emitVerilog, shareModules } from '@hdl/ts-hdl';
import { optimiseLate } from '../late-optimisation.ts';

/**
 * The steps to a first cycle, or to Verilog, in a process that has done nothing before: what is measured begins when Node runs and all TypeScript is
 * loaded. Run by `startup.ts` with the name of what to do; prints a JSON object of steps with their seconds.
 */
export interface StepTimes {
  readonly [step: string]: { readonly cpu: number; readonly wall: number };
}

class Stopwatch {
  readonly times: { [step: string]: { readonly cpu: number; readonly wall: number } } = {};

  /** CPU time is that of all threads: V8 compiles and collects garbage beside the program. */
  time<R>(step: string, work: () => R): R {
    const cpu = process.cpuUsage();
    const wall = performance.now();
    const result = work();
    const { user, system } = process.cpuUsage(cpu);
    this.times[step] = { cpu: (user + system) / 1e6, wall: (performance.now() - wall) / 1e3 };
    return result;
  }
}

function firstCycle(watch: Stopwatch): void {
  const design = watch.time('described and checked', () => harnessDesign(defaultTopology()));
  watch.time('compiled, first cycle run', () => embedded(design).step(1));
}

function largeSwitch(watch: Stopwatch): void {
  const make = () => new Switch({ width: 256, ports: 32, vendor_id: 0x1234, device_id: 1 });
  const design = watch.time('described, equal modules shared', () => shareModules(elaborate(make).design));
  watch.time('checked', () => diagnose(design));
  watch.time('emitted as Verilog', () => emitVerilog(design));
}

const [what, late] = process.argv.slice(2);
if (late === 'late') optimiseLate();
const watch = new Stopwatch();
if (what === 'fabric') firstCycle(watch);
else largeSwitch(watch);
process.stdout.write(JSON.stringify(watch.times satisfies StepTimes));
