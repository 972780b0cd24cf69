import { settingsCount } from '../soak/generate.ts';
import type { Batch, Operation, OperationName } from '../soak/operation.ts';
import { Random } from '../soak/random.ts';

/** Windows of a batch, the last of which has no faults. */
const windows = 64;

/**
 * A batch of faults for the soak. It consists of windows, in each of which faults are brought in among good traffic, and which ends with a look at
 * everything that they may have left behind. A window has at most one fault of each kind of which only an error bit tells: so each is seen for itself.
 */
export function faultBatch(seed: number, width: number): Batch {
  return new Plan(seed).batch(width);
}

type Window = 'reported' | 'posted' | 'messages' | 'requests';
const likely: readonly Window[] = [
  ...Array<Window>(5).fill('posted'),
  ...Array<Window>(2).fill('messages'),
  ...Array<Window>(9).fill('requests'),
  ...Array<Window>(6).fill('reported'),
];

/** Variants of `nobody` that are posted, and the others. */
const nobodyPosted = [0, 4] as const;
const nobodyRequests = [1, 2, 3, 5, 6, 7, 8, 9, 10] as const;
/** Variants of `poisoned`: writes to memory; messages; AtomicOps and configuration. */
const poisonedWrites = [0, 1] as const;
const poisonedMessage = 4;
const poisonedRequests = [2, 3] as const;

const good: readonly OperationName[] = [
  ...Array<OperationName>(6).fill('write'),
  ...Array<OperationName>(5).fill('read'),
  'register_write',
  'register_read',
  'atomic',
  'doorbell',
  'turnaround',
];
const busy: readonly OperationName[] = [...good, 'dma', 'dma', 'dma', 'job', 'dma_burst', 'firmware_atomic', 'device_write'];
/** A batch has all of the first and one of the others, so that a few batches have all of them. */
const answers: readonly OperationName[] = ['lost_answer', 'doubled_answer', 'forged_answer', 'timeout'];
const states: readonly OperationName[] = ['overrun', 'lost_limits', 'hot_reset', 'reset', 'disable', 'bus_master_off', 'sleep'];

class Plan {
  private readonly random: Random;
  private readonly operations: Operation[] = [];
  private reports = false;

  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
    this.random = new Random(seed);
  }

  batch(width: number): Batch {
    const settings = Array.from({ length: settingsCount }, () => this.random.next());
    // Advisory errors are not masked: else their own bits stay 0.
    for (const f of [2, 3, 4]) settings[f] = ((settings[f] ?? 0) & ~64) >>> 0;
    // Half of the batches know no back-pressure; digests are checked in most.
    if (this.random.below(2) === 0) settings[0] = 0;
    if (this.random.below(8) > 0) settings[21] = ((settings[21] ?? 0) | 2) >>> 0;
    // Functions report all errors in most of them.
    this.reports = this.random.below(4) > 0;
    if (this.reports) for (const f of [2, 3, 4]) settings[f] = (((settings[f] ?? 0) & ~32) | 31) >>> 0;
    for (let i = 0; i < windows - 1; i++) this.window(i);
    this.mixed([], good, 12);
    return { width, settings, operations: this.operations };
  }

  private window(i: number): void {
    const state = states[this.seed % states.length];
    const answer = answers[(i >>> 3) % answers.length];
    if (i === 37 && state) this.mixed([this.operation(state)], busy, 6);
    else if (i % 8 === 7 && answer) this.mixed([this.operation(answer)], busy, 3 + this.random.below(5));
    else {
      const kind = this.pick(likely);
      if (kind === 'reported' && this.reports) this.reported();
      else this.mixed(this.faults(kind === 'reported' ? 'posted' : kind), good, 3 + this.random.below(5));
    }
  }

  /** A window of operations with good traffic among them. */
  private mixed(list: Operation[], traffic: readonly OperationName[], count: number): void {
    for (let i = 0; i < count; i++) list.splice(this.random.below(list.length + 1), 0, this.operation(this.pick(traffic)));
    this.operations.push(...list, this.operation('inspect'));
  }

  /** Faults one after the other, each of which has a message of its own; traffic goes on between them. */
  private reported(): void {
    for (let i = 4 + this.random.below(9); i > 0; i--) {
      const name = this.pick([
        'malformed',
        'malformed',
        'malformed',
        'wrong_digest',
        'nobody',
        'poisoned',
        'completion',
        'wrong_length',
      ] as const);
      const fault =
        name === 'nobody'
          ? this.nobody(nobodyPosted)
          : name === 'poisoned'
            ? this.poisoned(poisonedWrites)
            : this.operation(name);
      this.operations.push(fault, this.operation(this.pick(good)), this.operation('sync'));
    }
    this.operations.push(this.operation('inspect'));
  }

  private faults(kind: Exclude<Window, 'reported'>): Operation[] {
    const one = [this.operation('malformed'), this.operation('wrong_digest')];
    switch (kind) {
      case 'posted':
        return [
          ...one,
          this.nobody(nobodyPosted),
          this.poisoned(poisonedWrites),
          ...this.several(4, () => this.operation('long_register_read')),
        ];
      case 'messages':
        return [...one, this.poisoned([poisonedMessage]), ...this.several(4, () => this.operation('long_register_read'))];
      case 'requests':
        return [
          ...one,
          ...(this.random.below(4) === 0 ? [this.operation('completion')] : []),
          ...this.several(40, () => this.nobody(nobodyRequests)),
          ...this.several(24, () => this.poisoned(poisonedRequests)),
          ...this.several(8, () => this.operation('long_register_read')),
        ];
    }
  }

  private operation(name: OperationName): Operation {
    const number = () => this.random.next();
    return [name, number(), number(), number(), number()];
  }
  private nobody(variants: readonly number[]): Operation {
    const [name, a, ...rest] = this.operation('nobody');
    return [name, 11 * Math.floor((a % 2 ** 28) / 11) + this.pick(variants), ...rest];
  }
  private poisoned(variants: readonly number[]): Operation {
    const [name, a, b, c, d] = this.operation('poisoned');
    return [name, a, 5 * Math.floor((b % 2 ** 28) / 5) + this.pick(variants), c, d];
  }
  private several(most: number, make: () => Operation): Operation[] {
    return Array.from({ length: 1 + this.random.below(most) }, make);
  }
  private pick<T>(list: readonly T[]): T {
    const item = list[this.random.below(list.length)];
    if (item === undefined) throw new RangeError('nothing to choose from');
    return item;
  }
}
