import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { UsageError } from '../errors.ts';
import { reason } from '../files.ts';
import { importDefault } from '../import-default.ts';
import { type BuiltTopology, buildTopology, Misfit } from './build.ts';
import { JsonMistake, LocatedJson, type Path, placeInSource } from './locate.ts';
import { elements } from './schema.ts';

/** The topology of a file: JSON, or the default export of a module. @throws UsageError with file and line of what is wrong, and what to do. */
export async function loadTopologyFile(path: string): Promise<BuiltTopology> {
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(
      `cannot read ${path}: ${reason(error)}. Name a .json, .ts or .mjs file; examples/p2p-topology.json is one.`,
    );
  }
  const json = extname(path) === '.json' ? parse(path, source) : undefined;
  const description = json ? json.value : await imported(path);
  if (typeof description === 'object' && description !== null && 'endpoints' in description)
    throw new UsageError(
      `${path} describes a fabric for the simulator. Questions about distances need host bridges and ports: docs/topology.md and examples/p2p-topology.json show how.`,
    );
  try {
    return buildTopology(description);
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    const line = json ? json.lineOf(error.path) : moduleLine(source, description, error.path);
    throw new UsageError(`${path}${line === undefined ? '' : `:${line}`}: ${error.message}.`);
  }
}

/** @throws UsageError with the line of what is no JSON. */
function parse(path: string, source: string): LocatedJson {
  try {
    return new LocatedJson(source);
  } catch (error) {
    if (!(error instanceof JsonMistake)) throw error;
    throw new UsageError(`${path}:${error.line}: this is no JSON: ${error.message}.`);
  }
}

async function imported(path: string): Promise<unknown> {
  try {
    return await importDefault(path);
  } catch (error) {
    throw new UsageError(`the module ${path} cannot be run: ${reason(error)}`);
  }
}

/** The line of a value in a module: that of the element's name, or of the key in it that is wrong. */
function moduleLine(source: string, description: unknown, path: Path): number | undefined {
  let value = description;
  let name: string | undefined;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) break;
    name = nameOf(value) ?? name;
    value = (value as { readonly [key: string | number]: unknown })[step];
  }
  const key = path.at(-1);
  const isName = typeof key === 'string' && key in elements && name === value;
  // A name that is there twice is wrong at its second place.
  const element = name === undefined ? undefined : placeInSource(source, name, { nth: isName ? 1 : 0 });
  const at = typeof key === 'string' && !isName ? (placeInSource(source, key, { from: element ?? 0 }) ?? element) : element;
  return at === undefined ? undefined : source.slice(0, at).split('\n').length;
}

const nameOf = (value: object): string | undefined =>
  Object.entries(value).find(([key, name]) => key in elements && typeof name === 'string')?.[1];
