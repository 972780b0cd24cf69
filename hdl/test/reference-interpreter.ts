import type { Design, Expr, Instance, Memory, Module, Signal, Statement } from '../src/ir/ir.ts';

/**
 * The meaning of the IR, written to be read: every value is a BigInt, and every signal is computed anew whenever it is asked for. The
 * oracle of the engines' tests; slow.
 */

function ones(width: number): bigint {
  return (1n << BigInt(width)) - 1n;
}

/** A child's input or a signal of the module itself, as a key. */
type Place = Signal | { readonly instance: Instance; readonly signal: Signal };

class InstanceState {
  readonly module: Module;
  readonly parent: { readonly state: InstanceState; readonly instance: Instance } | undefined;
  readonly children = new Map<Instance, InstanceState>();
  readonly registers = new Map<Signal, bigint>();
  readonly memories = new Map<Memory, Map<bigint, bigint>>();
  /** Values of this cycle; forgotten when an input or the state changes. */
  private readonly bits = new Map<Signal | Instance, Map<Signal, (bigint | undefined)[]>>();
  private readonly expressions = new Map<Expr, bigint>();
  /** Values of the top's inputs. */
  readonly inputs = new Map<Signal, bigint>();

  constructor(module: Module, parent: InstanceState['parent']) {
    this.module = module;
    this.parent = parent;
    for (const signal of module.signals) if (signal.kind === 'register') this.registers.set(signal, 0n);
    for (const memory of module.memories) this.memories.set(memory, new Map());
    for (const instance of module.instances)
      this.children.set(instance, new InstanceState(instance.module, { state: this, instance }));
  }
}
