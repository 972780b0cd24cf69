import {
  bitsOf,
  busyFrom,
  type GatingPlaces,
  type GatingPlan,
  LONGEST_PLAIN,
  limbBytes,
  Policy,
  SHORTEST_PLAIN,
  WINDOW,
  type WritePort,
} from '@hdl/ts-hdl/engine';
import { literal, load, store } from './c-program.ts';

/** What the runtime of a model is written for. */
export interface RuntimeParts {
  readonly plan: GatingPlan;
  readonly places: GatingPlaces;
  /** The registers' values before the edge begin here, their next values `shadow` bytes further. */
  readonly current: number;
  readonly shadow: number;
  /** Address of the reset port; -1 if there is none. */
  readonly reset: number;
  /** Calls that do what a cycle, a reset, settling, and the output `attention` need. */
  readonly programs: { readonly cycle: string; readonly reset: string; readonly settle: string; readonly attention: string };
  /** Address of the output `attention`. */
  readonly attention: number | undefined;
  readonly writes: readonly { readonly port: WritePort; readonly text: string; readonly changed: string }[];
  /** Statements that add chunks to a set. */
  readonly mark: (place: number, chunks: readonly number[]) => string;
}

/**
 * What stands around the computed pieces: the plain cycle, the gated cycle, and the choice between them, as the embedded engine has them.
 * `native_step` and `native_run` take the machine's memory and the most cycles, and return the cycles.
 */
export function runtime(parts: RuntimeParts): string {
  return [plainCode(parts), gatedTables(parts), gatedCode(parts), choice(parts)].join('\n');
}

function plainCode({ current, shadow, reset, programs, attention, writes }: RuntimeParts): string {
  const pending = writes.map(({ port }, i) => `if (${load(1, port.flag)}) { ${store(1, port.flag, '0')} write_${i}(m); }`);
  return `${writes.map(({ text }) => text).join('\n')}
static void settle(u8* m) {
${programs.settle}
}
static void edge(u8* m) {
${programs.cycle}
${reset < 0 ? '' : `if (${load(4, reset)}) {\n${programs.reset}\n}`}
memcpy(m + ${current}, m + ${current + shadow}, ${shadow});
${pending.join('\n')}
}
static u64 plain(u8* m, u64 most, int stops) {
  u64 cycles = 0;
  for (; cycles < most; cycles++) {
${attention === undefined ? '' : `if (stops) {\n${programs.attention}\nif (${load(4, attention)}) break;\n}`}
    edge(m);
  }
  return cycles;
}`;
}

function gatedTables({ plan, shadow, writes }: RuntimeParts): string {
  const entries = Array.from({ length: Math.max(1, 64 * plan.words) }, () => ({ chunk: '0', commit: '0' }));
  const commits: string[] = [];
  for (const { number, words } of plan.chunks) {
    entries[number] = { chunk: `chunk_${number}`, commit: words.length > 0 ? `commit_${number}` : '0' };
    if (words.length > 0)
      commits.push(`static void commit_${number}(u8* m) {\n${words.map(a => store(8, a, load(8, a + shadow))).join('\n')}\n}`);
  }
  const gatedWrites = writes.map(({ changed }, i) => `static void gated_write_${i}(u8* m) { if (write_${i}(m)) { ${changed} } }`);
  const table = (name: string, list: readonly string[]) =>
    `static void (*const ${name}[])(u8*) = {${(list.length > 0 ? list : ['0']).join(', ')}};`;
  return [
    ...commits,
    ...gatedWrites,
    table(
      'chunks',
      entries.map(entry => entry.chunk),
    ),
    table(
      'commits',
      entries.map(entry => entry.commit),
    ),
    table(
      'writes',
      writes.map((_, i) => `gated_write_${i}`),
    ),
  ].join('\n');
}

