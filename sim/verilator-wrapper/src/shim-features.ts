/** Streams of a model's state to and from memory; Verilator itself has only those for files. */
export const stateStreams = `
struct StateWriter final : VerilatedSerialize {
  std::vector<uint8_t>& bytes;
  explicit StateWriter(std::vector<uint8_t>& to) : bytes{to} {
    m_isOpen = true;
    header();
  }
  void flush() override {
    bytes.insert(bytes.end(), m_bufp, m_cp);
    m_cp = m_bufp;
  }
  void close() override {
    trailer();
    flush();
    m_isOpen = false;
  }
};

struct StateReader final : VerilatedDeserialize {
  const uint8_t* next;
  const uint8_t* end;
  StateReader(const uint8_t* from, size_t size) : next{from}, end{from + size} {
    m_isOpen = true;
    m_endp = m_bufp;
    header();
  }
  /* What is left of the buffer moves to its start; the rest is filled, with zeros at the end of the state. */
  void fill() override {
    const size_t rest = m_endp - m_cp;
    std::memmove(m_bufp, m_cp, rest);
    const size_t more = std::min<size_t>(bufferSize() - rest, end - next);
    std::memcpy(m_bufp + rest, next, more);
    next += more;
    std::memset(m_bufp + rest + more, 0, bufferSize() - rest - more);
    m_cp = m_bufp;
    m_endp = m_bufp + bufferSize();
  }
  void close() override {
    trailer();
    m_isOpen = false;
  }
};
`;

/** Saving and restoring through the C interface: everything that decides how the simulation goes on. */
export function stateInterface(savable: boolean): string {
  if (!savable) {
    return `double shim_save(Simulation* s) { return s->error = "it was built without 'savable'", -1; }
void shim_saved(Simulation*, uint8_t*) {}
double shim_restore(Simulation* s, const uint8_t*, double) { return s->error = "it was built without 'savable'", -1; }
`;
  }
  return `/* Keeps the state; gives its bytes, which shim_saved then copies. */
double shim_save(Simulation* s) {
  return guarded(s, [s] {
    s->saved.clear();
    StateWriter to{s->saved};
    to << s->model;
    to.write(s->words, sizeof s->words).write(s->left, sizeof s->left).write(&s->now, sizeof s->now).write(&s->cycle, sizeof s->cycle);
    to.close();
    return s->saved.size();
  });
}

void shim_saved(Simulation* s, uint8_t* to) {
  std::memcpy(to, s->saved.data(), s->saved.size());
  s->saved = {};
}

/* Gives the cycle of the state. */
double shim_restore(Simulation* s, const uint8_t* bytes, double size) {
  return guarded(s, [=] {
    StateReader from{bytes, static_cast<size_t>(size)};
    from >> s->model;
    from.read(s->words, sizeof s->words).read(s->left, sizeof s->left).read(&s->now, sizeof s->now).read(&s->cycle, sizeof s->cycle);
    from.close();
    s->settle();
    return s->cycle;
  });
}
`;
}

/** Writing what was counted to a file through the C interface. */
export function coverageInterface(covered: boolean): string {
  if (!covered)
    return `double shim_coverage(Simulation* s, const char*) { return s->error = "it was built without 'coverage'", -1; }\n`;
  return `double shim_coverage(Simulation* s, const char* file) {
  return guarded(s, [=] { return s->context.coveragep()->write(file), 0; });
}
`;
}
