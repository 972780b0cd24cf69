/** A Verilog file by its name without folders; names that do not end in `.v` or `.sv` are only there to be included by others. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** A memory that JavaScript shall see, in every instance of its module. */
export interface MemoryName {
  /** The Verilog module that declares it. */
  readonly module: string;
  readonly name: string;
}

/** When a clock rises, in whole units of one time that all clocks of a model share. */
export interface ClockTiming {
  /** From one rising edge to the next, from 1 up. */
  readonly period: number;
  /** Time of the first rising edge, from 1 up; `period` by default. */
  readonly phase?: number;
}

/** What coverage counts: how often lines and branches were executed, how often bits changed. */
export type CoverageKind = 'line' | 'toggle';

export type WaveformFormat = 'vcd' | 'fst';

/** The Verilog to verilate: files, texts, and what Verilator shall know about them. */
export interface VerilogSources {
  /** Name of the top module. */
  readonly top: string;
  /** Files to read. Paths here and in what follows are relative to `folder`. */
  readonly files?: readonly string[];
  /** Texts that are in no file. */
  readonly sources?: readonly SourceFile[];
  /** Where relative paths start, those in `flags` as well: this process's working folder by default. */
  readonly folder?: string;
  /** Folders in which `` `include `` looks. */
  readonly includes?: readonly string[];
  /** Macros: `true` defines one without a value. */
  readonly defines?: Readonly<Record<string, string | number | true>>;
  /**
   * Where modules are looked up that no file declares: folders with one module per file, named after it (`-y`), or files of which only the modules that are
   * needed are taken (`-v`). Black boxes stand here as modules without a body; their outputs are 0.
   */
  readonly libraries?: readonly string[];
  /** Values of the top module's parameters as Verilog literals: `8`, `16'h12`, `"text"`. */
  readonly parameters?: Readonly<Record<string, string | number>>;
  /** Further options of Verilator. */
  readonly flags?: readonly string[];
}

export interface BuildOptions extends VerilogSources {
  /**
   * The inputs that are clocks, with their timing. By default the input `clk`, else the only one of a single bit with `clk` in its name: it rises once per
   * cycle. `{}`: there is no clock. With clocks, a cycle is an instant at which at least one of them rises; those that rise at the same instant rise together.
   */
  readonly clocks?: Readonly<Record<string, ClockTiming>>;
  /** Name of the only clock, in place of `clocks`; a top module without such an input has no clock. */
  readonly clock?: string;
  /**
   * The memories that `memory(path)` of the simulation finds; none by default. Verilator reads each of them anew in every evaluation, since it may have been
   * written from outside.
   */
  readonly memories?: readonly MemoryName[];
  /** Names of ports in the order that the simulation shall have them, after those that are not named; by default the order of Verilator's header. */
  readonly portOrder?: readonly string[];
  /** Builds in what writes a waveform, VCD if `true`; such a model is slower even where it writes none. */
  readonly trace?: boolean | WaveformFormat;
  /** Builds in counters of what was executed and what changed: all kinds if `true`. Not together with `savable`. */
  readonly coverage?: boolean | readonly CoverageKind[];
  /** Builds in `save` and `restore`. */
  readonly savable?: boolean;
  /**
   * Whether the C++ compiler optimises; it does by default. Without, a model is there in less than half the time and runs many times slower: for models
   * that run for a few hundred cycles.
   */
  readonly optimize?: boolean;
  /** Threads that evaluate one model; 1 by default. More of them slow down models that are not very large. */
  readonly threads?: number;
  /** Gets a line per longer step; nothing is said of a model that is found in the cache. */
  readonly log?: (line: string) => void;
}
