import { input, Module, output, reg } from '../lang/module.ts';
import { bool, stream } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { HType } from '../lang/values.ts';
import type { Contract } from './contract.ts';

/**
 * Registers a stream in both directions: `valid`, payload and `ready` all come from registers. 1 cycle of latency, a word per cycle, two words of
 * storage. Reset empties it.
 */
export class RegisterSlice<T extends HType> extends Module<{ type: T }> {
  static readonly contract: Contract = {
    purpose: 'Cuts all paths at full rate',
    latency: 1,
    throughput: 1,
    storage: 2,
    paths: [],
    reset: 'empties it',
    keeps: ['word', 'held_word'],
  };
  readonly in = input(stream(this.p.type));
  readonly out = output(stream(this.p.type));
  private readonly word_valid = reg(bool, { init: 0 });
  private readonly word = reg(this.p.type);
  private readonly held_valid = reg(bool, { init: 0 });
  private readonly held_word = reg(this.p.type);

  protected override logic() {
    this.in.ready.set(this.held_valid.not());
    this.out.valid.set(this.word_valid);
    this.out.put(this.word);
    const advance = this.out.ready.or(this.word_valid.not());
    when(advance, () => {
      this.word_valid.set(this.in.valid.or(this.held_valid));
      when(this.held_valid, () => this.word.set(this.held_word)).otherwise(() => this.word.set(this.in.payload));
      this.held_valid.set(0);
    }).elsewhen(this.in.fire, () => {
      this.held_valid.set(1);
      this.held_word.set(this.in.payload);
    });
  }
}