function gatedCode(parts: RuntimeParts): string {
  const { plan, places, shadow, writes, current } = parts;
  const { now, next, commit, inputs, valid, outside } = places;
  const all = bitsOf(plan.chunks.map(chunk => chunk.number));
  const words = Array.from({ length: plan.words }, (_, word) => word);
  const counters = plan.counters.map(({ address, width, step }) => {
    const bytes = limbBytes(width);
    const ones = literal((1n << BigInt(width)) - 1n);
    const value = `(${load(bytes, address)} + cycles * ${literal(step)}) & ${ones}`;
    return `{ const u64 v = ${value}; ${store(bytes, address, 'v')} ${store(bytes, address + shadow, 'v')} }`;
  });
  const rest = words.slice(plan.leadingWords).map(word => load(8, now + 8 * word));
  return `static void count(u8* m, u64 cycles) {
${counters.join('\n')}
}
static u32 sweep(u8* m, u64 place, u32 from, u32 to, void (*const* table)(u8*)) {
  u32 calls = 0;
  for (u32 word = from; word < to; word++) {
    u64* set = (u64*)(m + place) + word;
    while (*set) {
      const u64 bits = *set;
      *set = bits & (bits - 1);
      table[64 * word + (u32)__builtin_ctzll(bits)](m);
      calls++;
    }
  }
  return calls;
}
static int quiet(const u8* m) {
  return !(${rest.length > 0 ? rest.join(' | ') : '0'});
}
static u32 gated_edge(u8* m) {
  const u32 computed = sweep(m, ${now}, ${plan.leadingWords}, ${plan.words}, chunks);
  sweep(m, ${commit}, ${plan.leadingWords}, ${plan.words}, commits);
  count(m, 1);
  /* Flags stay: a port whose chunk is not computed goes on writing. */
  for (u32 word = 0; word < ${Math.ceil(writes.length / 8)}; word++)
    for (u64 bits = ((const u64*)(m + ${plan.flags}))[word]; bits; bits &= bits - 1)
      writes[8 * word + ((u32)__builtin_ctzll(bits) >> 3)](m);
${words.map(word => `${store(8, now + 8 * word, load(8, next + 8 * word))} ${store(8, next + 8 * word, '0')}`).join('\n')}
  return computed;
}
/* Has everything computed in the next cycle, as after a change that nobody noted. */
static void mark_all(u8* m) {
${words
  .map(word => {
    const everything = store(8, now + 8 * word, literal(all.get(word) ?? 0n));
    return `${everything} ${store(8, next + 8 * word, '0')} ${store(8, commit + 8 * word, '0')}`;
  })
  .join('\n')}
  memcpy(m + ${current + shadow}, m + ${current}, ${shadow});
${[...inputs].map(([address, copy]) => store(8, copy, load(8, address))).join('\n')}
${store(4, valid, '1')}
}
/* What a call begins with: everything that came from outside. */
static void enter(u8* m) {
  if (!${load(4, valid)}) {
    mark_all(m);
    return;
  }
${entryOf(parts)}
${words.map(word => store(8, now + 8 * word, `${load(8, now + 8 * word)} | ${load(8, outside + 8 * word)}`)).join('\n')}
}`;
}

function entryOf({ plan, places, mark }: RuntimeParts): string {
  return [...places.inputs]
    .map(([address, copy]) => {
      const marks = mark(places.now, plan.inputs.get(address) ?? []);
      if (marks === '') return '';
      return `if (${load(8, address)} != ${load(8, copy)}) { ${store(8, copy, load(8, address))} ${marks} }`;
    })
    .join('\n');
}

function choice({ plan, places, reset }: RuntimeParts): string {
  const { valid, policy, gated, left, plain, window, computed } = places;
  const word = (address: number) => `(*(u32*)(m + ${address}))`;
  const stop = plan.attention === undefined ? '' : `if (stops && ${load(4, plan.attention)}) return cycles;`;
  return `static u64 run_gated(u8* m, u64 most, int stops) {
  int repeated = 0;
  for (u64 cycles = 0;;) {
    sweep(m, ${places.now}, 0, ${plan.leadingWords}, chunks);
    ${stop}
    if (cycles == most) return cycles;
    /* Nothing can change any more. The first cycle runs in any case: a port may be about to write to a memory that was changed from outside. */
    if (repeated && quiet(m)) {
      count(m, most - cycles);
      return most;
    }
    repeated = 1;
    ${word(computed)} += gated_edge(m);
    cycles++;
    if (--${word(window)} == 0) {
      const int busy = ${word(computed)} >= ${busyFrom(plan)} && ${word(policy)} == ${Policy.measured};
      ${word(window)} = ${WINDOW};
      ${word(computed)} = 0;
      if (busy) {
        ${word(gated)} = 0;
        ${word(left)} = ${word(plain)};
        ${word(plain)} = ${word(plain)} >= ${LONGEST_PLAIN / 2} ? ${LONGEST_PLAIN} : 2 * ${word(plain)};
        return cycles;
      }
      ${word(plain)} = ${SHORTEST_PLAIN};
    }
  }
}
static u64 run(u8* m, u64 most, int stops) {
  if (${word(policy)} == ${Policy.plain}${reset < 0 ? '' : ` || ${load(4, reset)}`}) {
    ${word(valid)} = 0;
    return plain(m, most, stops);
  }
  if (${word(plain)} == 0) {
    ${word(plain)} = ${SHORTEST_PLAIN};
    ${word(gated)} = 1;
    ${word(window)} = ${WINDOW};
  }
  if (${word(gated)}) enter(m);
  for (u64 cycles = 0;;) {
    if (${word(gated)}) {
      cycles += run_gated(m, most - cycles, stops);
      if (${word(gated)}) return cycles;
    }
    const u64 piece = most - cycles < ${word(left)} ? most - cycles : ${word(left)};
    const u64 ran = plain(m, piece, stops);
    cycles += ran;
    ${word(left)} -= (u32)ran;
    if (${word(left)}) return cycles;
    ${word(gated)} = 1;
    ${word(window)} = ${WINDOW};
    mark_all(m);
  }
}
#define API __attribute__((visibility("default")))
API void native_settle(u8* m) { settle(m); }
API void native_edge(u8* m) {
  edge(m);
  ${word(valid)} = 0;
}
API double native_step(u8* m, double cycles) {
  const u64 ran = run(m, (u64)cycles, 0);
  settle(m);
  return (double)ran;
}
API double native_run(u8* m, double most) {
  const u64 ran = run(m, (u64)most, 1);
  settle(m);
  return (double)ran;
}
`;
}
