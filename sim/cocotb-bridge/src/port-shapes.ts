import type { ir, Module } from '@hdl/ts-hdl';

/** What the ports of a module are, as its author wrote them: single signals, streams, bundles and vectors of these. */
export type PortShape =
  | {
      readonly kind: 'signal';
      readonly signal: string;
      readonly width: number;
      readonly input: boolean;
      readonly signed: boolean;
      /** Names of the states of an enumeration, by code. */
      readonly states: readonly string[] | undefined;
    }
  | { readonly kind: 'stream'; readonly name: string; readonly input: boolean; readonly payload: PortShape }
  | { readonly kind: 'bundle'; readonly type: string; readonly fields: readonly (readonly [string, PortShape])[] }
  | { readonly kind: 'vector'; readonly elements: readonly PortShape[] };

/** The ports of a module by field, in order. `module` is what was elaborated; its names are those of `design`. */
export function portShapes(
  module: Module<never> | Module<unknown>,
  design: ir.Design,
): readonly (readonly [string, PortShape])[] {
  const ports = new Map(
    design.top.signals.filter(({ kind }) => kind === 'input' || kind === 'output').map(signal => [signal.name, signal]),
  );
  return Object.entries(module)
    .filter(([name]) => name !== 'p' && !name.startsWith('~'))
    .flatMap(([name, value]) => {
      const shape = shapeOf(value, name, ports);
      return shape ? [[name, shape] as const] : [];
    });
}

type Ports = ReadonlyMap<string, ir.Signal>;

/** Undefined for what is no port: a register, a child, a memory. */
function shapeOf(value: unknown, name: string, ports: Ports): PortShape | undefined {
  if (Array.isArray(value)) {
    const elements = value.map((element, i) => shapeOf(element, `${name}_${i}`, ports));
    return elements.length > 0 && elements.every(element => element !== undefined) ? { kind: 'vector', elements } : undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if ('eq' in value && 'width' in value) return signalOf(value, name, ports);
  if ('payload' in value && 'valid' in value && 'ready' in value && 'fire' in value) {
    const valid = ports.get(`${name}_valid`);
    const payload = bundleOf(value.payload, name, ports) ?? shapeOf(value.payload, `${name}_payload`, ports);
    return valid && payload ? { kind: 'stream', name, input: valid.kind === 'input', payload } : undefined;
  }
  return bundleOf(value, name, ports);
}

function signalOf(value: object, name: string, ports: Ports): PortShape | undefined {
  const signal = ports.get(name);
  if (!signal) return undefined;
  const signed = 'signed' in value && value.signed === true;
  return { kind: 'signal', signal: name, width: signal.width, input: signal.kind === 'input', signed, states: signal.states };
}

function bundleOf(value: unknown, name: string, ports: Ports): PortShape | undefined {
  // Values of bundles can be set as a whole; nothing else that is no signal and no array can.
  if (typeof value !== 'object' || value === null || Array.isArray(value) || 'eq' in value || !('set' in value)) return undefined;
  const fields = Object.entries(value).map(([field, element]) => [field, shapeOf(element, `${name}_${field}`, ports)] as const);
  const known = fields.flatMap(([field, shape]) => (shape ? [[field, shape] as const] : []));
  return known.length > 0 && known.length === fields.length
    ? { kind: 'bundle', type: value.constructor.name, fields: known }
    : undefined;
}
