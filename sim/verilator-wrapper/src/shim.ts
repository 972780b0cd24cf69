import type { Clock, ClockPlan } from './clocks.ts';
import type { WaveformFormat } from './options.ts';
import type { Port } from './ports.ts';
import { coverageInterface, stateInterface, stateStreams } from './shim-features.ts';

export interface ShimOptions {
  /** Name of the model's class. */
  readonly prefix: string;
  /** All ports but the clocks, in the order of their words. */
  readonly ports: readonly Port[];
  readonly plan: ClockPlan;
  readonly top: string;
  readonly trace: WaveformFormat | undefined;
  readonly coverage: boolean;
  readonly savable: boolean;
  readonly threads: number;
}

/** 32-bit words of a port. */
export const wordsOf = (port: { readonly width: number }): number => Math.ceil(port.width / 32);

/**
 * The C++ between a model and JavaScript: a C interface, the same for every model. Port values stand as 32-bit words in one block that JavaScript
 * sees. A call takes the inputs from it first and gives the outputs to it last; they do not change in between.
 *
 * Between calls all clocks are low with the logic settled, or some are high after the last edge, with the logic settled as well. So a cycle is two
 * evaluations: clocks go low and inputs take effect, then those that rise at the next instant go high. Which these are, a countdown per clock says.
 *
 * Verilator ends the process when a model fails or says `$finish`. Here its hooks throw instead, and the call gives -1: see `shim_error`.
 */
