import {
  allOf,
  assert,
  type Bool,
  bool,
  connect,
  Fifo,
  input,
  mux,
  RegisterSlice,
  ShowAheadFifo,
  type Stream,
  type UInt,
  type UIntType,
  uint,
  when,
} from '@hdl/ts-hdl';
import type { Proof, ProofParams } from '../proof.ts';
import { QueueMonitor } from './monitors.ts';

/** What a queue carries here: it does not look at its words, so 2 bits stand for all. */
const bits = 2;
const type: UIntType<number> = uint(bits);
const depth = 4;

interface WatchedQueue {
  readonly in: Stream<UIntType<number>>;
  readonly out: Stream<UIntType<number>>;
  readonly watch: Bool;
}

function watchQueue(monitor: QueueMonitor, { in: entry, out, watch }: WatchedQueue): void {
  connect(monitor, { push: entry.fire, pushed: entry.payload, valid: out.valid, ready: out.ready, offered: out.payload, watch });
}

/** Every word comes out once, in order and unchanged; and where in the memory it waits. */
class FifoProof extends Fifo<UIntType<number>> {
  readonly watch = input(bool);
  private readonly order = new QueueMonitor({ width: bits, most: depth + 1 });
  private readonly witness: boolean;

  constructor({ witness }: ProofParams) {
    super({ type, depth, style: 'distributed' });
    this.witness = witness;
  }

  protected override logic() {
    super.logic();
    const { order } = this;
    const { write_pointer, read_pointer, full, word_valid, words } = internals(this);
    watchQueue(order, this);
    const used = write_pointer.sub(read_pointer);
    const fetch = used.any().and(word_valid.not().or(this.out.ready));
    const same = write_pointer.trunc(2).eq(read_pointer.trunc(2));
    assert(allOf([this.in.fire, fetch, same]).not(), 'a word is read at the edge at which it is written');
    assert(used.le(depth), 'more words are in the memory than it has');
    assert(full.eq(used.eq(depth)), 'full means that the memory is');
    assert(order.held.eq(used.zext(3).add(word_valid.zext(3))), 'the words inside are those of the memory and the output');
    when(order.watching, () => {
      assert(order.ahead.lt(order.held), 'the word is inside');
      const place = read_pointer.as(3).add(order.ahead.as(3)).sub(word_valid.zext(3)).trunc(2);
      const out = word_valid.and(order.ahead.any().not());
      assert(mux(out, this.out.payload, words.peek(place)).eq(order.word), 'the word is where it has to be');
    });
    if (this.witness) assert(order.watching.and(order.ahead.eq(2)).and(this.out.fire).not(), 'no word ever waits behind two');
  }
}

class ShowAheadFifoProof extends ShowAheadFifo<UIntType<number>> {
  readonly watch = input(bool);
  private readonly order = new QueueMonitor({ width: bits, most: 3 });
  private readonly witness: boolean;

  constructor({ witness }: ProofParams) {
    super({ type, depth: 3 });
    this.witness = witness;
  }

  protected override logic() {
    super.logic();
    const { order } = this;
    const { write_address, read_address, used, words } = showAheadInternals(this);
    watchQueue(order, this);
    const wrapped = (sum: UInt<3>) => mux(sum.ge(3), sum.sub(3), sum);
    assert(write_address.lt(3).and(read_address.lt(3)), 'addresses stay within the depth');
    assert(order.held.eq(used.zext(3)), 'the count is that of the words inside');
    assert(
      wrapped(read_address.zext(3).add(used.zext(3))).eq(write_address.zext(3)),
      'the count is the distance of the addresses',
    );
    when(order.watching, () => {
      assert(order.ahead.lt(order.held), 'the word is inside');
      const place = wrapped(read_address.zext(3).add(order.ahead.as(3))).trunc(2);
      assert(words.peek(place).eq(order.word), 'the word is where it has to be');
    });
    if (this.witness) assert(order.watching.and(order.ahead.eq(2)).and(this.out.fire).not(), 'no word ever waits behind two');
  }
}

class RegisterSliceProof extends RegisterSlice<UIntType<number>> {
  readonly watch = input(bool);
  private readonly order = new QueueMonitor({ width: bits, most: 2 });
  private readonly witness: boolean;

  constructor({ witness }: ProofParams) {
    super({ type });
    this.witness = witness;
  }

  protected override logic() {
    super.logic();
    const { order } = this;
    const { word_valid, word, held_valid, held_word } = sliceInternals(this);
    watchQueue(order, this);
    assert(held_valid.not().or(word_valid), 'the second register is used behind the first one only');
    assert(order.held.eq(word_valid.zext(2).add(held_valid.zext(2))), 'the words inside are those of the registers');
    when(order.watching, () => {
      assert(order.ahead.lt(order.held), 'the word is inside');
      assert(mux(order.ahead.any(), held_word, word).eq(order.word), 'the word is where it has to be');
    });
    if (this.witness) assert(order.watching.and(order.ahead.any()).and(this.out.fire).not(), 'no word ever waits behind one');
  }
}

/** Registers of the cells that an invariant speaks of: no user of a cell sees them. */
function internals(fifo: Fifo<UIntType<number>>) {
  return {
    write_pointer: fifo['write_pointer'],
    read_pointer: fifo['read_pointer'],
    full: fifo['full'],
    word_valid: fifo['word_valid'],
    words: fifo['words'],
  };
}
function showAheadInternals(fifo: ShowAheadFifo<UIntType<number>>) {
  return { write_address: fifo['write_address'], read_address: fifo['read_address'], used: fifo['used'], words: fifo['words'] };
}
function sliceInternals(slice: RegisterSlice<UIntType<number>>) {
  return {
    word_valid: slice['word_valid'],
    word: slice['word'],
    held_valid: slice['held_valid'],
    held_word: slice['held_word'],
  };
}

const claim = 'Every word comes out once, unchanged and in order; none beyond the capacity; what is offered stays';
export const queueProofs: readonly Proof[] = [
  { name: 'fifo', block: 'Fifo', claim: `${claim} (4 + 1 words of 2 bits)`, rules: [], build: p => new FifoProof(p), steps: 4 },
  {
    name: 'show-ahead-fifo',
    block: 'ShowAheadFifo',
    claim: `${claim} (3 words of 2 bits)`,
    rules: [],
    build: p => new ShowAheadFifoProof(p),
    steps: 4,
  },
  {
    name: 'register-slice',
    block: 'RegisterSlice',
    claim: `${claim} (2 words of 2 bits)`,
    rules: [],
    build: p => new RegisterSliceProof(p),
    steps: 4,
  },
];
