import { checkWritable, writeWhole } from './files.ts';
import { pairs } from './topology/answers.ts';
import { renderTopology } from './topology/draw.ts';
import { loadTopologyFile } from './topology/load.ts';

/** `p2p topology FILE`: who reaches whose memory in a machine. @returns the exit code: 0. @throws UsageError for mistakes in the file, with their lines. */
export async function topologyAnswers(path: string, options: { readonly json?: string }): Promise<number> {
  if (options.json !== undefined) checkWritable(options.json);
  const topology = await loadTopologyFile(path);
  const answers = pairs(topology);
  if (options.json !== undefined) writeWhole(options.json, `${JSON.stringify(answers, null, 2)}\n`);
  process.stdout.write(renderTopology(topology, answers));
  return 0;
}
