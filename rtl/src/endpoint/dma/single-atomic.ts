import { allOf, connect, input, Module, match, mux, output, reg, states, stream, u, uint, vec, when } from '@hdl/ts-hdl';
import { functionControls } from '../../config/function-controls.ts';
import { laneBits } from '../lane-rotator.ts';
import { AtomicOp, atomicRequest } from '../receive/interfaces.ts';
import { AtomicJob, AtomicKind, AtomicResult, legalAtomic } from './atomic-requester.ts';
import { ofFunction } from './function-select.ts';
import { DmaOutcome } from './job.ts';
import { LocalDecoder, type LocalRegion } from './local-decoder.ts';

const State = states('Idle', 'Decode', 'Remote', 'Inside', 'Await', 'Answer');

/**
 * Takes AtomicOps of the firmware: those whose operand lies in the endpoint's own memory are performed there, so that no TLP leaves, and the others go on to
 * an `AtomicRequester`, 2 cycles after they were taken. One at a time. One that is not allowed inside, as its function does not exist or is being reset, or by its size or alignment, or one that is none,
 * ends as `refused`. Reset forgets it.
 */
export class SingleAtomic extends Module<{
  readonly width: number;
  /** Bits of a BAR memory address, which counts words. */
  readonly address_width: number;
  readonly functions: number;
  /** BARs per function. */
  readonly bars: number;
  readonly regions: readonly LocalRegion[];
}> {
  private readonly address_bits = this.p.address_width + laneBits(this.p.width);
  readonly controls = input(vec(this.p.functions, functionControls(this.p.bars)));
  readonly jobs = input(stream(AtomicJob));
  readonly results = output(stream(AtomicResult));
  readonly remote = output(stream(AtomicJob));
  readonly remote_result = input(stream(AtomicResult));
  readonly request = output(stream(atomicRequest(this.address_bits)));
  readonly request_result = input(stream(uint(128)));
  private readonly decoder = new LocalDecoder(this.p);
  private readonly state = reg(State, { init: 'Idle' });
  private readonly job = reg(AtomicJob);
  private readonly offset = reg(uint(32));
  private readonly result = reg(AtomicResult);

  protected override logic() {
    const { job, state, decoder, result } = this;
    const { kind, size, operand, compare, function: owner } = job;
    const swaps = kind.eq(AtomicKind.compareSwap);
    connect(decoder, { controls: this.controls, address: job.address, length: u(32, 4).shl(size), owner });
    const exists = owner.zext(4).lt(this.p.functions);
    const resets = ofFunction(this.controls, owner, of => of.resetting);
    this.jobs.ready.set(state.is('Idle'));
    this.results.valid.set(state.is('Answer'));
    this.results.put(result);
    this.remote.valid.set(state.is('Remote'));
    this.remote.put(job);
    this.remote_result.ready.set(1);
    this.request.valid.set(state.is('Inside'));
    this.request.put({
      address: this.offset
        .part(2, 30)
        .zext(30 + this.address_bits)
        .trunc(this.address_bits),
      op: mux(swaps, u(2, AtomicOp.compareSwap), mux(kind.bit(0), u(2, AtomicOp.swap), AtomicOp.fetchAdd)),
      size,
      operand: mux(swaps, compare, operand),
      swap: operand,
    });
    this.request_result.ready.set(1);
    match(State, state, {
      Idle: () =>
        when(this.jobs.valid, () => {
          job.set(this.jobs.payload);
          state.set('Decode');
        }),
      Decode: () => {
        this.offset.set(decoder.offset);
        result.set({ id: job.id, function: owner, outcome: DmaOutcome.refused, value: 0 });
        state.set('Answer');
        when(allOf([exists, kind.ne(AtomicKind.readNothing), decoder.hit.not()]), () => state.set('Remote'));
        when(exists.and(decoder.hit).and(legalAtomic(job)).and(resets.not()), () => state.set('Inside'));
      },
      Remote: () => when(this.remote.ready, () => state.set('Await')),
      Inside: () => when(this.request.ready, () => state.set('Await')),
      Await: () => {
        when(this.remote_result.valid, () => {
          result.set(this.remote_result.payload);
          state.set('Answer');
        });
        when(this.request_result.valid, () => {
          result.set({ id: job.id, function: owner, outcome: DmaOutcome.success, value: this.request_result.payload });
          state.set('Answer');
        });
      },
      Answer: () => when(this.results.ready, () => state.set('Idle')),
    });
  }
}
