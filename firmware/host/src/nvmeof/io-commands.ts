import { decode } from '../../../layout.ts';
import { blockCommand, commonCommand, NvmOpcode } from '../../../nvme/commands.ts';
import { Status } from '../../../nvme/status.ts';
import type { DataBuffer, Piece } from '../p2pdma/index.ts';
import { type CapsuleData, dataOf } from './capsule.ts';
import { TargetError } from './command-error.ts';
import type { OutgoingData, ReceivedCapsule, TargetConnection } from './connection.ts';
import type { TargetMachine } from './machine.ts';
import type { TargetNamespace } from './namespace.ts';

/** What an I/O command leaves to be done: data that goes to the host before the response, and memory that is free after it. */
export interface IoResult {
  readonly outgoing?: OutgoingData;
  readonly free?: () => void;
}

/**
 * Carries out an I/O command. Data of the network lies in memory of a peer if the namespace was given some, else in RAM; data in the capsule is where the
 * capsule is (B.10). Every way was found for both directions when the host connected (M4-15). @throws TargetError for what cannot be; what the drive and the network throw.
 */
export async function ioCommand(
  machine: TargetMachine,
  connection: TargetConnection,
  namespace: TargetNamespace,
  capsule: ReceivedCapsule,
): Promise<IoResult> {
  const { opcode } = decode(commonCommand, capsule.bytes);
  const { start, blocks: last, forceUnitAccess } = decode(blockCommand, capsule.bytes);
  const { device } = namespace;
  if (opcode === NvmOpcode.flush) {
    await device.flush();
    return {};
  }
  const range = { start: Number(start), count: last + 1 };
  if (opcode !== NvmOpcode.read && opcode !== NvmOpcode.write && opcode !== NvmOpcode.writeZeroes)
    throw new TargetError(Status.invalidOpcode, `there is no I/O command 0x${opcode.toString(16)}`);
  if (start + BigInt(range.count) > BigInt(device.blocks))
    throw new TargetError(
      Status.lbaOutOfRange,
      `${range.count} blocks at ${start} are not among the ${device.blocks} of namespace ${namespace.id}`,
    );
  if (opcode === NvmOpcode.writeZeroes) {
    await device.writeZeroes(range);
    return {};
  }
  const data = dataOf(capsule);
  const bytes = data.in === 'capsule' ? data.bytes.length : data.bytes;
  if (bytes !== range.count * device.blockBytes)
    throw new TargetError(
      Status.dataLengthInvalid,
      `${range.count} blocks of ${device.blockBytes} bytes are not the ${bytes} bytes of the descriptor`,
    );
  const transfer = { machine, connection, namespace, start: range.start, options: { forceUnitAccess: forceUnitAccess === 1 } };
  return opcode === NvmOpcode.write ? write(transfer, data) : read(transfer, data);
}

interface Transfer {
  readonly machine: TargetMachine;
  readonly connection: TargetConnection;
  readonly namespace: TargetNamespace;
  /** First block. */
  readonly start: number;
  readonly options: { readonly forceUnitAccess: boolean };
}

/** E1: the network card writes the data into the buffer, and the drive reads it from there. */
async function write(transfer: Transfer, data: CapsuleData): Promise<IoResult> {
  if (data.in === 'capsule') {
    await toDevice(transfer, data.piece);
    return {};
  }
  const { buffer, piece, check } = take(transfer, data.bytes);
  try {
    await transfer.connection.fetch(data, piece);
    check();
    await toDevice(transfer, piece);
    check();
  } finally {
    buffer.free();
  }
  return {};
}

/** E2: the drive writes the data into the buffer, and the network card reads it from there. */
async function read(transfer: Transfer, data: CapsuleData): Promise<IoResult> {
  if (data.in === 'capsule')
    throw new TargetError(Status.invalidField, 'a response carries no data: describe memory of the host');
  const { machine, namespace, start, options } = transfer;
  const { buffer, piece, check } = take(transfer, data.bytes);
  try {
    const mapped = machine.map(namespace.client, piece);
    try {
      await namespace.device.read(start, mapped.ranges, options);
    } finally {
      mapped.unmap();
    }
    check();
    return { outgoing: { from: piece, to: data }, free: () => buffer.free() };
  } catch (error) {
    buffer.free();
    throw error;
  }
}

/** A buffer for the data of a command. */
interface Taken {
  readonly buffer: DataBuffer;
  readonly piece: Piece;
  /** @throws TargetError if the memory may have lost data since: writes are posted, and who wrote does not hear of it. */
  readonly check: () => void;
}

function take({ namespace, connection }: Transfer, bytes: number): Taken {
  const buffer = namespace.memory.request(connection.network, BigInt(bytes));
  const { provider } = buffer;
  const losses = provider?.losses;
  const check = () => {
    if (provider?.losses !== losses)
      throw new TargetError(Status.dataTransferError, `memory of ${provider?.device.name} lost data while it was used`);
  };
  return { buffer, piece: { cpu: buffer.cpu, bytes: BigInt(bytes) }, check };
}

async function toDevice({ machine, namespace, start, options }: Transfer, piece: Piece): Promise<void> {
  const mapped = machine.map(namespace.client, piece);
  try {
    await namespace.device.write(start, mapped.ranges, options);
  } finally {
    mapped.unmap();
  }
}
