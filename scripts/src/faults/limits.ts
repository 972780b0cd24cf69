/** Faults that the hardware makes no claim about, for the page: each a sentence or two. */
export const limits: readonly string[] = [
  '**Bits that flip in memories** (BAR memory, buffers, queues, registers) are not detected: no memory has parity or a code that corrects errors, so a flipped bit of data is read as it is, and one of a header or a pointer may do anything. What a digest covers from end to end is the exception: a bit that flips in a TLP with a digest, on any link or in any buffer on its way, is seen by the receiver that checks it.',
  '**A completion for a tag that is in use**, with the right requester, is taken for the answer, whoever sent it: PCI Express has nothing that tells them apart. Access control of switches (source validation, redirection) is what keeps others from sending one.',
];
