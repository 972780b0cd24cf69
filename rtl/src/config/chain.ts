/** Where a capability stands, and the next one (0: none). */
export interface Chained {
  readonly offset: number;
  readonly next: number;
  readonly absent?: boolean;
}

/** The fields that the first DW of a capability begins with (7.5.3.1): its identifier and where the next one stands. */
export function capabilityHead(id: number, next: number) {
  return {
    id: { bits: [7, 0], access: 'constant', reset: id, doc: 'Which capability this is.' },
    next: { bits: [15, 8], access: 'constant', reset: next, doc: 'Offset of the next one.' },
  } as const;
}

/** First DW of an extended capability (7.6.3). */
export function extendedHeader(id: number, version: number, { offset, next, absent = false }: Chained, doc: string) {
  return {
    offset,
    absent,
    doc,
    fields: {
      id: { bits: [15, 0], access: 'constant', reset: id, doc: 'Which extended capability this is.' },
      version: { bits: [19, 16], access: 'constant', reset: version, doc: 'Version.' },
      next: { bits: [31, 20], access: 'constant', reset: next, doc: 'Offset of the next one.' },
    },
  } as const;
}

/** Capabilities with the offset of the next one that is there. */
export function chain<K extends string>(
  offsets: { readonly [N in K]: number },
  present: { readonly [N in K]: boolean },
): { readonly [N in K]: Chained } {
  const names = Object.keys(offsets) as K[];
  const entries = names.map((name, i) => {
    const next = names.slice(i + 1).find(other => present[other]);
    return [name, { offset: offsets[name], next: next ? offsets[next] : 0, absent: !present[name] }] as const;
  });
  return Object.fromEntries(entries) as unknown as { readonly [N in K]: Chained };
}
