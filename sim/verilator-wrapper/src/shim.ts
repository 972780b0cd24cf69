import type { Port } from './ports.ts';

/** A memory that JavaScript sees: its place in the model and the C++ expression of its storage. */
export interface ShimMemory {
  readonly path: string;
  /** The member of the root module's struct, below `rootp`. */
  readonly member: string;
}

/**
 * The C++ between the model and JavaScript: a plain C interface. All ports stand as 32-bit words in one block; `run` copies inputs in once, and outputs
 * out once at the end, since inputs do not change meanwhile. A cycle is one evaluation with the clock high and one with it low, after which
 * everything is settled.
 */
export function shimSource(o: {
  readonly prefix: string;
  readonly ports: readonly Port[];
  readonly clock: string | undefined;
  readonly memories: readonly ShimMemory[];
  readonly trace: boolean;
}): string {
  const inputs = o.ports.filter(p => p.direction === 'input');
  const outputs = o.ports.filter(p => p.direction === 'output');
  const attention = outputs.find(p => p.name === 'attention' && p.width === 1);
  return `// Generated beside the model: see the package verilator-wrapper.
#include "${o.prefix}.h"
#include "${o.prefix}___024root.h"
#include "verilated.h"
${o.trace ? '#include "verilated_vcd_c.h"' : ''}
#include <chrono>
#include <cstdint>
#include <cstring>

struct Sim {
  VerilatedContext context;
  ${o.prefix}* model;
  uint32_t ports[${Math.max(
    1,
    o.ports.reduce((n, p) => n + p.words, 0),
  )}];
  ${o.trace ? 'VerilatedVcdC* trace;\n  uint64_t time;' : ''}
};

static inline void take(Sim* s) {
${inputs.map(p => `  ${copyIn(p)}`).join('\n')}
}
static inline void give(Sim* s) {
${outputs.map(p => `  ${copyOut(p)}`).join('\n')}
}
static inline void cycle(Sim* s) {
  ${o.trace ? 's->trace->dump(s->time++);' : ''}
  ${o.clock ? `s->model->${o.clock} = 1;\n  s->model->eval();\n  s->model->${o.clock} = 0;` : ''}
  s->model->eval();
}

#pragma GCC visibility push(default)
extern "C" {
Sim* sim_create(${'const char* trace'}) {
  Sim* s = new Sim;
  std::memset(s->ports, 0, sizeof s->ports);
  s->context.randReset(0);
  ${o.trace ? 's->context.traceEverOn(true);' : ''}
  s->model = new ${o.prefix}(&s->context, "");
  ${o.trace ? 's->trace = new VerilatedVcdC;\n  s->time = 0;\n  s->model->trace(s->trace, 99);\n  s->trace->open(trace);' : '(void)trace;'}
  take(s);
  s->model->eval();
  give(s);
  return s;
}
void sim_destroy(Sim* s) {
  ${o.trace ? 's->trace->dump(s->time);\n  s->trace->close();\n  delete s->trace;' : ''}
  s->model->final();
  delete s->model;
  delete s;
}
uint32_t* sim_ports(Sim* s) { return s->ports; }
void sim_settle(Sim* s) {
  take(s);
  s->model->eval();
  give(s);
}
uint32_t sim_step(Sim* s, uint32_t cycles) {
  take(s);
  s->model->eval();
  for (uint32_t i = 0; i < cycles; i++) cycle(s);
  give(s);
  return cycles;
}
uint32_t sim_run(Sim* s, uint32_t most) {
  take(s);
  s->model->eval();
  uint32_t n = 0;
  while (n < most${attention ? ' && !s->model->attention' : ''}) {
    cycle(s);
    n++;
  }
  give(s);
  return n;
}
void* sim_memory(Sim* s, uint32_t which) {
  switch (which) {
${o.memories.map((m, i) => `    case ${i}: return &s->model->rootp->${m.member}[0];`).join('\n')}
    default: return nullptr;
  }
}
uint32_t sim_memory_stride(Sim* s, uint32_t which) {
  switch (which) {
${o.memories.map((m, i) => `    case ${i}: return sizeof s->model->rootp->${m.member}[0];`).join('\n')}
    default: return 0;
  }
}
/* What JavaScript did between two runs, for a replay without it: see bare-loop.ts. */
uint64_t sim_replay(Sim* s, const uint32_t* log, uint64_t words) {
  auto start = std::chrono::steady_clock::now();
  const uint32_t* end = log + words;
  while (log < end) {
    uint32_t kind = *log++;
    if (kind == 0) {
      uint32_t cycles = *log++;
      take(s);
      s->model->eval();
      for (uint32_t i = 0; i < cycles; i++) cycle(s);
    } else if (kind == 1) {
      uint32_t at = *log++, n = *log++;
      std::memcpy(s->ports + at, log, n * 4);
      log += n;
    } else {
      uint32_t which = *log++, at = *log++, bytes = *log++;
      std::memcpy(static_cast<char*>(sim_memory(s, which)) + at, log, bytes);
      log += (bytes + 3) / 4;
    }
  }
  give(s);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count();
}
}
`;
}

function copyIn(p: Port): string {
  const at = `s->ports[${p.offset}]`;
  const to = `s->model->${p.name}`;
  if (p.width <= 32) return `${to} = ${at};`;
  if (p.width <= 64) return `${to} = ${at} | (uint64_t)s->ports[${p.offset + 1}] << 32;`;
  return `std::memcpy(&${to}[0], &${at}, ${4 * p.words});`;
}

function copyOut(p: Port): string {
  const at = `s->ports[${p.offset}]`;
  const from = `s->model->${p.name}`;
  if (p.width <= 32) return `${at} = ${from};`;
  if (p.width <= 64) return `${at} = (uint32_t)${from}; s->ports[${p.offset + 1}] = (uint32_t)(${from} >> 32);`;
  return `std::memcpy(&${at}, &${from}[0], ${4 * p.words});`;
}
