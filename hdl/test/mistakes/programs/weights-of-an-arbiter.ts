/** Fewer weights than inputs. */
import { elaborate, Module, RoundRobinArbiter, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly arbiter = new RoundRobinArbiter({ type: uint(8), n: 3, weights: [2, 1] });
  protected override logic() {}
}

elaborate(() => new Top());
