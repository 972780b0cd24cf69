import { bool, connect, input, Module, output, ShowAheadFifo, select, stream, uint, vec, wire } from '@hdl/ts-hdl';
import { tlpBeat } from '../../tlp/tlp.ts';
import { laneBits } from '../lane-rotator.ts';
import { CompletionBuilder, resultBits } from './completion-builder.ts';
import { beatPlan } from './completion-plan.ts';
import { CompletionSequencer, operandSize } from './completion-sequencer.ts';
import { Action, atomicRequest, memoryWindow, PlacedRequest } from './interfaces.ts';
import { RegisterAccess } from './register-access.ts';

/**
 * Answers non-posted requests, in their order (2.3.1).
 *
 *     request ─► CompletionSequencer ─┬─► FIFO of beat plans ───────► CompletionBuilder ─► tx
 *                                     ├─► link_read … link_data ────────►│
 *                                     └─► RegisterAccess ─► result ─────►┘
 *                                          └ configuration, registers, atomic
 *
 * Reads of the BAR memory, from any DW on, leave at a beat per cycle without idle cycle between completions and between requests, if the memory gives a
 * window per cycle: a request for one beat per cycle too. Latency from `request` to the first beat of `tx`: 3 cycles from the BAR memory (of 2 cycles), 3 for a
 * refused request, 3 for a configuration request, 4 from a register (5 for two DW), 6 for an AtomicOp (8 for 128 bits at a width of 64). The last three
 * wait for earlier completions to be made, so that each sees what the one before did. Ports of configuration and registers: `RegisterAccess`.
 *
 * `tx`, configuration and register ports come from registers; `link_read.valid` depends on `request.valid`, `request.ready` on `link_read.ready`, `link_data.ready` on
 * `tx.ready`. Reset drops all requests.
 */
export class Completer extends Module<{
  /** Bits of a beat and of a memory word: 64, 128, 256 or 512. */
  readonly width: number;
  /** Bits of a BAR memory address, which counts words. */
  readonly address_width: number;
  readonly functions: number;
}> {
  readonly request = input(stream(PlacedRequest));
  /** ID of each function: {bus, device, function}. */
  readonly id = input(vec(this.p.functions, uint(16)));
  /** Functions whose configuration space takes no access in this cycle. */
  readonly unready = input(uint(this.p.functions));
  readonly config_valid = output(bool);
  readonly config_function = output(uint(3));
  readonly config_write = output(bool);
  readonly config_register = output(uint(10));
  readonly config_data = output(uint(32));
  readonly config_mask = output(uint(4));
  readonly config_id = output(uint(16));
  readonly config_read_data = input(uint(32));
  readonly register_valid = output(bool);
  readonly register_function = output(uint(3));
  readonly register_address = output(uint(32));
  readonly register_data = input(uint(32));
  readonly link_read = output(stream(memoryWindow(this.p.width, this.p.address_width)));
  readonly link_data = input(stream(uint(this.p.width)));
  readonly atomic = output(stream(atomicRequest(this.p.address_width + laneBits(this.p.width))));
  readonly atomic_result = input(stream(uint(resultBits)));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  private readonly sequencer = new CompletionSequencer(this.p);
  /** Plans run ahead of the data by the memory's latency. */
  private readonly plans = new ShowAheadFifo({ type: beatPlan(this.p.width), depth: 4 });
  private readonly to_access = wire(stream(PlacedRequest));
  private readonly access = new RegisterAccess({ functions: this.p.functions });
  private readonly builder = new CompletionBuilder({ width: this.p.width });

  protected override logic() {
    const { sequencer, plans, access, builder } = this;
    const { slow } = sequencer;
    connect(sequencer, {
      request: this.request,
      id: this.id,
      idle: plans.out.valid.not(),
      slow_done: access.done,
      slow_retry: access.retry,
    });
    connect(plans, { in: sequencer.plan });
    // An AtomicOp goes to the memory in the same cycle; the memory may be at one of somebody else.
    const atomic = slow.payload.action.eq(Action.atomic);
    const may = atomic.not().or(this.atomic.ready);
    this.to_access.valid.set(slow.valid.and(may));
    this.to_access.put(slow.payload);
    slow.ready.set(this.to_access.ready.and(may));
    connect(access, {
      in: this.to_access,
      unready: this.unready,
      config_read_data: this.config_read_data,
      register_data: this.register_data,
      atomic_valid: this.atomic_result.valid,
      atomic_result: this.atomic_result.payload,
    });
    connect(builder, { plan: plans.out, window: this.link_data, result: access.result });
    this.link_read.from(sequencer.window);
    this.tx.from(builder.tx);

    const { header, offset, data } = slow.payload;
    const size = operandSize(header);
    this.atomic.valid.set(slow.valid.and(atomic).and(this.to_access.ready));
    this.atomic.put({
      address: offset.part(2, this.p.address_width + laneBits(this.p.width)),
      op: header.type.trunc(2),
      size,
      operand: data.part(0, 128),
      swap: select(size, [data.part(32, 128), data.part(64, 128), data.part(128, 128)]),
    });
    this.atomic_result.ready.set(1);

    this.config_valid.set(access.config_valid);
    this.config_function.set(access.config_function);
    this.config_write.set(access.config_write);
    this.config_register.set(access.config_register);
    this.config_data.set(access.config_data);
    this.config_mask.set(access.config_mask);
    this.config_id.set(access.config_id);
    this.register_valid.set(access.register_valid);
    this.register_function.set(access.register_function);
    this.register_address.set(access.register_address);
  }
}
