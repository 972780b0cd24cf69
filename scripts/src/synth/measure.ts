import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checked, elaborate, emitVerilog } from '@hdl/ts-hdl';
import { z } from 'zod';
import { UsageError } from '../errors.ts';
import { type Block, layouts, mappings } from './block.ts';
import { ecp5Cells, median, misplacedMemories, placed, xilinxCells } from './cells.ts';
import { keyOf, type Ledger } from './ledger.ts';
import { type BlockReport, ecp5Figures, xilinxFigures } from './report.ts';
import { ToolError, type Tools, toolsKey } from './tools.ts';

/** The device that blocks are placed on. */
export const device = 'LFE5UM5G-85F, CABGA756, speed 8';

const forEcp5 = 'synthesis for ECP5';
const forUltraScale = 'synthesis for UltraScale+';

const cellFigures = ecp5Figures.pick({ lut4: true, ccu2c: true, dpr16x4: true, ebr: true, dsp: true, ff: true });
/** Of one seed. Without `mhz` there is no path between two registers. */
const placement = z.union([
  z.strictObject({ comb: z.number().int(), mhz: z.number().positive().optional() }),
  z.strictObject({ unplaced: z.string() }),
]);

/** Wide multiplexers from LUTs only: with the others counts jump without reason between versions of Yosys. */
const ecp5Script = (top: string, { mapping }: Pick<Block, 'mapping'>) => {
  const synth = `synth_ecp5 -nowidelut -top ${top}`;
  const steps = mapping
    ? `${synth} -run begin:map_luts; ${mappings[mapping]}; ${synth} -run map_cells: -json block.json`
    : `${synth} -json block.json`;
  return `read_verilog block.v; hierarchy -check -top ${top}; ${steps}; tee -o stat.json stat -json`;
};
const xilinxScript = (top: string) =>
  `read_verilog block.v; synth_xilinx -family xcup -noiopad -noclkbuf -flatten -top ${top}; tee -o stat.json stat -json -tech xilinx`;
/** Only paths between registers are timed: the ports have no pins. */
const placeOptions = (seed: number, { layout }: Pick<Block, 'layout'>) => [
  ...['--um5g-85k', '--package', 'CABGA756', '--speed', '8', '--freq', '250', '--timing-allow-fail'],
  ...(layout ? layouts[layout].options : []),
  ...['--out-of-context', '--lpf-allow-unconstrained', '--seed', String(seed), '--json', 'block.json', '--report', 'report.json'],
];

/** The Verilog of a block, with what decides the outcome. */
export function verilogOf(block: Block) {
  const { design } = elaborate(block.create);
  const text = emitVerilog(checked(design))
    .map(file => file.text)
    .join('\n');
  return { text, sha256: verilogHash(text), top: design.top };
}

/** SHA-256 without the comments: they tell where a line comes from, and change when nothing else does. */
export const verilogHash = (text: string): string =>
  createHash('sha256')
    .update(text.replace(/\s*\/\/.*$/gm, ''))
    .digest('hex');

/** What may be done, and what has to be left out. */
export interface MeasureOptions {
  readonly seeds: readonly number[];
  /** Without, only placements that were made before count. */
  readonly place: boolean;
  /** Only what was measured before counts at all: no tool is started. */
  readonly measured: boolean;
  readonly ledger: Ledger;
  /** Called when a tool is needed, and not for what was measured before. */
  readonly tools: () => Tools;
  readonly log: (line: string) => void;
}

/**
 * Synthesises a block for ECP5 and UltraScale+ and places it on an ECP5 once per seed. What was done before with the same Verilog, options and tools is
 * taken from the ledger.
 * @returns nothing for a block that would have to be synthesised where only what was measured counts.
 * @throws UsageError if Yosys refuses the design, for example for a latch, or if a memory that was meant as block RAM became distributed RAM or registers.
 */
export async function measure(block: Block, options: MeasureOptions): Promise<BlockReport | undefined> {
  const { text, sha256, top } = verilogOf(block);
  using work = new Workplace(block, { text, sha256, top }, options);
  if (options.measured && !work.synthesised()) return undefined;
  const cells = await work.ecp5();
  const placements = await work.placements();
  const fmax_mhz = median(placements.fmax.map(f => f.mhz)) ?? null;
  return {
    name: block.name,
    what: block.what,
    verilog_sha256: sha256,
    ecp5: { ...cells, ...placements, fmax_mhz },
    xilinx: await work.xilinx(),
  };
}

