/**
 * What type checking costs: writes modules with literal widths (another width in each) and lets `tsc` check them.
 * `npx tsx hdl/test/typings/many-modules.ts [count]` prints the figures.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const library = fileURLToPath(new URL('../../src/index.ts', import.meta.url));

/** One module: 13 ports of which 2 are streams of a bundle of 7 fields, 8 registers, a child (the module before), and some of each operator. */
export function moduleText(i: number): string {
  const w = 3 + ((i * 7) % 61);
  const v = 5 + ((i * 11) % 53);
  const child = i % 10 === 0 ? undefined : i - 1;
  const childWidth = 3 + (((i - 1) * 7) % 61);
  return `import {
  bool, Bundle, cat, connect, input, match, Module, mux, output, popCount, reg, select, sint, states, stream, u, uint, vec, when, wire,
} from ${JSON.stringify(library)};
${child === undefined ? '' : `import { Module${child} } from './module-${child}.ts';`}

const State${i} = states('Idle', 'Load', 'Run', 'Stop');

/** One beat of stream ${i}. */
export class Beat${i} extends Bundle({
  data: uint(${w}),
  keep: uint(${v}),
  tag: uint(5),
  kind: State${i},
  offset: sint(${v}),
  first: bool,
  last: bool,
}) {}

export class Module${i} extends Module {
  readonly a = input(uint(${w}));
  readonly b = input(uint(${w}));
  readonly c = input(uint(${v}));
  readonly n = input(sint(${v}));
  readonly enable = input(bool);
  readonly in = input(stream(Beat${i}));
  readonly out = output(stream(Beat${i}));
  readonly sum = output(uint(${w + 1}));
  readonly product = output(uint(${w + v}));
  readonly joined = output(uint(${2 * w + v}));
  readonly scaled = output(sint(${2 * v}));
  readonly flags = output(uint(8));
  readonly chosen = output(uint(${w}));
  private readonly state = reg(State${i}, { init: 'Idle' });
  private readonly count = reg(uint(${w}), { init: 0 });
  private readonly held = reg(Beat${i});
  private readonly full = reg(bool, { init: 0 });
  private readonly total = reg(uint(${w + v}), { init: 0 });
  private readonly level = reg(sint(${v}), { init: -1 });
  private readonly table = reg(vec(8, uint(${w})));
  private readonly mask = reg(uint(8), { init: 1 });
  private readonly next = wire(uint(${w}));
${child === undefined ? '' : `  private readonly child = new Module${child}();`}

  protected override logic() {
    this.next.set(this.count.add(1));
    this.sum.set(this.a.addx(this.b));
    this.product.set(this.a.mul(this.c));
    this.joined.set(cat(this.a, this.c, this.b));
    this.scaled.set(this.n.mul(this.level));
    this.flags.bits(7, 4).set(this.mask.bits(3, 0));
    this.flags.bit(3).set(this.a.lt(this.b));
    this.flags.part(0, 3).set(cat(this.full, this.enable, this.a.any()));
    this.chosen.set(mux(this.enable, select(this.mask, [this.a, this.b]), this.table.at(this.mask.bits(2, 0))));
    this.in.ready.set(this.full.not().or(this.out.ready));
    this.out.valid.set(this.full);
    this.out.put(mux(this.enable, this.held, this.in.payload));
    when(this.in.fire, () => {
      this.held.set(this.in.payload);
      this.full.set(1);
    }).elsewhen(this.out.fire, () => this.full.set(0));
    match(State${i}, this.state, {
      Idle: () => when(this.enable, () => this.state.set('Load')),
      Load: () => {
        this.count.set(this.a);
        this.state.set('Run');
      },
      Run: () => {
        this.count.set(this.next);
        this.total.set(this.total.add(this.product));
        when(this.count.ge(this.b), () => this.state.set('Stop'));
      },
      Stop: () => this.state.set('Idle'),
    });
    this.level.set(this.level.add(this.n).max(-2));
    this.mask.set(this.mask.rotl(1).xor(u(8, 3)));
    this.table.at(this.mask.bits(2, 0)).set(this.sum.bits(${w}, 1));
    when(popCount(this.mask).eq(4), () => this.table[0]?.set(0));
${
  child === undefined
    ? ''
    : `    connect(this.child, {
      a: this.a.zext(64).part(0, ${childWidth}),
      b: this.b.zext(64).part(0, ${childWidth}),
      c: this.c.zext(64).trunc(${5 + (((i - 1) * 11) % 53)}),
      n: this.n.sext(64).trunc(${5 + (((i - 1) * 11) % 53)}),
      enable: this.enable,
      in: this.child.out,
    });`
}
  }
}
`;
}

export interface TypeCheckCost {
  readonly modules: number;
  readonly lines: number;
  /** CPU seconds of the compiler, over all its threads. */
  readonly cpuSeconds: number;
  readonly types: number;
  readonly instantiations: number;
  readonly memoryMiB: number;
}

/** Checks `count` modules. @throws Error with the compiler's words if they do not compile. */
export function measureTypeCheck(count = 300): TypeCheckCost {
  const folder = mkdtempSync(join(tmpdir(), 'many-modules-'));
  try {
    mkdirSync(join(folder, 'src'));
    const texts = Array.from({ length: count }, (_, i) => moduleText(i));
    texts.forEach((text, i) => {
      writeFileSync(join(folder, 'src', `module-${i}.ts`), text);
    });
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const compilerOptions = { typeRoots: [join(root, 'node_modules/@types')], noUnusedLocals: false };
    const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['src'], exclude: [] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const out = compile(folder);
    const figure = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(out)?.[1] ?? Number.NaN);
    return {
      modules: count,
      lines: texts.reduce((sum, text) => sum + text.split('\n').length - 1, 0),
      cpuSeconds: cpuSeconds(out),
      types: figure('Types'),
      instantiations: figure('Instantiations'),
      memoryMiB: Math.round(figure('Memory used') / 1024),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The compiler's diagnostics, followed by the shell's account of the CPU time that it took. */
function compile(folder: string): string {
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  const script = '"$0" "$1" -p "$2" --noEmit --extendedDiagnostics || exit 1; times';
  try {
    return execFileSync('sh', ['-c', script, process.execPath, compiler, folder], { encoding: 'utf8' });
  } catch (error) {
    throw new Error(`the modules do not compile:\n${(error as { stdout?: string }).stdout ?? String(error)}`);
  }
}

/** The last line of `times`: user and system time of the children. */
function cpuSeconds(out: string): number {
  const last = out.trim().split('\n').at(-1) ?? '';
  return [...last.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(`${JSON.stringify(measureTypeCheck(Number(process.argv[2] ?? 300)))}\n`);
}
