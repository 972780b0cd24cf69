/** What a soak does, as data: everything that happens follows from a `Batch`, so that one that fails can be kept, played again and made small. */

/** The name of an operation and four numbers of 32 bits; what they mean is the operation's own affair, and 0 is always the simplest. */
export type Operation = readonly [name: OperationName, a: number, b: number, c: number, d: number];

export interface Batch {
  /** Bits of a beat of the endpoint. */
  readonly width: number;
  /** Numbers of 32 bits from which back-pressure, addresses, limits and error reporting follow; missing ones are 0. */
  readonly settings: readonly number[];
  readonly operations: readonly Operation[];
}

/** Operations by name, and how often each comes, of about 1,100. */
export const frequencies = {
  write: 320,
  read: 270,
  register_write: 70,
  register_read: 50,
  long_register_read: 8,
  atomic: 55,
  flush: 20,
  config_read: 30,
  config_write: 25,
  message: 30,
  nobody: 40,
  malformed: 50,
  wrong_length: 10,
  poisoned: 25,
  completion: 25,
  turnaround: 20,
  sync: 6,
  checkpoint: 2,
  disable: 2,
  sleep: 1,
  reset: 1,
  limits: 2,
  renumber: 1,
  sizing: 1,
  pressure: 3,
  dma: 40,
  device_write: 25,
  dma_burst: 3,
  dma_read_back: 12,
  bus_master_off: 1,
  timeout: 1,
  job: 40,
  media: 10,
  firmware_atomic: 15,
  doorbell: 25,
  trigger: 15,
  mask: 2,
  mailbox: 4,
  hot_reset: 1,
  wrong_digest: 15,
  // Of the campaign of faults alone.
  inspect: 0,
  lost_answer: 0,
  doubled_answer: 0,
  forged_answer: 0,
  lost_limits: 0,
  overrun: 0,
} as const;
export type OperationName = keyof typeof frequencies;
export const operationNames = Object.keys(frequencies) as readonly OperationName[];

const isNumbers = (list: unknown, length?: number): list is number[] =>
  Array.isArray(list) &&
  (length === undefined || list.length === length) &&
  list.every(value => Number.isInteger(value) && value >= 0 && value < 2 ** 32);

/** The batch in a file's text. @throws SyntaxError if there is none. */
export function parseBatch(text: string): Batch {
  const { width, settings, operations } = JSON.parse(text) as { readonly [key: string]: unknown };
  if (typeof width !== 'number' || ![64, 128, 256, 512].includes(width)) throw new SyntaxError('width is 64, 128, 256 or 512');
  if (!isNumbers(settings)) throw new SyntaxError('settings is a list of numbers of 32 bits');
  if (!Array.isArray(operations)) throw new SyntaxError('operations is a list');
  const list = operations.map((operation: unknown, i): Operation => {
    if (!Array.isArray(operation)) throw new SyntaxError(`operation ${i} is a list of a name and four numbers`);
    const [given, ...numbers] = operation as readonly unknown[];
    const name = operationNames.find(known => known === given);
    if (!name) throw new SyntaxError(`operation ${i}: there is no operation '${String(given)}'`);
    if (!isNumbers(numbers, 4)) throw new SyntaxError(`operation ${i}: '${name}' takes four numbers of 32 bits`);
    const [a = 0, b = 0, c = 0, d = 0] = numbers;
    return [name, a, b, c, d];
  });
  return { width, settings, operations: list };
}

/** A batch as text: an operation per line. */
export const batchText = ({ width, settings, operations }: Batch): string =>
  `{"width":${width},"settings":${JSON.stringify(settings)},"operations":[\n${operations.map(o => JSON.stringify(o)).join(',\n')}\n]}\n`;
