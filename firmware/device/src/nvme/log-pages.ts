import { encode } from '../../../layout.ts';
import { AdminOpcode, allNamespaces, getLogPage, NvmOpcode } from '../../../nvme/commands.ts';
import {
  CommandEffect,
  commandEffectsBytes,
  firmwareSlot,
  firmwareSlotBytes,
  ioEffectsOffset,
  LogPage,
} from '../../../nvme/features.ts';
import { Status } from '../../../nvme/status.ts';
import { type Command, fieldsOf } from './command.ts';
import { CommandError } from './command-error.ts';
import { firmwareRevision } from './profile.ts';
import type { Session } from './session.ts';

/** Get Log Page (NVMe 1.4 section 5.14). */
export async function logPage(session: Session, command: Command): Promise<number> {
  const { page, retainEvent, dwordsLow, dwordsHigh, offset } = fieldsOf(getLogPage, command);
  const log = contents(session, page);
  // Log pages of namespaces are not supported.
  if (command.namespace !== 0 && command.namespace !== allNamespaces) throw new CommandError(Status.invalidField, { byte: 4 });
  if (offset % 4n !== 0n || offset > BigInt(log.length)) throw new CommandError(Status.invalidField, { byte: 48 });
  const bytes = 4 * (dwordsLow + dwordsHigh * 0x1_0000 + 1);
  session.checkTransfer(bytes);
  const data = new Uint8Array(bytes);
  data.set(log.subarray(Number(offset), Number(offset) + bytes));
  await session.reply(command, data);
  if (!retainEvent) session.events.cleared(page);
  return 0;
}

function contents(session: Session, page: number): Uint8Array {
  if (page === LogPage.error) return session.health.errorLog();
  if (page === LogPage.health) return session.health.healthLog(session.beyondThreshold());
  if (page === LogPage.firmwareSlot) {
    const revision1 = new TextEncoder().encode(firmwareRevision.padEnd(8));
    return encode(firmwareSlot, firmwareSlotBytes, { active: 1, revision1 });
  }
  if (page === LogPage.commandEffects) return commandEffects();
  throw new CommandError(Status.invalidLogPage, { byte: 40 });
}

const changing: readonly number[] = [NvmOpcode.write, NvmOpcode.writeZeroes, NvmOpcode.datasetManagement];

function commandEffects(): Uint8Array {
  const view = new DataView(new ArrayBuffer(commandEffectsBytes));
  const supported = Object.values(AdminOpcode).filter(opcode => opcode !== AdminOpcode.doorbellBufferConfig);
  for (const opcode of supported) view.setUint32(4 * opcode, CommandEffect.supported, true);
  for (const opcode of Object.values(NvmOpcode)) {
    const effects = CommandEffect.supported | (changing.includes(opcode) ? CommandEffect.changesBlocks : 0);
    view.setUint32(ioEffectsOffset + 4 * opcode, effects, true);
  }
  return new Uint8Array(view.buffer);
}
