import {
  allOf,
  anyOf,
  assert,
  type Bool,
  bool,
  clog2,
  equal,
  input,
  Module,
  mux,
  reg,
  type UInt,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import {
  type Header,
  hasData,
  isAtomic,
  isCompletion,
  isConfig,
  isMessage,
  lengthDw,
  MessageRoute,
  TlpHeader,
  TlpType,
  tlpBeat,
} from './tlp.ts';

/** MRd, MWr, MRdLk and AtomicOps: all that has a memory address. */
const hasAddress = (h: Header): Bool => h.type.bits(4, 1).eq(TlpType.memory).or(isAtomic(h));

/** `condition` implies `then`. */
const implies = (condition: Bool, then: Bool): Bool => condition.not().or(then);

const oneOf = (value: UInt<number>, values: readonly number[]): Bool => anyOf(values.map(v => value.eq(v)));

/**
 * States as properties what a sender of TLPs has to keep (2.2; rules C1 to C11, C14, C15): beside a stream of beats, in every design that sends some. It has no
 * outputs, so synthesis drops it; simulation stops where a rule is broken, and names it.
 */
export class TlpMonitor extends Module<{ width: number }> {
  /** A beat moves: the stream's `fire`. */
  readonly moves = input(bool);
  readonly beat = input(tlpBeat(this.p.width));
  /** Limits as in device control: payload 128 << mps bytes, read request 128 << mrrs bytes. */
  readonly mps = input(uint(3));
  readonly mrrs = input(uint(3));
  /** Beats of the TLP under way that have moved. */
  private readonly beats = reg(uint(11), { init: 0 });
  private readonly header = reg(TlpHeader);

  protected override logic() {
    const { first, last, header } = this.beat;
    const begins = this.beats.any().not();
    when(this.moves, () => {
      this.header.set(header);
      this.beats.set(mux(last, u(11, 0), this.beats.add(1)));
      assert(first.eq(begins), 'TLP: `first` marks the first beat, and no other');
      assert(
        last.eq(this.beats.add(1).eq(this.expectedBeats(header))),
        'TLP: it has the beats of its length and digest (C3, C10)',
      );
      assert(begins.or(equal(header, this.header)), 'TLP: its header is the same in all beats');
      when(first, () => this.checkHeader(header));
    });
  }

  private expectedBeats(h: Header): UInt<11> {
    const lanes = this.p.width / 32;
    const bits = clog2(lanes);
    const dws = mux(hasData(h), lengthDw(h), u(11, 0)).add(h.td.zext(11));
    const beats = dws.add(lanes - 1).shr(bits);
    return mux(beats.any(), beats, u(11, 1));
  }

  private checkHeader(h: Header): void {
    const { fmt, type } = h;
    const data = hasData(h);
    const long = fmt.bit(0);
    const memory = hasAddress(h);
    const io = type.eq(TlpType.io);
    const short_request = io.or(isConfig(h));
    const message = isMessage(h).and(type.part(0, 3).le(MessageRoute.gather));
    assert(fmt.bit(2).not(), 'TLP: Fmt is that of a header of 3 or 4 DW, without prefixes (C1, C14)');
    assert(anyOf([memory, short_request, isCompletion(h), message]), 'TLP: its type is defined (C2, C15)');
    assert(implies(type.eq(TlpType.memoryLocked), data.not()), 'TLP: a locked read has no data (C2)');
    assert(implies(isAtomic(h), data), 'TLP: an AtomicOp has data (C2)');
    assert(implies(isMessage(h), long), 'TLP: a message has 4 DW (C2)');
    assert(
      implies(short_request.or(isCompletion(h)), long.not()),
      'TLP: I/O, configuration requests and completions have 3 DW (C2)',
    );

    const page_end = h.address.part(2, 10).zext(11).add(lengthDw(h));
    assert(implies(memory, page_end.le(1024)), 'TLP: a request stays within 4 KiB (C5)');
    assert(
      implies(memory, long.eq(h.address.part(32, 32).any())),
      'TLP: the header has 4 DW where the address needs it, only there (C7)',
    );
    assert(implies(h.at.any(), memory), 'TLP: an address type other than 0 is for memory requests (C11)');
    this.checkLimits(h, memory);
    this.checkEnables(h);

    const plain = allOf([h.length.eq(1), h.tc.any().not(), h.attr.any().not(), h.last_be.any().not()]);
    assert(
      implies(short_request, plain),
      'TLP: I/O and configuration requests have 1 DW, TC 0, no attributes, no last byte enables (C9)',
    );
    assert(implies(io, h.address.part(32, 32).any().not()), 'TLP: an I/O address has 32 bits (C9)');
  }

  private checkLimits(h: Header, memory: Bool): void {
    const limit = (code: UInt<3>) => u(14, 32).shl(code);
    const dws = lengthDw(h).zext(14);
    const reads = memory.and(isAtomic(h).not()).and(hasData(h).not());
    assert(implies(hasData(h), dws.le(limit(this.mps))), 'TLP: the payload is at most MPS (C4)');
    assert(implies(reads, dws.le(limit(this.mrrs))), 'TLP: a read asks for at most MRRS (C6)');
  }

  private checkEnables(h: Header): void {
    const applies = h.type.bits(4, 1).eq(TlpType.memory);
    const one = h.length.eq(1);
    const pair = h.length.eq(2).and(h.address.bit(2).not());
    const both = h.first_be.any().and(h.last_be.any());
    const contiguous = oneOf(h.first_be, [0xf, 0xe, 0xc, 8]).and(oneOf(h.last_be, [1, 3, 7, 0xf]));
    assert(implies(applies.and(one), h.last_be.any().not()), 'TLP: a request of 1 DW has no last byte enables (C8)');
    assert(implies(applies.and(one.not()), both), 'TLP: first and last byte enables of several DW are not 0 (C8)');
    assert(
      implies(allOf([applies, one.not(), pair.not()]), contiguous),
      'TLP: byte enables have gaps only in 1 DW, or in an aligned QW (C8)',
    );
  }
}
