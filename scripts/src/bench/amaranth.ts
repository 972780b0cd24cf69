import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ir } from '@hdl/ts-hdl';
import { generator, type PeerRun } from './stimulus.ts';

/**
 * The design as an Amaranth program, to measure Amaranth's simulator on the same circuit: one class per module, statements kept. For designs with the
 * standard clock domain and without dynamic bit offsets, black boxes and properties.
 * @throws Error for what it does not cover.
 */
export function amaranthSource(design: ir.Design): string {
  return ['from amaranth.hdl import *', 'from amaranth.lib.memory import Memory', ...design.modules.flatMap(moduleClass)].join(
    '\n',
  );
}

/** A name that Python and Amaranth leave to us. */
const own = (name: string) => `s_${name}`;

function moduleClass(module: ir.Module): string[] {
  if (module.domains.length > 1 || module.external) throw new Error(`${module.name} has more than Amaranth's domain 'sync'`);
  const ports = module.signals.filter(({ kind }) => kind === 'input' || kind === 'output');
  const declare = ({ name, width, init, kind }: ir.Signal) => {
    const reset = kind === 'register' && init === undefined ? ', reset_less=True' : '';
    return `self.${own(name)} = Signal(${width}, name="${name}", init=${init ?? 0}${reset})`;
  };
  const writer = new BodyWriter(module);
  const body = writer.body(module.body, 4);
  return [
    '',
    `class ${own(module.name)}(Elaboratable):`,
    '  def __init__(self):',
    ...(ports.length > 0 ? ports.map(port => `    ${declare(port)}`) : ['    pass']),
    '  def elaborate(self, platform):',
    '    m = Module()',
    ...module.signals.filter(s => !ports.includes(s)).map(signal => `    ${declare(signal)}`),
    ...module.instances.map(
      ({ name, module: child }) => `    m.submodules.${own(name)} = self.${own(name)} = ${own(child.name)}()`,
    ),
    ...module.memories.map(({ name, width, depth, init }) => {
      return `    m.submodules.${own(name)} = self.${own(name)} = Memory(shape=${width}, depth=${depth}, init=[${init ?? ''}])`;
    }),
    ...body,
    '    return m',
  ];
}

/** Writes statements; an expression that is used twice becomes a Python variable before them, as it is a shared node here. */
class BodyWriter {
  private readonly module: ir.Module;
  private readonly texts = new Map<ir.Expr, string>();
  private readonly lines: string[] = [];
  private readonly reads: string[] = [];
  private ports = 0;

  constructor(module: ir.Module) {
    this.module = module;
  }

  body(statements: readonly ir.Statement[], indent: number): string[] {
    const result = this.statements(statements, indent);
    return [...this.reads, ...this.lines, ...result];
  }

  private statements(statements: readonly ir.Statement[], indent: number): string[] {
    const lines = statements.flatMap(statement => this.statement(statement, indent));
    return lines.length > 0 ? lines : [`${' '.repeat(indent)}pass`];
  }

