/** Faults that the hardware makes no claim about, or that are not injected, for the page: each a sentence or two. */
export const limits: readonly string[] = [
  '**Bits that flip in memories** (BAR memory, buffers, queues, registers) are not detected: no memory has parity or a code that corrects errors, so a flipped bit of data is read as it is, and one of a header or a pointer may do anything. What a digest covers from end to end is the exception: a bit that flips in a TLP with a digest, on any link or in any buffer on its way, is seen by the receiver that checks it (*wrong digest*).',
  '**A completion that fits a request which waits** in requester ID, tag, Byte Count, Lower Address and length is taken for the answer, whoever sent it, and so is a failed one with the right ID and tag: PCI Express has nothing that tells them apart. Access control of switches is what keeps others from sending one.',
  '**Damage on the wire** (LCRC, sequence numbers, replay) belongs to the data link layer, which `LinkModel` stands for; its errors are in `rtl/test/link-model-errors.test.ts`.',
  '**A TLP with the wrong number of beats that the switch refuses anyway** is told as what it was refused for: a switch decides by the first beat.',
];
