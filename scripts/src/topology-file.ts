import { existsSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { defaultTopology, type Topology, type TopologyDescription, TopologyError, topology } from '@hdl/pcie-rtl';
import { UsageError } from './errors.ts';
import { reason } from './files.ts';
import { importDefault } from './import-default.ts';

/**
 * The topology that a file describes: the default export of a module, or a JSON object; without a path the default topology.
 * @throws UsageError if the file cannot be read or its topology does not fit.
 */
export async function loadTopology(path: string | undefined): Promise<Topology> {
  if (path === undefined) return defaultTopology();
  if (!existsSync(path))
    throw new UsageError(`there is no topology file ${path}. Name a .ts, .mjs or .json file; examples/topology.ts is one.`);
  try {
    const value = await description(path);
    // What `topology()` made is ready; a description still has to be checked.
    return isTopology(value) ? value : topology(value);
  } catch (error) {
    if (error instanceof TopologyError) throw new UsageError(`the topology in ${path} does not fit: ${error.message}`);
    if (error instanceof UsageError) throw error;
    throw new UsageError(`the topology in ${path} cannot be read: ${reason(error)}`);
  }
}

const isTopology = (value: TopologyDescription | Topology): value is Topology => 'links' in value;

async function description(path: string): Promise<TopologyDescription | Topology> {
  const value: unknown = extname(path) === '.json' ? JSON.parse(readFileSync(path, 'utf8')) : await importDefault(path);
  if (typeof value !== 'object' || value === null || !('endpoints' in value)) {
    throw new UsageError(
      `${path} holds no topology: its default export (or JSON object) needs a list 'endpoints'; examples/topology.ts is one.`,
    );
  }
  return value as TopologyDescription | Topology;
}
