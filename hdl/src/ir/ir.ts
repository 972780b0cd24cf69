/**
 * The elaborated netlist: plain immutable data, no behaviour.
 *
 * An expression is a node of a directed acyclic graph: a node that is used twice is the same object twice. Widths are explicit on every
 * node and always agree (rules beside each kind); nothing is ever extended or truncated implicitly. Every node carries its call site.
 */

/** A place in the user's source. `line` and `column` count from 1. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Where something was written: the user's frames, innermost first ("written here", then "called from"). Resolved when first read. */
export interface Site {
  readonly frames: readonly Location[];
  /** Rises in the order in which things were made, as the turns of a loop make them; undefined where nobody wrote them. */
  readonly order?: number;
}

interface Node {
  /** Bits of the value, at least 1. */
  readonly width: number;
  readonly site: Site;
}

/** A literal; `value` is the bit pattern, 0 <= value < 2^width. */
export interface Const extends Node {
  readonly kind: 'const';
  readonly value: bigint;
}

/** The value of a signal of the same module. For a register: the value before the clock edge. */
export interface SignalRead extends Node {
  readonly kind: 'signal';
  readonly signal: Signal;
}

/** The value of an output port of a child instance. */
export interface InstanceRead extends Node {
  readonly kind: 'instance';
  readonly instance: Instance;
  readonly port: Signal;
}

/** `not` keeps the width; the reductions give 1 bit. */
export interface Unary extends Node {
  readonly kind: 'unary';
  readonly op: 'not' | 'reduce_and' | 'reduce_or' | 'reduce_xor';
  readonly value: Expr;
}

export type ArithmeticOp = 'add' | 'sub' | 'mul' | 'and' | 'or' | 'xor';
export type CompareOp = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';
export type ShiftOp = 'shl' | 'shr';

/**
 * Arithmetic (`add` .. `xor`): both operands and the result have one width; the result wraps.
 * Comparison: operands of one width, 1 bit out; `signed` reads both operands as two's complement.
 * Shift: the result has the width of `left`; `right` has any width and is unsigned; bits shifted in are 0, or, for a `signed` `shr`,
 * copies of the most significant bit; a shift of the width or more gives 0 (or all copies of the sign).
 */
export interface Binary extends Node {
  readonly kind: 'binary';
  readonly op: ArithmeticOp | CompareOp | ShiftOp;
  readonly signed: boolean;
  readonly left: Expr;
  readonly right: Expr;
}

/** `condition` has 1 bit; both arms have the width of the result. */
export interface Mux extends Node {
  readonly kind: 'mux';
  readonly condition: Expr;
  readonly whenTrue: Expr;
  readonly whenFalse: Expr;
}

/** Most significant part first; the width is the sum of the parts' widths. */
export interface Concat extends Node {
  readonly kind: 'concat';
  readonly parts: readonly Expr[];
}

/** Bits `low` to `low + width - 1` of `value`; never outside it. */
export interface Slice extends Node {
  readonly kind: 'slice';
  readonly value: Expr;
  readonly low: number;
}

/** `value` with zeros, or if `signed` with copies of its top bit, added above; wider than `value`. */
export interface Extend extends Node {
  readonly kind: 'extend';
  readonly signed: boolean;
  readonly value: Expr;
}

/**
 * Combinational read of a memory. An address at or beyond `depth` reads 0. A synchronous read is a register without reset that is
 * assigned this node under its enable (`memory.read()` of the language builds that): the old word where the same edge writes.
 */
export interface MemoryRead extends Node {
  readonly kind: 'memory-read';
  readonly memory: Memory;
  readonly address: Expr;
}

export type Expr = Const | SignalRead | InstanceRead | Unary | Binary | Mux | Concat | Slice | Extend | MemoryRead;

/** How a reset works: `async` acts at once, `sync` at the clock edge; `active` is the level that resets. */
export interface Reset {
  /** The port that carries it, or the signal of one bit, of a domain that shares the clock of another one. */
  readonly name: string;
  readonly kind: 'sync' | 'async';
  readonly active: 'high' | 'low';
}

/**
 * A clock of a module with its reset. Registers and memory writes happen at its rising edge. The ports are no signals of the module's list:
 * a module gets the clock port if it or a child holds state in the domain, and the reset port if it or a child has a register with `init` in it.
 */
export interface Domain {
  /** Unique within the module. */
  readonly name: string;
  /** The port that carries the clock. */
  readonly clock: string;
  readonly reset: Reset | undefined;
  /** The domain of the module whose clock it shares: then it has no ports, and its reset is a signal of the module. */
  readonly of?: Domain;
  readonly site: Site;
}

/** A named signal of a module. Names are unique within a module, over signals, memories, instances and the ports of domains. */
export interface Signal {
  readonly name: string;
  /** A `parameter` is a constant that each instance may give another value; it becomes a Verilog parameter. */
  readonly kind: 'input' | 'output' | 'wire' | 'register' | 'parameter';
  readonly width: number;
  /**
   * Registers: the value that reset gives; undefined: reset leaves it alone. All registers are 0 when simulation begins.
   * Parameters: the value where an instance gives none.
   */
  readonly init: bigint | undefined;
  /** Registers: the clock that updates it. Inputs: the clock that the value from outside belongs to; undefined: to none (asynchronous). */
  readonly domain: Domain | undefined;
  /** A register that may take values of other domains: `true` for a stage of a synchroniser, `stable` for data that something keeps still meanwhile. */
  readonly crossing: boolean | 'stable';
  /** For signals of an enumeration type: state names by value, for `case` labels and waveforms. */
  readonly states: readonly string[] | undefined;
  readonly site: Site;
}

