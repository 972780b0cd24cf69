import { input, Module, output, reg } from '../lang/module.ts';
import { mux } from '../lang/ops.ts';
import { bool, stream } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { HType } from '../lang/values.ts';
import type { Contract } from './contract.ts';

/**
 * Registers a stream forward: `valid` and payload come from registers, `ready` goes through. 1 cycle of latency, a word per cycle, one word of
 * storage. Reset empties it.
 */
export class ForwardRegister<T extends HType> extends Module<{ type: T }> {
  static readonly contract: Contract = {
    purpose: 'Cuts the path of valid and payload',
    latency: 1,
    throughput: 1,
    storage: 1,
    paths: ['in.ready: out.ready'],
    reset: 'empties it',
    keeps: ['word'],
  };
  readonly in = input(stream(this.p.type));
  readonly out = output(stream(this.p.type));
  private readonly word_valid = reg(bool, { init: 0 });
  private readonly word = reg(this.p.type);

  protected override logic() {
    this.in.ready.set(this.word_valid.not().or(this.out.ready));
    this.out.valid.set(this.word_valid);
    this.out.put(this.word);
    when(this.in.ready, () => {
      this.word_valid.set(this.in.valid);
      this.word.set(this.in.payload);
    });
  }
}

/**
 * Registers a stream backward: `ready` comes from a register, `valid` and payload go through; a word that comes while the consumer stops is held.
 * No latency, a word per cycle, one word of storage. Reset empties it.
 */
export class SkidBuffer<T extends HType> extends Module<{ type: T }> {
  static readonly contract: Contract = {
    purpose: 'Cuts the path of ready',
    latency: 0,
    throughput: 1,
    storage: 1,
    paths: ['out.payload: in.payload', 'out.valid: in.valid'],
    reset: 'empties it',
    keeps: ['held_word'],
  };
  readonly in = input(stream(this.p.type));
  readonly out = output(stream(this.p.type));
  private readonly held = reg(bool, { init: 0 });
  private readonly held_word = reg(this.p.type);

  protected override logic() {
    this.in.ready.set(this.held.not());
    this.out.valid.set(this.in.valid.or(this.held));
    this.out.put(mux(this.held, this.held_word, this.in.payload));
    when(this.out.ready, () => this.held.set(0)).elsewhen(this.in.fire, () => {
      this.held.set(1);
      this.held_word.set(this.in.payload);
    });
  }
}

/**
 * Registers a stream in both directions with one word of storage: a word every other cycle, 1 cycle of latency. For slow paths, at half the cost of
 * a `RegisterSlice`. Reset empties it.
 */
export class HalfRegister<T extends HType> extends Module<{ type: T }> {
  static readonly contract: Contract = {
    purpose: 'Cuts all paths, at half the rate and half the cost of a RegisterSlice',
    latency: 1,
    throughput: '1 / 2',
    storage: 1,
    paths: [],
    reset: 'empties it',
    keeps: ['word'],
  };
  readonly in = input(stream(this.p.type));
  readonly out = output(stream(this.p.type));
  private readonly word_valid = reg(bool, { init: 0 });
  private readonly word = reg(this.p.type);

  protected override logic() {
    this.in.ready.set(this.word_valid.not());
    this.out.valid.set(this.word_valid);
    this.out.put(this.word);
    when(this.in.fire, () => {
      this.word_valid.set(1);
      this.word.set(this.in.payload);
    }).elsewhen(this.out.ready, () => this.word_valid.set(0));
  }
}
