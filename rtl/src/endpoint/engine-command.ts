import { Bundle, bool, uint } from '@hdl/ts-hdl';

/**
 * What the register block says to the engines and hears from them. `start` is a pulse; the other fields keep their value while
 * the engine is busy. A start while the engine is busy is ignored. `done` is a pulse in the cycle after the run's last word was
 * accepted; `busy` falls in the same cycle, so the next start may come then.
 */

/** Starts a DMA engine. */
export class DmaCommand extends Bundle({
  start: bool,
  /** PCIe byte address. */
  address: uint(64),
  /** Byte offset in the BAR memory, where `memory` is 1. */
  offset: uint(32),
  /** Bytes. */
  length: uint(32),
  /** The local side: the BAR memory (1) or the media stream (0). */
  memory: bool,
}) {}

/** How a DMA engine does. */
export class DmaStatus extends Bundle({
  busy: bool,
  done: bool,
  /** The worst of the run, see `DmaResult`; keeps its value until the next start. */
  result: uint(3),
}) {}

/** Values of `DmaStatus.result`; the first three are completion status codes, and the greater is the worse. */
export const DmaResult = { success: 0, unsupported: 1, abort: 4, refused: 7 } as const;

/** Starts a local mover. */
export class MoveCommand extends Bundle({
  start: bool,
  /** Byte offset in the BAR memory. */
  offset: uint(32),
  /** Bytes. */
  length: uint(32),
}) {}

/** How a local mover does. */
export class MoveStatus extends Bundle({ busy: bool, done: bool }) {}

/** A posted write of one DW. Bits 1:0 of the address count as 0. */
export class PostedDword extends Bundle({ address: uint(64), data: uint(32) }) {}
