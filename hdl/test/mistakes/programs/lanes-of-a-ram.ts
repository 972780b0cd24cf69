/** Lanes that do not divide a word of a cell. */
import { elaborate, Module, SimpleDualPortRam, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly ram = new SimpleDualPortRam({ type: uint(32), depth: 16, lane: 12 });
  protected override logic() {}
}

elaborate(() => new Top());