  private statement(statement: ir.Statement, indent: number): string[] {
    const space = ' '.repeat(indent);
    switch (statement.kind) {
      case 'assign': {
        const { target, low, offset, value } = statement;
        if (offset) throw new Error(`${this.module.name} has an assignment at a dynamic offset`);
        const owner = target.instance ? `self.${own(target.instance.name)}` : 'self';
        const whole = low === 0 && value.width === target.signal.width;
        const range = whole ? '' : `[${low}:${low + value.width}]`;
        const domain = target.signal.kind === 'register' ? 'sync' : 'comb';
        return [`${space}m.d.${domain} += ${owner}.${own(target.signal.name)}${range}.eq(${this.text(value)})`];
      }
      case 'if':
        return [
          ...statement.arms.flatMap(({ condition, body }, i) => [
            `${space}with m.${i === 0 ? 'If' : 'Elif'}(${this.text(condition)}):`,
            ...this.statements(body, indent + 2),
          ]),
          ...(statement.otherwise.length > 0
            ? [`${space}with m.Else():`, ...this.statements(statement.otherwise, indent + 2)]
            : []),
        ];
      case 'match':
        return [
          `${space}with m.Switch(${this.text(statement.subject)}):`,
          ...statement.arms.flatMap(({ value, body }) => [
            `${space}  with m.Case(${value}):`,
            ...this.statements(body, indent + 4),
          ]),
          `${space}  with m.Default():`,
          ...this.statements(statement.otherwise, indent + 4),
        ];
      case 'memory-write': {
        const { memory, address, data, mask } = statement;
        const port = `w_${memory.name}_${this.ports++}`;
        this.lines.push(`    ${port} = self.${own(memory.name)}.write_port(granularity=${memory.lane})`);
        const enable = mask ? this.text(mask) : `Const(-1, ${memory.width / memory.lane})`;
        return [
          `${space}m.d.comb += ${port}.addr.eq(${this.text(address)})`,
          `${space}m.d.comb += ${port}.data.eq(${this.text(data)})`,
          `${space}m.d.comb += ${port}.en.eq(${enable})`,
        ];
      }
      case 'property':
      case 'log':
        return [];
    }
  }

  private text(root: ir.Expr): string {
    const stack = [root];
    for (let expr = stack.at(-1); expr; expr = stack.at(-1)) {
      if (this.texts.has(expr)) {
        stack.pop();
        continue;
      }
      const missing = operandsOf(expr).filter(operand => !this.texts.has(operand));
      if (missing.length > 0) {
        stack.push(...missing);
        continue;
      }
      stack.pop();
      const text = this.operation(expr);
      if (expr.kind === 'const' || expr.kind === 'signal' || expr.kind === 'instance') this.texts.set(expr, text);
      else {
        const name = `e${this.texts.size}`;
        this.lines.push(`    ${name} = ${text}`);
        this.texts.set(expr, name);
      }
    }
    return this.known(root);
  }

  private known(expr: ir.Expr): string {
    const text = this.texts.get(expr);
    if (text === undefined) throw new Error('an operand was not written');
    return text;
  }

  private operation(expr: ir.Expr): string {
    const { width } = expr;
    const of = (e: ir.Expr) => this.known(e);
    switch (expr.kind) {
      case 'const':
        return `Const(${expr.value}, ${width})`;
      case 'signal':
        return `self.${own(expr.signal.name)}`;
      case 'instance':
        return `self.${own(expr.instance.name)}.${own(expr.port.name)}`;
      case 'unary':
        return expr.op === 'not' ? `(~${of(expr.value)})` : `${of(expr.value)}.${reductions[expr.op]}()`;
      case 'binary': {
        const [left, right] = [of(expr.left), of(expr.right)].map(text => (expr.signed ? `${text}.as_signed()` : text));
        if (expr.op === 'shl' || expr.op === 'shr') return `(${left} ${operators[expr.op]} ${of(expr.right)})[:${width}]`;
        const text = `(${left} ${operators[expr.op]} ${right})`;
        return ['add', 'sub', 'mul'].includes(expr.op) ? `${text}[:${width}]` : text;
      }
      case 'mux':
        return `Mux(${of(expr.condition)}, ${of(expr.whenTrue)}, ${of(expr.whenFalse)})`;
      case 'concat':
        return `Cat(${expr.parts.toReversed().map(of).join(', ')})`;
      case 'slice':
        return `${of(expr.value)}[${expr.low}:${expr.low + width}]`;
      case 'extend': {
        const more = width - expr.value.width;
        const top = `${of(expr.value)}[-1]`;
        return `Cat(${of(expr.value)}, ${expr.signed ? `${top}.replicate(${more})` : `Const(0, ${more})`})`;
      }
      case 'memory-read': {
        const port = `r_${expr.memory.name}_${this.ports++}`;
        this.reads.push(`    ${port} = self.${own(expr.memory.name)}.read_port(domain="comb")`);
        this.lines.push(`    m.d.comb += ${port}.addr.eq(${of(expr.address)})`);
        return `${port}.data`;
      }
    }
  }
}

