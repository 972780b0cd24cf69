import { Bundle, bool } from '@hdl/ts-hdl';

/** What the blocks that send requests in a function's name tell its configuration space: pulses, except for the last one. */
export class FunctionEvents extends Bundle({
  /** A completion came with Unsupported Request, or with Completer Abort. */
  received_unsupported: bool,
  received_abort: bool,
  /** A poisoned completion came, or a write was sent poisoned. */
  poisoned_data: bool,
  /** Level: requests are waiting for completions. */
  transactions_pending: bool,
}) {}