/** `depth` words of `width` bits; write granularity `lane` bits (width is a multiple of it). All words are 0 when simulation begins. */
export interface Memory {
  readonly name: string;
  readonly width: number;
  readonly depth: number;
  readonly lane: number;
  /** How synthesis should build it; `undefined` leaves it to the tool. */
  readonly style: 'block' | 'distributed' | undefined;
  /** No read meets a write of its word at the same edge, or what it gives does not count. */
  readonly collisions?: 'never';
  /** The first words when simulation begins and after configuration of an FPGA; the rest, or all if undefined, are 0 (unknown in silicon). */
  readonly init: readonly bigint[] | undefined;
  readonly site: Site;
}

/** A child; `module` is shared by all instances that are structurally equal. */
export interface Instance {
  readonly name: string;
  readonly module: Module;
  /** The domain of this module that drives each domain of the child, by the child's domain name. */
  readonly domains: ReadonlyMap<string, Domain>;
  /** Values of the child's parameters by name. */
  readonly parameters: ReadonlyMap<string, bigint>;
  readonly site: Site;
}

/** What an assignment drives: a signal of this module (not an input), or an input port of a child instance. */
export type Target =
  | { readonly instance: undefined; readonly signal: Signal }
  | { readonly instance: Instance; readonly signal: Signal };

/**
 * Drives bits `low` .. `low + value.width - 1` of the target, or, with `offset`, as many from bit `low + offset` (unsigned) upward, of which
 * those beyond the target are dropped. A wire, output or instance input gets the value combinationally; a register
 * gets it at the next clock edge. The last assignment that is reached wins, bit by bit. A register that no assignment reaches keeps its value.
 */
export interface Assign {
  readonly kind: 'assign';
  readonly target: Target;
  readonly low: number;
  readonly offset: Expr | undefined;
  readonly value: Expr;
  readonly site: Site;
}

/** The first arm whose condition is 1 is taken, else `otherwise`. */
export interface If {
  readonly kind: 'if';
  readonly arms: readonly { readonly condition: Expr; readonly body: readonly Statement[] }[];
  readonly otherwise: readonly Statement[];
  readonly site: Site;
}

/** Arms are disjoint; values not named by any arm take `otherwise`. */
export interface Match {
  readonly kind: 'match';
  readonly subject: Expr;
  readonly arms: readonly { readonly value: bigint; readonly label: string; readonly body: readonly Statement[] }[];
  readonly otherwise: readonly Statement[];
  readonly site: Site;
}

/**
 * Writes a word at the edge of the domain's clock. `mask` has width / lane bits (bit i enables lane i); undefined writes the whole word. A write to an
 * address at or beyond `depth` does nothing.
 */
export interface MemoryWrite {
  readonly kind: 'memory-write';
  readonly memory: Memory;
  readonly address: Expr;
  readonly data: Expr;
  readonly mask: Expr | undefined;
  readonly domain: Domain;
  readonly site: Site;
}

/**
 * A property, looked at at each edge of the domain's clock at which the statement is reached and the domain's reset is inactive. `assert`: must
 * be 1; `assume`: the surroundings make it 1 (simulation treats it like assert); `cover`: shall be 1 at some time.
 */
export interface Property {
  readonly kind: 'property';
  readonly property: 'assert' | 'assume' | 'cover';
  readonly condition: Expr;
  /** What it means, for the person who reads of a failure. */
  readonly message: string;
  readonly domain: Domain;
  readonly site: Site;
}

/** How a value is written in a log line: decimal, two's complement decimal, hexadecimal, binary, or the name of a state. */
export type LogFormat = 'unsigned' | 'signed' | 'hex' | 'binary' | 'state';

/** A line for the person who simulates, written at each edge of the domain's clock at which the statement is reached and reset is inactive. */
export interface Log {
  readonly kind: 'log';
  readonly parts: readonly (string | { readonly value: Expr; readonly format: LogFormat; readonly states?: readonly string[] })[];
  readonly domain: Domain;
  readonly site: Site;
}

export type Statement = Assign | If | Match | MemoryWrite | Property | Log;

/** A module whose Verilog is not ours. */
export interface External {
  /** The Verilog module's name. */
  readonly name: string;
  /** Parameters as the instance states them: numbers, or text that becomes a Verilog string. */
  readonly parameters: ReadonlyMap<string, bigint | string>;
  /** Verilog files that define it, for tools that want the whole; may be empty for a vendor's cell. */
  readonly sources: readonly string[];
  /** Whether the module's body describes its behaviour, for simulation in-process and for checks; it is never emitted. */
  readonly modelled: boolean;
}

/** One module. Its ports are those of its domains (see `Domain`), in order, clock before reset, then its inputs and outputs. */
export interface Module {
  /** Unique in the design: the class name, numbered from the second variant on. */
  readonly name: string;
  /** The first one is what registers, memory writes and children use that name no other. */
  readonly domains: readonly [Domain, ...Domain[]];
  /** A black box. */
  readonly external: External | undefined;
  /** Ports first, in the order in which the user declared them. */
  readonly signals: readonly Signal[];
  readonly memories: readonly Memory[];
  readonly instances: readonly Instance[];
  readonly body: readonly Statement[];
  readonly site: Site;
}

/** A whole design. `modules` lists every module once, children before their parents; the last one is `top`. */
export interface Design {
  readonly top: Module;
  readonly modules: readonly Module[];
}
