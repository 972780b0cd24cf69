import { bool, cat, connect, input, Module, mux, output, RegisterFile, reg, stream, u, uint, vec, when } from '@hdl/ts-hdl';
import { engineMap, firmwareRegisterBytes } from '../config/engine-map.ts';
import { functionControls } from '../config/function-controls.ts';
import { AtomicJob, AtomicResult } from './dma/atomic-requester.ts';
import { DescriptorRing } from './dma/descriptor-fetch.ts';
import { ofFunction } from './dma/function-select.ts';
import { DmaJob, DmaResult } from './dma/job.ts';
import { LocalJob } from './dma/local-copy.ts';
import { EngineEvents } from './function-registers.ts';

/**
 * The registers of the engines on the firmware port (`engineMap`): single jobs of the four engines, AtomicOps, and the descriptor channel.
 *
 * An access per cycle; `access_data` is there in the next one, and 0 without one. A job is offered 1 cycle after its control register was written; meanwhile, and until the result,
 * `busy` is 1, and a start is ignored. The registers of a job stay
 * as they are until it is no longer busy. `outcome` is that of the last job. An event comes in the cycle in which `busy` falls.
 *
 * A reset of the channel's function (C84) writes 0 to its `run`, which has no effect for a function that does not exist. Reset ends all jobs. Outputs come from registers.
 */
