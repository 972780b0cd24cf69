/** cocotb cannot be used, or the simulator refused the design: what happened, where the log is, what to do. */
export class CocotbError extends Error {
  override readonly name = 'CocotbError';
}
