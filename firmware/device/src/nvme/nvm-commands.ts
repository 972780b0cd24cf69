import { decode } from '../../../layout.ts';
import { allNamespaces, blockCommand, datasetManagement, datasetRange, NvmOpcode, rangeBytes } from '../../../nvme/commands.ts';
import { Feature } from '../../../nvme/features.ts';
import { Status } from '../../../nvme/status.ts';
import { BackingError } from '../backing.ts';
import { type Command, checkAborted, fieldsOf } from './command.ts';
import { CommandError } from './command-error.ts';
import type { Namespace } from './profile.ts';
import type { Session } from './session.ts';

type Handler = (session: Session, command: Command, namespace: Namespace) => Promise<void>;

const handlers: { readonly [opcode: number]: Handler } = {
  [NvmOpcode.write]: write,
  [NvmOpcode.read]: read,
  [NvmOpcode.compare]: compare,
  [NvmOpcode.writeZeroes]: writeZeroes,
  [NvmOpcode.datasetManagement]: manageDataset,
};

/** Commands of the NVM command set (NVMe 1.4 section 6). @returns DW0 of the completion. @throws CommandError; DmaError. */
export async function nvmCommand(session: Session, command: Command): Promise<number> {
  const { opcode, namespace: id, pointerKind } = command;
  const handler = handlers[opcode];
  if (!handler && opcode !== NvmOpcode.flush) throw new CommandError(Status.invalidOpcode, { byte: 0 });
  if (pointerKind > 2) throw new CommandError(Status.invalidField, { byte: 1, bit: 6 });
  const namespace = session.profile.namespaces.find(each => each.id === id);
  if (!handler) {
    if (!namespace && id !== allNamespaces) throw new CommandError(Status.invalidNamespace, { byte: 4 });
    flush(session);
    return 0;
  }
  if (!namespace) throw new CommandError(Status.invalidNamespace, { byte: 4 });
  await handler(session, command, namespace);
  return 0;
}

/** Bytes on the media that a command is about. */
interface Extent {
  readonly offset: number;
  readonly bytes: number;
}

/** @throws CommandError LBA Out of Range. */
function extentOf({ offset, blocks, blockBytes }: Namespace, start: bigint, count: number): Extent {
  if (start + BigInt(count) > BigInt(blocks)) throw new CommandError(Status.lbaOutOfRange, { byte: 40 });
  return { offset: offset + Number(start) * blockBytes, bytes: count * blockBytes };
}

/** The blocks of a command, 1 at least. */
function blocksOf(command: Command, namespace: Namespace): Extent & { readonly forceUnitAccess: boolean } {
  const { start, blocks, forceUnitAccess } = fieldsOf(blockCommand, command);
  return { ...extentOf(namespace, start, blocks + 1), forceUnitAccess: forceUnitAccess === 1 };
}

async function read(session: Session, command: Command, namespace: Namespace): Promise<void> {
  const { offset, bytes } = blocksOf(command, namespace);
  session.checkTransfer(bytes);
  const segments = await session.pointers.resolve(command, bytes, 'readData');
  await session.locks.run(offset, bytes, false, () => session.transfer.fromMedia(command, offset, segments));
  session.health.countRead(bytes);
}

async function write(session: Session, command: Command, namespace: Namespace): Promise<void> {
  const { offset, bytes, forceUnitAccess } = blocksOf(command, namespace);
  session.checkTransfer(bytes);
  const segments = await session.pointers.resolve(command, bytes, 'writeData');
  const pieces = await session.transfer.collect(command, segments);
  await session.locks.run(offset, bytes, true, async () =>
    onMedia(Status.writeFault, () => {
      for (const { at, data } of pieces) session.hardware.media.write(offset + at, data);
    }),
  );
  written(session, forceUnitAccess);
  session.health.countWrite(bytes);
}

async function compare(session: Session, command: Command, namespace: Namespace): Promise<void> {
  const { offset, bytes } = blocksOf(command, namespace);
  session.checkTransfer(bytes);
  const segments = await session.pointers.resolve(command, bytes, 'writeData');
  const expected = await session.transfer.fetch(command, segments, bytes);
  const stored = new Uint8Array(bytes);
  await session.locks.run(offset, bytes, false, async () =>
    onMedia(Status.unrecoveredReadError, () => session.hardware.media.read(offset, stored)),
  );
  session.health.countRead(bytes);
  if (Buffer.compare(expected, stored) !== 0) throw new CommandError(Status.compareFailure);
}

async function writeZeroes(session: Session, command: Command, namespace: Namespace): Promise<void> {
  const { forceUnitAccess, ...extent } = blocksOf(command, namespace);
  await zero(session, command, extent);
  written(session, forceUnitAccess);
}

/** Deallocated blocks read zeros from then on; other hints have no effect (6.7). */
async function manageDataset(session: Session, command: Command, namespace: Namespace): Promise<void> {
  const { ranges, deallocate } = fieldsOf(datasetManagement, command);
  const bytes = (ranges + 1) * rangeBytes;
  const data = await session.transfer.fetch(command, await session.pointers.resolve(command, bytes, 'writeData'), bytes);
  if (!deallocate) return;
  const extents = Array.from({ length: ranges + 1 }, (_, i) => {
    const { start, blocks } = decode(datasetRange, data.subarray(i * rangeBytes));
    return extentOf(namespace, start, blocks);
  });
  for (const extent of extents) await zero(session, command, extent);
  written(session, false);
}

/** Bytes that are zeroed in one go. */
const zeroBytes = 64 * 1024;

function zero(session: Session, command: Command, { offset, bytes }: Extent): Promise<void> {
  return session.locks.run(offset, bytes, true, async () => {
    for (let at = 0; at < bytes; at += zeroBytes) {
      checkAborted(command);
      onMedia(Status.writeFault, () =>
        session.hardware.media.write(offset + at, new Uint8Array(Math.min(zeroBytes, bytes - at))),
      );
    }
  });
}

/** What was written stays only in the volatile cache if the cache is on and the command does not ask for more (5.21.1.6, 6.15). */
function written(session: Session, forceUnitAccess: boolean): void {
  if (forceUnitAccess || session.features.value(Feature.volatileWriteCache) === 0) flush(session);
}

function flush(session: Session): void {
  onMedia(Status.writeFault, () => session.hardware.media.flush?.());
}

/** @throws CommandError with the status if the media fails. */
function onMedia(status: number, access: () => void): void {
  try {
    access();
  } catch (error) {
    throw error instanceof BackingError ? new CommandError(status) : error;
  }
}
