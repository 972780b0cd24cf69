/** A number of lanes that the word cannot be cut into. */
import { elaborate, Module, PacketUpsizer } from '../../../src/index.ts';

class Top extends Module {
  readonly upsizer = new PacketUpsizer({ width: 32, lanes: 5, ratio: 2 });
  protected override logic() {}
}

elaborate(() => new Top());
