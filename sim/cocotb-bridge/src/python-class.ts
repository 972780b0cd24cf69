import type { ir, Module } from '@hdl/ts-hdl';
import { type PortShape, portShapes } from './port-shapes.ts';

/**
 * A Python module with a class for the ports of a module: streams that are inputs as `StreamSource`, outputs as `StreamSink`, their payloads as `int` or as a
 * data class per bundle; single signals as cocotb's handles; vectors as lists. Names are those of the TypeScript fields.
 */
export function pythonClass(module: Module<never> | Module<unknown>, design: ir.Design): string {
  const { name, domains } = design.top;
  const writer = new Writer([name, ...imported]);
  const ports = portShapes(module, design).map(([field, shape]) => ({
    field: field === 'start' ? 'start_' : identifier(field),
    ...writer.port(shape, `${pascal(field)}Payload`),
  }));
  const [standard] = domains;
  if (!standard) throw new Error(`${name} has no clock domain`);
  const resets = domains.flatMap(({ reset }) => (reset ? [reset.name] : []));
  const clocks = domains.map(({ clock }) => clock);
  const taken = new Set(ports.map(({ field }) => field));
  const own = [...new Set([...clocks, ...resets])].filter(port => !taken.has(port));
  const lines = [
    `class ${name}:`,
    `    """The ports of ${name}. Sources drive nothing but 0 until something is put, sinks take what comes."""`,
    '',
    ...own.map(port => `    ${port}: LogicObject`),
    ...ports.map(({ field, type }) => `    ${field}: ${type}`),
    '',
    '    def __init__(self, dut: Any) -> None:',
    ...own.map(port => `        self.${port} = dut.${port}`),
    ...ports.map(({ field, make }) => `        self.${field} = ${make.replaceAll('CLOCK', `dut.${standard.clock}`)}`),
    '',
    '    async def start(self, period: float = 4, unit: str = "ns") -> None:',
    '        """Runs the clock until the test ends, and resets the design."""',
    ...clocks.map(clock => `        start_clock(self.${clock}, period, unit)`),
    `        await reset(self.${standard.clock}, [${resets.map(port => `self.${port}`).join(', ')}])`,
  ];
  return [
    `"""Ports of ${name}, made from its TypeScript. Made anew by each run."""`,
    '',
    'import dataclasses',
    ...(writer.enumerations ? ['import enum'] : []),
    'from typing import Any, List',
    '',
    'from cocotb.handle import LogicArrayObject, LogicObject',
    'from hdl_cocotb import StreamSink, StreamSource, reset, start_clock',
    '',
    '',
    ...writer.classes.flatMap(each => [...each, '', '']),
    ...lines,
    '',
  ].join('\n');
}

/** Names that the Python module has from elsewhere. */
const imported = ['Any', 'List', 'LogicArrayObject', 'LogicObject', 'StreamSink', 'StreamSource'];

/** A field of the class: its type, and the expression that makes it. */
interface Made {
  readonly type: string;
  readonly make: string;
}

/** Collects the data classes that ports need, each once. */
class Writer {
  readonly classes: string[][] = [];
  enumerations = false;
  /** Names of classes by their texts. */
  private readonly names = new Map<string, string>();
  private readonly taken: readonly string[];

  constructor(taken: readonly string[]) {
    this.taken = taken;
  }

  port(shape: PortShape, suggestion: string): Made {
    switch (shape.kind) {
      case 'signal':
        return { type: shape.width === 1 ? 'LogicObject' : 'LogicArrayObject', make: `dut.${shape.signal}` };
      case 'stream': {
        const type = this.payload(shape.payload, suggestion);
        const signed = shape.payload.kind === 'signal' && shape.payload.signed ? ', True' : '';
        const kind = shape.input ? 'StreamSource' : 'StreamSink';
        return { type: `${kind}[${type}]`, make: `${kind}(dut, "${shape.name}", ${type}, CLOCK${signed})` };
      }
      case 'vector': {
        const made = shape.elements.map(element => this.port(element, suggestion));
        return { type: `List[${made[0]?.type ?? 'Any'}]`, make: `[${made.map(({ make }) => make).join(', ')}]` };
      }
      case 'bundle': {
        const made = shape.fields.map(([field, inner]) => ({ field, ...this.port(inner, suggestion) }));
        const type = this.define(`${shape.type || suggestion}Signals`, name => [
          '@dataclasses.dataclass',
          `class ${name}:`,
          ...made.map(each => `    ${identifier(each.field)}: ${each.type}`),
        ]);
        return { type, make: `${type}(${made.map(({ make }) => make).join(', ')})` };
      }
    }
  }

  /** The type of a payload, whose class is written if it has one. */
  private payload(shape: PortShape, suggestion: string): string {
    if (shape.kind === 'signal' && shape.states) return this.enumeration(shape.states, suggestion);
    if (shape.kind !== 'bundle') return 'int';
    const fields = shape.fields.map(([field, inner]) => `    ${identifier(field)}: ${this.field(inner, pascal(field))}`);
    return this.define(shape.type || suggestion, name => ['@dataclasses.dataclass', `class ${name}:`, ...fields]);
  }

  private field(shape: PortShape, suggestion: string): string {
    const [first] = shape.kind === 'vector' ? shape.elements : [shape];
    if (!first || first.kind === 'vector' || first.kind === 'stream')
      throw new RangeError('a payload has numbers, bundles, and vectors of these');
    const type = this.payload(first, suggestion);
    const sign = first.kind === 'signal' && first.signed ? ['"signed": True'] : [];
    if (shape.kind === 'vector') {
      const metadata = [`"length": ${shape.elements.length}`, ...sign].join(', ');
      const zero = first.kind === 'signal' && !first.states ? '0' : `${type}()`;
      return `List[${type}] = dataclasses.field(default_factory=lambda: [${zero} for _ in range(${shape.elements.length})], metadata={${metadata}})`;
    }
    if (first.kind === 'bundle') return `${type} = dataclasses.field(default_factory=${type})`;
    if (first.states) return `${type} = ${type}(${Object.keys(first.states)[0] ?? 0})`;
    return sign.length > 0 ? `int = dataclasses.field(default=0, metadata={${sign.join(', ')}})` : 'int = 0';
  }

  private enumeration(states: readonly string[], suggestion: string): string {
    this.enumerations = true;
    return this.define(suggestion, name => [
      `class ${name}(enum.IntEnum):`,
      // The list has holes for codes of no state.
      ...Object.entries(states).map(([code, state]) => `    ${identifier(state)} = ${code}`),
    ]);
  }

  /** The name of a class with this text: one that is there already, or a new one. */
  private define(wanted: string, text: (name: string) => string[]): string {
    const base = identifier(wanted);
    const key = text(base).join('\n');
    const known = this.names.get(key);
    if (known) return known;
    const used = new Set([...this.taken, ...this.names.values()]);
    let name = base;
    for (let i = 2; used.has(name); i++) name = `${base}${i}`;
    this.names.set(key, name);
    this.classes.push(text(name));
    return name;
  }
}

const pascal = (name: string) =>
  name
    .split('_')
    .map(word => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

/** Words that cannot be names in Python get an underscore. */
const keywords = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
);
const identifier = (name: string) => (keywords.has(name) ? `${name}_` : name);