/** A folder with the Verilog of one block, in which the tools run. */
class Workplace implements Disposable {
  private readonly block: Pick<Block, 'name' | 'layout' | 'mapping'>;
  private readonly verilog: ReturnType<typeof verilogOf>;
  private readonly options: MeasureOptions;
  private readonly folder = mkdtempSync(join(tmpdir(), 'synth-'));

  constructor(block: Pick<Block, 'name' | 'layout' | 'mapping'>, verilog: ReturnType<typeof verilogOf>, options: MeasureOptions) {
    this.block = block;
    this.verilog = verilog;
    this.options = options;
    writeFileSync(this.file('block.v'), verilog.text);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Whether the synthesis for ECP5 was done before. */
  synthesised(): boolean {
    return this.options.ledger.has(this.key(forEcp5, ecp5Script(this.verilog.top.name, this.block)));
  }

  /** Cells of the ECP5. @throws UsageError for a latch or a misplaced memory. */
  ecp5(): Promise<ReturnType<typeof ecp5Cells>> {
    return this.once(forEcp5, ecp5Script(this.verilog.top.name, this.block), cellFigures, () => this.ecp5Netlist());
  }

  /** Cells of UltraScale+; nothing if it would have to be synthesised where only what was measured counts. */
  async xilinx(): Promise<ReturnType<typeof xilinxCells> | null> {
    const script = xilinxScript(this.verilog.top.name);
    if (this.options.measured && !this.options.ledger.has(this.key(forUltraScale, script))) return null;
    return this.once(forUltraScale, script, xilinxFigures, async () => xilinxCells(await this.synthesise(script)));
  }

  /** Placed with every seed; or why not with all of them. */
  async placements(): Promise<Pick<BlockReport['ecp5'], 'comb' | 'fmax' | 'unplaced'>> {
    const fmax: { seed: number; mhz: number }[] = [];
    let comb: number | null = null;
    let unplaced: string | undefined;
    for (const seed of this.options.seeds) {
      const what = `place and route, seed ${seed}`;
      // Another mapping is another netlist of the same Verilog.
      const { mapping } = this.block;
      const settings = [...(mapping ? [mappings[mapping]] : []), ...placeOptions(seed, this.block)].join(' ');
      if ((!this.options.place || this.options.measured) && !this.options.ledger.has(this.key(what, settings))) {
        unplaced = 'not placed';
        continue;
      }
      const result = await this.once(what, settings, placement, () => this.place(seed));
      // Another seed does not make the device larger.
      if ('unplaced' in result) return { comb, fmax, unplaced: result.unplaced };
      comb = result.comb;
      if (result.mhz === undefined) return { comb, fmax, unplaced: 'no path between two registers' };
      fmax.push({ seed, mhz: result.mhz });
    }
    return { comb, fmax, ...(unplaced === undefined ? {} : { unplaced }) };
  }

  private async place(seed: number): Promise<z.infer<typeof placement>> {
    if (!existsSync(this.file('block.json'))) {
      this.options.log(`${this.block.name}: synthesis for ECP5, again for the netlist`);
      await this.ecp5Netlist();
    }
    try {
      await this.options.tools().nextpnr(placeOptions(seed, this.block), this.folder);
      return placed(this.read('report.json'));
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      return { unplaced: error.message };
    }
  }

  private async ecp5Netlist(): Promise<ReturnType<typeof ecp5Cells>> {
    const { top } = this.verilog;
    const cells = ecp5Cells(await this.synthesise(ecp5Script(top.name, this.block)));
    const misplaced = misplacedMemories(top, this.read('block.json'));
    if (misplaced.length === 0) return cells;
    throw new UsageError(
      `${this.block.name}: ${misplaced.join(', ')} was meant as block RAM (style 'block') and became distributed RAM or registers: read it with one cycle of latency.`,
    );
  }

  /** Runs Yosys. @returns its statistics. */
  private async synthesise(script: string): Promise<string> {
    try {
      await this.options.tools().yosys(['-q', '-p', script], this.folder);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      throw new UsageError(`Yosys refuses the block ${this.block.name}: ${error.message}`);
    }
    return this.read('stat.json');
  }

  /** Does what was not done before. */
  private async once<T>(what: string, settings: string, shape: z.ZodType<T>, make: () => Promise<T>): Promise<T> {
    const { ledger, log } = this.options;
    const key = this.key(what, settings);
    const before = ledger.get(key, shape);
    if (before !== undefined) return before;
    log(`${this.block.name}: ${what}`);
    const value = await make();
    ledger.set(key, { block: this.block.name, what, value });
    return value;
  }

  private key(what: string, settings: string): string {
    return keyOf([toolsKey, this.verilog.sha256, what, settings]);
  }

  private file(name: string): string {
    return join(this.folder, name);
  }

  private read(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }
}
