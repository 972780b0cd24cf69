import { links } from '../../faults/switch-harness.ts';
import { hostId, portId, secondary, subordinate, type TlpMaker } from '../../faults/switch-plan.ts';
import type { Random } from '../../soak/random.ts';
import { beatsOf } from '../../soak/reference/rules.ts';
import { withBody } from '../../soak/stimuli.ts';
import { bodyDwords, hasData, isCompletion, isMessage, nothing, type Tlp, tlp } from '../../soak/tlp.ts';

/** Makes TLPs of all types, from and to any link, good and bad, without regard to what becomes of them. */
export class Candidates {
  private readonly random: Random;
  private readonly make: TlpMaker;
  private readonly width: number;

  constructor(random: Random, make: TlpMaker, width: number) {
    this.random = random;
    this.make = make;
    this.width = width;
  }

  /** A TLP that enters by a link. */
  next(from: number): Tlp {
    const { random } = this;
    const t = this.altered(this.any(from), from);
    if ((isCompletion(t) || isMessage(t)) && hasData(t) && random.below(4) === 0) t.length = 33 + random.below(32);
    const filled = withBody({ ...t, td: random.below(4) === 0 ? 1 : 0, body: nothing }, random.next());
    if (hasData(filled) && random.below(4) === 0) filled.ep = 1;
    return random.below(4) === 0 ? this.wrongLength(filled) : filled;
  }

  private any(from: number): Tlp {
    const { random, make } = this;
    const to = random.below(links);
    const place = random.below(6) === 0 ? 'hole' : to;
    switch (random.below(9)) {
      case 0:
        return make.write(from, place, 64);
      case 1:
        return make.read(from, place);
      case 2:
        return { ...make.read(from, place), type: 1 };
      case 3: {
        // An operand of one or two DW; CAS has two operands.
        const type = 12 + random.below(3);
        const length = (type === 14 ? 2 : 1) << random.below(2);
        const t = make.atomic(from, place);
        return { ...t, type, length, low: (t.low & ~15) >>> 0, last_be: 15 };
      }
      case 4:
        return make.io(from, place);
      case 5:
        return this.config(from, to);
      case 6: {
        const t = make.completion(
          from,
          random.below(6) === 0 ? (random.below(2) === 0 ? 2 : subordinate(links - 1) + 1) : make.bus(to),
        );
        return { ...t, type: 10 + random.below(2) };
      }
      default:
        return this.message(from, to);
    }
  }

  private config(from: number, to: number): Tlp {
    const { random, make } = this;
    // For the switch itself.
    if (from === 0 && random.below(4) === 0)
      return tlp({ fmt: 2, type: to === 0 ? 4 : 5, low: ((portId(to) << 16) | 0x3c) >>> 0, first_be: 15, ...make.identity(0) });
    const port = Math.max(1, to);
    const bus = random.below(4) === 0 ? subordinate(links - 1) + 1 : secondary(port) + random.below(2);
    const device = random.below(4) === 0 ? random.below(32) : 0;
    const low = ((bus << 24) | (device << 19) | (random.below(8) << 16) | (4 * random.below(1024))) >>> 0;
    const id = from === 0 ? make.identity(0) : make.identity(make.bus(from));
    return tlp({ fmt: 2 * random.below(2), type: 5, low, first_be: 15, ...id });
  }

  private message(from: number, to: number): Tlp {
    const { random, make } = this;
    const bus = random.below(6) === 0 ? 2 : make.bus(to);
    const t = make.message(from, bus);
    const type = [18, 18, 18, 16, 19, 20, 21, 17][random.below(8)] ?? 18;
    if (type === 16 && random.below(2) === 0)
      return { ...t, fmt: 1, type, length: 0, tc: 0, attr: 0, last_be: 3, first_be: [0, 1, 3][random.below(3)] ?? 0 };
    return { ...t, type };
  }

  /** With traits that access control looks at, or of another type altogether. */
  private altered(t: Tlp, from: number): Tlp {
    const { random, make } = this;
    const memory = t.type < 2 || (t.type >= 12 && t.type <= 14);
    const at = memory && random.below(3) === 0 ? 1 + random.below(2) : 0;
    const foreign = !isCompletion(t) && from > 0 && random.below(3) === 0;
    const bus = [hostId >> 8, 1, secondary(1 + random.below(links - 1)), subordinate(links - 1) + 1][random.below(4)] ?? 0;
    // A link counts them as non-posted, for which it has little room.
    const wild = random.below(16) === 0 ? { type: [3, 6, 9, 15, 24][random.below(5)] ?? 3, length: 1 + random.below(8) } : {};
    return { ...t, at, ...(foreign && make.identity(bus)), ...wild };
  }

  /** With a beat more or less than it should have; not poisoned, of which a port may have told before it sees the end. */
  private wrongLength(t: Tlp): Tlp {
    const due = beatsOf(4 * bodyDwords(t), this.width);
    const beats = due > 1 && this.random.below(2) === 0 ? due - 1 : due + 1;
    const body = new Uint8Array((this.width / 8) * beats);
    body.set(t.body.subarray(0, body.length));
    return { ...t, body, ep: 0 };
  }
}