export class FirmwareEngines extends Module<{
  readonly functions: number;
  /** BARs per function. */
  readonly bars: number;
}> {
  readonly controls = input(vec(this.p.functions, functionControls(this.p.bars)));
  readonly access = input(bool);
  readonly access_write = input(bool);
  /** Number of the register. */
  readonly access_register = input(uint(Math.log2(firmwareRegisterBytes / 4)));
  readonly access_value = input(uint(32));
  readonly access_data = output(uint(32));
  readonly events = output(EngineEvents);

  readonly write_job = output(stream(DmaJob));
  /** With `write_job`, see `DmaEngine`. */
  readonly write_flush = output(bool);
  readonly write_result = input(stream(DmaResult));
  readonly read_job = output(stream(DmaJob));
  readonly read_result = input(stream(DmaResult));
  readonly fill_job = output(stream(LocalJob));
  readonly fill_result = input(stream(DmaResult));
  readonly drain_job = output(stream(LocalJob));
  readonly drain_result = input(stream(DmaResult));
  readonly atomic_job = output(stream(AtomicJob));
  readonly atomic_result = input(stream(AtomicResult));

  readonly owner = output(uint(3));
  readonly run = output(bool);
  readonly ring = output(DescriptorRing);
  readonly completion_base = output(uint(64));
  readonly vector = output(uint(11));
  readonly tail = output(uint(16));
  readonly head = input(uint(16));
  readonly failed = input(bool);
  readonly idle = input(bool);
  readonly media_drop = output(bool);

  private readonly registers = new RegisterFile({ map: engineMap });
  private readonly write_turn = new JobTurn();
  private readonly read_turn = new JobTurn();
  private readonly fill_turn = new JobTurn();
  private readonly drain_turn = new JobTurn();
  private readonly atomic_turn = new JobTurn();
  private readonly value = reg(uint(128));
  private readonly accessed = reg(bool, { init: 0 });
  private readonly was_stopped = reg(bool, { init: 1 });

  protected override logic() {
    const { registers, value } = this;
    const turns = [this.write_turn, this.read_turn, this.fill_turn, this.drain_turn, this.atomic_turn];
    const status = ({ busy, outcome }: JobTurn) => ({ busy, outcome });
    const values = registers.values;
    connect(registers, {
      access_valid: this.access,
      access_write: this.access_write,
      access_register: this.access_register,
      access_data: this.access_value,
      access_mask: 0b1111,
      soft_reset: 0,
      warm_reset: 0,
      status: {
        write_dma_status: status(this.write_turn),
        read_dma_status: status(this.read_turn),
        fill_status: status(this.fill_turn),
        drain_status: status(this.drain_turn),
        atomic_status: status(this.atomic_turn),
        atomic_result_0: { value: value.word(0, 32) },
        atomic_result_1: { value: value.word(1, 32) },
        atomic_result_2: { value: value.word(2, 32) },
        atomic_result_3: { value: value.word(3, 32) },
        channel_control: { run: ofFunction(this.controls, values.channel_owner.function, of => of.resetting) },
        channel_status: { head: this.head, failed: this.failed, idle: this.idle },
      },
    });
    this.accessed.set(this.access);
    this.access_data.set(mux(this.accessed, registers.read_data, u(32, 0)));
    this.jobs();
    this.atomics();
    this.channel();
    const stopped = this.failed.or(this.idle);
    this.was_stopped.set(stopped);
    const [write_dma, read_dma, fill, drain, atomic] = turns.map(turn => turn.ended);
    this.events.set({
      write_dma: write_dma ?? 0,
      read_dma: read_dma ?? 0,
      fill: fill ?? 0,
      drain: drain ?? 0,
      atomic: atomic ?? 0,
      channel: stopped.and(this.was_stopped.not()),
    });
  }

  private jobs(): void {
    const { values } = this.registers;
    const remote = (of: 'write_dma' | 'read_dma') => {
      const control = values[`${of}_control`];
      return {
        address: cat(values[`${of}_address_high`].value, values[`${of}_address_low`].value).as(64),
        offset: values[`${of}_memory_offset`].value,
        length: values[`${of}_length`].value,
        memory: control.memory,
        function: control.function,
        relaxed_ordering: control.relaxed_ordering,
        no_snoop: control.no_snoop,
        at: control.address_type,
        id: u(8, 0),
      };
    };
    const local = (of: 'fill' | 'drain') =>
      ({
        source: values[`${of}_memory_offset`].value,
        target: values[`${of}_memory_offset`].value,
        length: values[`${of}_length`].value,
        from_media: of === 'fill' ? 1 : 0,
        to_media: of === 'drain' ? 1 : 0,
        function: values[`${of}_control`].function,
        id: 0,
      }) as const;
    this.write_job.put(remote('write_dma'));
    this.write_flush.set(values.write_dma_control.flush);
    this.read_job.put(remote('read_dma'));
    this.fill_job.put(local('fill'));
    this.drain_job.put(local('drain'));
    const pairs = [
      [this.write_turn, values.write_dma_control.start, this.write_job, this.write_result],
      [this.read_turn, values.read_dma_control.start, this.read_job, this.read_result],
      [this.fill_turn, values.fill_control.start, this.fill_job, this.fill_result],
      [this.drain_turn, values.drain_control.start, this.drain_job, this.drain_result],
    ] as const;
    for (const [turn, start, job, result] of pairs) {
      connect(turn, { start, taken: job.ready, answered: result.valid, result: result.payload.outcome });
      job.valid.set(turn.offered);
      result.ready.set(1);
    }
  }
  private atomics(): void {
    const { values } = this.registers;
    const { atomic_control: control } = values;
    const { atomic_job: job, atomic_result: result, atomic_turn: turn } = this;
    job.valid.set(turn.offered);
    job.put({
      kind: control.kind,
      size: control.size,
      address: cat(values.atomic_address_high.value, values.atomic_address_low.value).as(64),
      operand: cat(
        values.atomic_operand_3.value,
        values.atomic_operand_2.value,
        values.atomic_operand_1.value,
        values.atomic_operand_0.value,
      ).as(128),
      compare: cat(
        values.atomic_compare_3.value,
        values.atomic_compare_2.value,
        values.atomic_compare_1.value,
        values.atomic_compare_0.value,
      ).as(128),
      function: control.function,
      relaxed_ordering: control.relaxed_ordering,
      no_snoop: control.no_snoop,
      at: control.address_type,
      id: 0,
    });
    result.ready.set(1);
    connect(turn, {
      start: control.start,
      taken: job.ready,
      answered: result.valid,
      result: result.payload.outcome,
    });
    when(result.valid, () => this.value.set(result.payload.value));
  }

  private channel(): void {
    const { values } = this.registers;
    this.owner.set(values.channel_owner.function);
    this.vector.set(values.channel_owner.vector);
    this.run.set(values.channel_control.run.and(values.channel_owner.function.zext(4).lt(this.p.functions)));
    this.ring.set({
      base: cat(values.channel_ring_high.value, values.channel_ring_low.value).as(64),
      local: values.channel_entries.local,
      entries: values.channel_entries.count,
    });
    this.completion_base.set(cat(values.channel_completion_high.value, values.channel_completion_low.value).as(64));
    this.tail.set(values.channel_tail.index);
    this.media_drop.set(values.media_control.drop);
  }
}

/** One job at a time: from its start until its result. */
class JobTurn extends Module {
  readonly start = input(bool);
  /** The job is taken if it is offered. */
  readonly taken = input(bool);
  readonly answered = input(bool);
  readonly result = input(uint(3));
  readonly offered = output(bool);
  readonly busy = output(bool);
  /** How the last job ended: one of `DmaOutcome`. */
  readonly outcome = output(uint(3));
  /** Pulse. */
  readonly ended = output(bool);
  private readonly waiting = reg(bool, { init: 0 });
  private readonly running = reg(bool, { init: 0 });
  private readonly last = reg(uint(3), { init: 0 });

  protected override logic() {
    const { waiting, running } = this;
    const starts = this.start.and(running.not());
    when(this.taken, () => waiting.set(0));
    when(this.answered, () => {
      running.set(0);
      this.last.set(this.result);
    });
    when(starts, () => {
      waiting.set(this.taken.not());
      running.set(1);
    });
    this.offered.set(waiting.or(starts));
    this.busy.set(running.or(this.start));
    this.outcome.set(this.last);
    this.ended.set(this.answered.and(running));
  }
}
