import { allOf, anyOf, assert, assume, clog2, mux, reg, type UInt, u, uint, when } from '@hdl/ts-hdl';
import { ReadRequester } from '../../../../rtl/src/endpoint/dma/read-requester.ts';
import type { Proof, ProofParams } from '../proof.ts';

const tags = 4;
const width = 64;
const max_read_request = 128;
const depth = 64;
/** Words of the largest request, which may begin in the middle of one. */
const largest = max_read_request / (width / 8) + 1;

/**
 * The read requester with any segments, releases in any order and any quarantine: what holds a tag is counted here, from the requests that leave and the tags that
 * come back.
 */
class TagProof extends ReadRequester {
  private readonly witness: boolean;
  /** Bit `i`: a request with tag `i` is under way. */
  private readonly held = reg(uint(tags), { init: 0 });
  /** Bit `i`: the turn of the request that had tag `i` last. */
  private readonly turns = reg(uint(tags), { init: 0 });
  /** Bit `i`: tag `i` must not be used. */
  private readonly shut = reg(uint(tags), { init: 0 });
  /** Words of the reorder buffer that requests were promised. */
  private readonly promised = reg(uint(clog2(depth) + 2), { init: 0 });

  constructor({ witness }: ProofParams) {
    super({ width, functions: 1, bars: 1, tags, reserved: 0, depth, max_read_request });
    this.witness = witness;
  }

  protected override logic() {
    super.logic();
    const { issued, released, quarantine, freed, held, turns, shut, promised, segments } = this;
    const sweep = this['sweep'].as(3);
    const swept = sweep.bit(clog2(tags));
    const { bytes, none, job } = segments.payload;
    const bitOf = (tag: UInt<number>): UInt<4> => u(4, 1).shl(tag.trunc(2)).trunc(4);
    const has = (set: UInt<4>, tag: UInt<number>) => set.and(bitOf(tag)).any();
    assume(released.tag.lt(tags).and(quarantine.tag.lt(tags)), 'a tag is one of those that there are');
    assume(
      released.strobe.not().or(allOf([swept, has(held, released.tag), has(turns, released.tag).eq(released.turn)])),
      'a tag comes back that is away, with its turn',
    );
    assume(
      quarantine.strobe.not().or(swept.and(quarantine.on.not().or(has(held, quarantine.tag)))),
      'what is shut is the tag of a request, while it has it',
    );
    assume(freed.not().or(promised.any()), 'a word is read that was promised');
    assume(none.eq(bytes.any().not()).and(bytes.le(max_read_request)), 'a segment has as many bytes as it may, or none');
    assume(job.address.trunc(7).zext(13).add(bytes).le(max_read_request), 'it crosses no multiple of that (C6)');

    const issue = mux(issued.strobe, bitOf(issued.tag), u(4, 0));
    const release = mux(released.strobe, bitOf(released.tag), u(4, 0));
    held.set(held.and(release.not()).or(issue));
    when(issued.strobe, () => {
      assert(issued.tag.lt(tags), 'the tag is one that there is');
      assert(has(held, issued.tag).not(), 'a tag is given out while a request has it (C71a)');
      assert(has(shut, issued.tag).not(), 'a tag is given out that must not be used');
      assert(promised.le(depth - largest), 'a request leaves without room for its completions (C70f)');
      turns.set(mux(issued.turn, turns.or(bitOf(issued.tag)), turns.and(bitOf(issued.tag).not())));
    });
    when(quarantine.strobe, () => {
      const bit = bitOf(quarantine.tag);
      shut.set(mux(quarantine.on, shut.or(bit), shut.and(bit.not())));
    });
    const words = job.address.trunc(3).zext(13).add(bytes).add(7).part(3, 8);
    promised.set(promised.add(mux(issued.strobe, words, u(8, 0))).sub(freed.zext(8)));
    assert(promised.le(depth), 'more is promised than there is room');

    for (let i = 0; i < tags; i++) {
      const tag = u(clog2(tags), i);
      const [given, returned, quarantined] = [this['given'].peek(tag), this['returned'].peek(tag), this['quarantined'].peek(tag)];
      when(swept, () => {
        assert(given.eq(returned).eq(held.bit(i).not()), 'a tag is away where it was given and did not return');
        assert(
          held
            .bit(i)
            .not()
            .or(given.eq(turns.bit(i))),
          'the turn of a request is kept',
        );
        assert(quarantined.eq(shut.bit(i)), 'what must not be used is known');
      }).otherwise(() => {
        assert(
          sweep
            .gt(i)
            .and(anyOf([given, returned, quarantined]))
            .not(),
          'a tag that was swept is free',
        );
      });
    }
    const found = this['found'];
    const [tag, turn] = [this['tag'], this['turn']];
    when(found, () => {
      assert(swept.and(has(held, tag).not()).and(has(shut, tag).not()), 'the tag that stands ready is free');
      assert(this['given'].peek(tag).ne(turn), 'its turn differs from that of the request before');
    });
    assert(swept.or(anyOf([held, shut, promised].map(set => set.any())).not()), 'nothing happens before all tags are free');
    assert(sweep.le(tags), 'the sweep ends');
    assert(promised.eq(this['used'].zext(8).as(8)), 'the words that are promised are counted');
    if (this.witness) assert(issued.strobe.and(held.eq(0b1110)).not(), 'the last free tag is never given out');
  }
}

export const tagProofs: readonly Proof[] = [
  {
    name: 'tags',
    block: 'ReadRequester',
    claim:
      'No tag is given out that a request has or that is shut, and no request leaves without room for its completions, whatever comes back when (4 tags, 64 words, 64 bits)',
    rules: ['C70f', 'C71a'],
    build: p => new TagProof(p),
    steps: 4,
  },
];