export function shimSource(options: ShimOptions): string {
  const { prefix, ports, plan, trace, threads, savable } = options;
  const { clocks, timed } = plan;
  const offsets = ports.map((_, i) => ports.slice(0, i).reduce((sum, port) => sum + wordsOf(port), 0));
  const words = ports.reduce((sum, port) => sum + wordsOf(port), 0);
  const copies = (direction: Port['direction'], copy: (port: Port, offset: number) => string) =>
    ports.flatMap((port, i) => (port.direction === direction ? [`    ${copy(port, offsets[i] ?? 0)}`] : [])).join('\n');
  const attention = ports.find(port => port.name === 'attention' && port.direction === 'output' && port.width === 1);
  const onlyTrace = (...lines: readonly string[]) => (trace ? lines.join('\n') : '');
  // A waveform with timed clocks shows their falling edges half a unit after the rising ones.
  const tick = trace && timed ? 10 : 1;
  const lowTime = timed ? `cycle == 0 ? 0 : now * ${tick} + ${tick / 2}` : 'cycle';
  return `#include "${prefix}.h"
#include "verilated_syms.h"
${onlyTrace(`#include "verilated_${trace}_c.h"`)}
${savable ? '#include "verilated_save.h"' : ''}
${options.coverage ? '#include "verilated_cov.h"' : ''}
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

void vl_finish(const char* file, int line, const char*) {
  throw std::runtime_error{"the Verilog ended the simulation with $finish, at " + std::string{file} + ":" + std::to_string(line)};
}
void vl_stop(const char* file, int line, const char*) {
  throw std::runtime_error{"the Verilog stopped the simulation with $stop or $fatal, at " + std::string{file} + ":" + std::to_string(line)};
}
void vl_fatal(const char* file, int line, const char*, const char* message) {
  throw std::runtime_error{std::string{message} + ", at " + file + ":" + std::to_string(line)};
}

namespace {

${savable ? stateStreams : ''}
struct Simulation {
  VerilatedContext context;
  ${prefix} model;
  uint32_t words[${Math.max(1, words)}] = {};
  std::string error;
  std::vector<uint8_t> saved;
  /* In units of the clocks' timing, or in cycles where none was given: the time of the last edge. */
  uint64_t now = 0;
  uint64_t cycle = 0;
${scheduleState(clocks)}
${onlyTrace(`  ${trace === 'fst' ? 'VerilatedFstC' : 'VerilatedVcdC'} trace;`)}

  static VerilatedContext* prepared(VerilatedContext& context) {
    Verilated::threadContextp(&context);
    context.randReset(0);
    ${threads > 1 ? `context.threads(${threads});` : ''}
    return &context;
  }
  explicit Simulation(const char* file) : model{prepared(context), ""} {
${onlyTrace(
  '    context.traceEverOn(true);',
  '    model.trace(&trace, 99);',
  // Leaves out a scope that shows the ports once more.
  `    trace.dumpvars(10000, "${options.top}");`,
  '    trace.open(file);',
)}
    settle();
  }

  void take() {
${copies('input', copyIn)}
  }
  void give() {
${copies('output', copyOut)}
  }

  void low() {
${clocks.map(({ port }) => `    model.${port.member} = 0;`).join('\n')}
    model.eval();
  }
  void high() {
${onlyTrace(`    trace.dump(${lowTime});`)}
    cycle++;
${advanceTime(clocks)}
    context.time(now${tick > 1 ? ` * ${tick}` : ''});
${clocks.length > 0 ? '    model.eval();' : ''}
${onlyTrace(timed ? `    trace.dump(now * ${tick});` : '')}
  }

  void settle() {
    take();
    low();
    give();
  }
  template <bool Stops>
  uint64_t advance(uint64_t most) {
    take();
    low();
    uint64_t cycles = 0;
    while (cycles < most${attention ? ` && !(Stops && model.${attention.member})` : ''}) {
      if (cycles > 0) low();
      high();
      cycles++;
    }
    give();
    return cycles;
  }

  void finish() {
${onlyTrace('    settle();', `    trace.dump(${lowTime});`, '    trace.close();')}
    model.final();
    std::fflush(stdout);
  }

  const VerilatedVar* find(const char* scope, const char* name) {
    const VerilatedScope* found = context.scopeFind(scope);
    return found ? found->varFind(name) : nullptr;
  }
  void replay(const uint32_t* log, uint64_t length, uint8_t* const* memories);
};

/* The log is a list of: 0, cycles; or 1, first word, words, their values; or 2, memory, first byte, bytes, their values: see bare-loop.ts. */
void Simulation::replay(const uint32_t* log, uint64_t length, uint8_t* const* memories) {
  for (const uint32_t* end = log + length; log < end;) {
    const uint32_t kind = *log++;
    if (kind == 0) {
      advance<false>(*log++);
    } else if (kind == 1) {
      std::memcpy(words + log[0], log + 2, 4 * log[1]);
      log += 2 + log[1];
    } else {
      std::memcpy(memories[log[0]] + log[1], log + 3, log[2]);
      log += 3 + (log[2] + 3) / 4;
    }
  }
}

thread_local std::string failedStart;

/* Does work on a simulation; -1 if it fails. */
template <typename Work>
double guarded(Simulation* s, Work work) {
  Verilated::threadContextp(&s->context);
  try {
    return static_cast<double>(work());
  } catch (const std::exception& error) {
    s->error = error.what();
    return -1;
  }
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

Simulation* shim_create(const char* trace) {
  try {
    return new Simulation{trace};
  } catch (const std::exception& error) {
    failedStart = error.what();
    return nullptr;
  }
}

void shim_destroy(Simulation* s) {
  Verilated::threadContextp(&s->context);
  delete s;
}

/* Ends the waveform with the state as it is, and does what the Verilog does at its end. */
double shim_finish(Simulation* s) {
  return guarded(s, [s] { return s->finish(), 0; });
}

/* Why the last call failed; without a simulation, why none was made. */
const char* shim_error(Simulation* s) { return (s ? s->error : failedStart).c_str(); }

uint32_t* shim_words(Simulation* s) { return s->words; }

double shim_settle(Simulation* s) {
  return guarded(s, [s] { return s->settle(), 0; });
}

double shim_step(Simulation* s, double cycles) {
  return guarded(s, [=] { return s->advance<false>(static_cast<uint64_t>(cycles)); });
}

double shim_run(Simulation* s, double most) {
  return guarded(s, [=] { return s->advance<true>(static_cast<uint64_t>(most)); });
}

/* The words of a memory, or null; writes width, depth and stride to shape. */
void* shim_memory(Simulation* s, const char* scope, const char* name, uint32_t* shape) {
  const VerilatedVar* memory = s->find(scope, name);
  if (!memory || memory->udims() != 1) return nullptr;
  shape[0] = memory->entBits();
  shape[1] = memory->elements(1);
  shape[2] = memory->entSize();
  return memory->datap();
}

${coverageInterface(options.coverage)}
${stateInterface(savable)}
/* Nanoseconds that it takes to do what the log says. */
double shim_replay(Simulation* s, const uint32_t* log, double length, uint8_t* const* memories) {
  return guarded(s, [=] {
    const auto start = std::chrono::steady_clock::now();
    s->replay(log, static_cast<uint64_t>(length), memories);
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count();
  });
}

}
`;
}

/** What is left until each clock's next rising edge; without a clock, cycles count as its edges would. */
function scheduleState(clocks: readonly Clock[]): string {
  if (clocks.length === 0) return '  uint64_t left[1] = {1};';
  return `  uint64_t left[${clocks.length}] = {${clocks.map(({ phase }) => phase).join(', ')}};`;
}

/** Moves time to the next instant at which a clock rises, and raises those that do. */
function advanceTime(clocks: readonly Clock[]): string {
  const [only, second] = clocks;
  if (second === undefined) {
    const rise = only ? [`    model.${only.port.member} = 1;`] : [];
    return ['    now += left[0];', `    left[0] = ${only?.period ?? 1};`, ...rise].join('\n');
  }
  return [
    `    const uint64_t passed = ${untilNext(clocks)};`,
    '    now += passed;',
    ...clocks.map(
      ({ period, port }, i) =>
        `    left[${i}] -= passed;\n    if ((model.${port.member} = left[${i}] == 0)) left[${i}] = ${period};`,
    ),
  ].join('\n');
}

const untilNext = (clocks: readonly Clock[]) =>
  clocks.length > 1 ? `std::min({${clocks.map((_, i) => `left[${i}]`).join(', ')}})` : 'left[0]';

function copyIn({ member, width }: Port, offset: number): string {
  const to = `model.${member}`;
  if (width <= 32) return `${to} = words[${offset}];`;
  if (width <= 64) return `${to} = words[${offset}] | static_cast<uint64_t>(words[${offset + 1}]) << 32;`;
  return `std::memcpy(&${to}[0], words + ${offset}, ${4 * wordsOf({ width })});`;
}

function copyOut({ member, width }: Port, offset: number): string {
  const from = `model.${member}`;
  if (width <= 32) return `words[${offset}] = ${from};`;
  if (width <= 64) return `std::memcpy(words + ${offset}, &${from}, 8);`;
  return `std::memcpy(words + ${offset}, &${from}[0], ${4 * wordsOf({ width })});`;
}
