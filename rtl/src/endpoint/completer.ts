import { allOf, bool, connect, input, Module, output, stream, uint, wire } from '@hdl/ts-hdl';
import { FunctionState } from '../config/function-state.ts';
import { tlpBeat } from '../tlp/tlp.ts';
import { CompletionBuilder } from './completion-builder.ts';
import { CompletionPlanner, completionPlan } from './completion-planner.ts';
import { Claim, Request } from './interfaces.ts';
import { Queue } from './queue.ts';
import { RegisterReader } from './register-reader.ts';
import { WordReader } from './word-reader.ts';

/**
 * Answers non-posted requests, in their order (2.3.1).
 *
 *     request ─┬─► CompletionPlanner ─► Queue ─────► CompletionBuilder ─► tx
 *              ├─► WordReader ─► memory_request        ▲ memory_data
 *              └─► RegisterReader ─► config, register ─┘
 *
 * Reads of BAR2 are asked for while earlier ones are sent, so aligned reads leave without idle beats if the memory gives a word
 * per cycle. Reads of BAR0 are done DW by DW, configuration requests when all completions before are made. Splitting at MPS and
 * RCB, Byte Count, Lower Address: `CompletionPlanner` (C54, C55, C57). The completer ID is `state.id` after the request was
 * performed (C24).
 *
 * Latency from `request` to the first beat of `tx`: 4 cycles from BAR2 (memory of 2 cycles; 5 if the first beat needs two words),
 * 4 for configuration requests, 5 from BAR0, 3 for Unsupported Request (C51). Timing of the configuration and register buses:
 * `RegisterReader`. All outputs come from registers; `request.ready` depends on the request's claim and on
 * `memory_request.ready`, the ready of `memory_data` on `tx.ready`. Reset drops all requests.
 */
export class Completer extends Module<{
  /** Bits of a beat and of a memory word: 64, 128, 256 or 512. */
  readonly width: number;
  /** Bits of a BAR memory address, which counts words. */
  readonly address_width: number;
}> {
  readonly request = input(stream(Request));
  readonly state = input(FunctionState);
  readonly config_valid = output(bool);
  readonly config_write = output(bool);
  readonly config_register = output(uint(10));
  readonly config_data = output(uint(32));
  readonly config_mask = output(uint(4));
  /** Pulse: the bus and device number in `config_id` are now this function's (C24). */
  readonly config_capture = output(bool);
  /** {bus, device, function} that the configuration request was sent to. */
  readonly config_id = output(uint(16));
  readonly config_read_data = input(uint(32));
  readonly register_valid = output(bool);
  readonly register_address = output(uint(14));
  readonly register_data = input(uint(32));
  readonly memory_request = output(stream(uint(this.p.address_width)));
  readonly memory_data = input(stream(uint(this.p.width)));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  private readonly to_planner = wire(stream(Request));
  private readonly to_words = wire(stream(Request));
  private readonly to_registers = wire(stream(Request));
  private readonly planner = new CompletionPlanner({ width: this.p.width });
  /** Plans run ahead of the data by the memory's latency. */
  private readonly plans = new Queue({ type: completionPlan(this.p.width), depth: 4 });
  private readonly words = new WordReader(this.p);
  private readonly registers = new RegisterReader({ width: this.p.width });
  private readonly builder = new CompletionBuilder({ width: this.p.width });

  protected override logic() {
    const { planner, words, registers, builder } = this;
    this.distribute();
    connect(planner, { in: this.to_planner, mps: this.state.mps });
    connect(words, { in: this.to_words });
    this.memory_request.from(words.out);
    connect(registers, {
      in: this.to_registers,
      config_read_data: this.config_read_data,
      register_data: this.register_data,
    });
    connect(this.plans, { in: planner.out });
    connect(builder, {
      plan: this.plans.out,
      memory_data: this.memory_data,
      register_word: registers.out,
      id: this.state.id,
    });
    this.tx.from(builder.tx);
    this.config_valid.set(registers.config_valid);
    this.config_write.set(registers.config_write);
    this.config_register.set(registers.config_register);
    this.config_data.set(registers.config_data);
    this.config_mask.set(registers.config_mask);
    this.config_capture.set(registers.config_capture);
    this.config_id.set(registers.config_id);
    this.register_valid.set(registers.register_valid);
    this.register_address.set(registers.register_address);
  }

  /** Gives a request to the planner and to whoever fetches its data, to all in the same cycle. */
  private distribute(): void {
    const { request, to_planner, to_words, to_registers } = this;
    const { claim } = request.payload;
    const of_memory = claim.eq(Claim.bar2);
    const of_config = claim.eq(Claim.config);
    const of_registers = claim.eq(Claim.bar0).or(of_config);
    const words_free = of_memory.not().or(to_words.ready);
    // A configuration write may change the completer ID, so everything before it is sent with the old one.
    const under_way = this.planner.out.valid.or(this.plans.out.valid);
    const registers_free = of_registers.not().or(to_registers.ready.and(of_config.and(under_way).not()));
    const planner_free = to_planner.ready;
    request.ready.set(allOf([planner_free, words_free, registers_free]));
    to_planner.valid.set(allOf([request.valid, words_free, registers_free]));
    to_words.valid.set(allOf([request.valid, of_memory, planner_free]));
    to_registers.valid.set(allOf([request.valid, of_registers, registers_free, planner_free]));
    for (const branch of [to_planner, to_words, to_registers]) branch.put(request.payload);
  }
}
