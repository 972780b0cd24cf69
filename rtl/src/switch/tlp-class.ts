/** The classes that ordering and flow control know: their bits in a set, or where one is told one-hot. */
export const TlpClass = { posted: 0, non_posted: 1, completion: 2 } as const;
export const classes = 3;
