import type { NvmeOfInitiator, RemoteNamespace } from '../nvmeof/index.ts';
import type { JobDevice } from './run-jobs.ts';
import { Scoreboard } from './scoreboard.ts';

/** A namespace of a target as a device for jobs: `/dev/nvme0n1` is called `nvme0n1`. `before` is what it holds now, `seed` tells what writes put there. */
export function remoteDevice(
  host: NvmeOfInitiator,
  namespace: RemoteNamespace,
  before: Uint8Array,
  seed = namespace.id,
  name = `nvme0n${namespace.id}`,
): JobDevice {
  const { blocks, blockBytes } = namespace;
  return {
    name,
    blocks,
    blockBytes,
    scoreboard: new Scoreboard(before, blockBytes, seed + 1),
    read: (start, count) => host.read(namespace, start, count),
    write: (start, data) => host.write(namespace, start, data),
  };
}
