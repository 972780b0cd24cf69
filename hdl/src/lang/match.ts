import { node } from './bits.ts';
import { HdlError, quantity } from './errors.ts';
import { CallSite } from './site.ts';
import { currentBlock, type Recorded, record } from './statements.ts';
import type { Enum, EnumType, UInt } from './values.ts';

type Arms<N extends string> = { readonly [K in N]: () => void };

/**
 * One arm per state of `type`: leaving one out does not compile. With `otherwise` arms may be left out: it stands for the rest, and for codes of no
 * state, for which else nothing is done. See `arms` for one arm of several states.
 */
export function match<N extends string>(type: EnumType<N>, subject: Enum<N>, arms: Arms<N>): void;
export function match<N extends string>(type: EnumType<N>, subject: Enum<N>, arms: Partial<Arms<N>>, otherwise: () => void): void;
export function match<N extends string>(
  type: EnumType<N>,
  subject: Enum<N>,
  given: Partial<Arms<N>>,
  otherwise?: () => void,
): void {
  const bits = node(subject);
  const { encoding } = type;
  if (bits.meaning !== encoding)
    throw new HdlError(`the subject of this match is none of ${type.names.join(', ')}`, {
      help: 'match with the type that the subject has',
    });
  const rest = otherwise ? record(otherwise) : [];
  const bodies = new Map<() => void, Recorded[]>();
  const cases = Object.entries<(() => void) | undefined>(given).flatMap(([name, body]) => {
    if (!body) return [];
    const recorded = bodies.get(body) ?? record(body);
    bodies.set(body, recorded);
    return [{ value: encoding.code(name), label: name, body: recorded }];
  });
  const missing = type.names.filter(name => !given[name]);
  if (!otherwise && missing.length > 0)
    throw new HdlError(`no arm for ${missing.join(', ')}`, { help: 'add the arms, or a rest that stands for them' });
  // Labels without a rest say that the arms are all there are: an empty rest has to look like an arm for a number.
  const labelled = otherwise && rest.length === 0 ? cases.map(arm => ({ ...arm, label: '' })) : cases;
  currentBlock().push({ kind: 'match', subject: bits, arms: labelled, otherwise: rest, site: new CallSite() });
}

/** One arm for several states, to spread into a `match`: `...arms(['Run', 'Stop'], () => …)`. */
export function arms<const N extends string>(names: readonly N[], body: () => void): Arms<N> {
  return Object.fromEntries(names.map(name => [name, body])) as Arms<N>;
}

/** One arm per number; other values take `otherwise`. For register maps and opcodes. @throws HdlError for a value twice or too wide. */
export function decode<W extends number>(
  subject: UInt<W>,
  arms: readonly (readonly [value: number | bigint, body: () => void])[],
  otherwise: () => void = () => {},
): void {
  const bits = node(subject);
  const seen = new Set<bigint>();
  const cases = arms.map(([value, body]) => {
    const v = BigInt(value);
    if (v < 0n || v >> BigInt(bits.width) !== 0n)
      throw new HdlError(`the arm ${v} does not fit in ${quantity(bits.width, 'bit')}`, {
        help: 'remove the arm, or use a wider subject',
      });
    if (seen.has(v))
      throw new HdlError(`the arm ${v} stands twice in this decode`, { help: 'put the statements of both into one arm' });
    seen.add(v);
    return { value: v, label: '', body: record(body) };
  });
  currentBlock().push({ kind: 'match', subject: bits, arms: cases, otherwise: record(otherwise), site: new CallSite() });
}