const reductions = { reduce_and: 'all', reduce_or: 'any', reduce_xor: 'xor' } as const;
const operators = {
  add: '+',
  sub: '-',
  mul: '*',
  and: '&',
  or: '|',
  xor: '^',
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
  shl: '<<',
  shr: '>>',
} as const;

function operandsOf(expr: ir.Expr): readonly ir.Expr[] {
  switch (expr.kind) {
    case 'const':
    case 'signal':
    case 'instance':
      return [];
    case 'unary':
    case 'slice':
    case 'extend':
      return [expr.value];
    case 'binary':
      return [expr.left, expr.right];
    case 'mux':
      return [expr.condition, expr.whenTrue, expr.whenFalse];
    case 'concat':
      return expr.parts;
    case 'memory-read':
      return [expr.address];
  }
}

const benchProgram = (design: ir.Design, cycles: number) => {
  const { top } = design;
  const list = (kind: ir.Signal['kind']) =>
    top.signals
      .filter(signal => signal.kind === kind)
      .map(({ name, width }) => `(dut.${own(name)}, ${width})`)
      .join(', ');
  return `
import sys, time
from amaranth.sim import Simulator
sys.setrecursionlimit(100000)
dut = ${own(top.name)}()
sync = ClockDomain("sync")
class Bench(Elaboratable):
    def elaborate(self, platform):
        m = Module()
        m.domains += sync
        m.submodules.dut = dut
        return m
sim = Simulator(Bench())
sim.add_clock(1e-6)
inputs = [${list('input')}]
outputs = [${list('output')}]
async def bench(ctx):
    ctx.set(sync.rst, 1)
    await ctx.tick()
    ctx.set(sync.rst, 0)
    x = ${generator.seed}
    signature = 0
    start = time.process_time()
    for _ in range(${cycles}):
        for signal, width in inputs:
            x = (x * ${generator.factor} + ${generator.addend}) & 0xffffffff
            ctx.set(signal, int.from_bytes((x << 16 & 0xffff0000 | x >> 16).to_bytes(4, 'little') * -(-width // 32), 'little') & ((1 << width) - 1))
        await ctx.tick()
        for signal, width in outputs:
            value = ctx.get(signal)
            for _ in range(-(-width // 32)):
                signature = ((signature << 1 | signature >> 31) & 0xffffffff) ^ (value & 0xffffffff)
                value >>= 32
    print(time.process_time() - start, signature)
sim.add_testbench(bench)
sim.run()
`;
};

/** The version of Amaranth that the benchmark installs (BSD-2-Clause). */
const amaranthVersion = '0.5.8';

/** Runs the design under Amaranth's simulator in a virtual environment in `cache`, which is made if it is missing. @throws Error if a tool fails. */
export function runAmaranth(design: ir.Design, cycles: number, cache: string): PeerRun {
  const environment = join(cache, `amaranth-${amaranthVersion}`);
  const python = join(environment, 'bin/python');
  if (!existsSync(join(environment, 'ready'))) {
    must('python3', ['-m', 'venv', environment]);
    must(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `amaranth==${amaranthVersion}`]);
    writeFileSync(join(environment, 'ready'), '');
  }
  const folder = mkdtempSync(join(tmpdir(), 'amaranth-'));
  try {
    const file = join(folder, 'bench.py');
    writeFileSync(file, `${amaranthSource(design)}\n${benchProgram(design, cycles)}`);
    const [seconds = 'nan', signature = 'nan'] = must(python, [file]).trim().split(' ');
    return { cycles, seconds: Number(seconds), signature: Number(signature) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function must(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
  return stdout;
}
