// What Verilator's writer of FST files takes from lz4, without that library: a small compressor of the LZ4 block format
// (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md).
#ifndef VERILATOR_WRAPPER_LZ4_H
#define VERILATOR_WRAPPER_LZ4_H

#include <cstdint>
#include <cstring>
#include <vector>

inline int LZ4_compressBound(int size) { return size + size / 255 + 16; }

namespace lz4_block {

constexpr int leastMatch = 4;
/* The format: the last 5 bytes are literals, and the last match starts at least 12 bytes before the end. */
constexpr int lastLiterals = 5;
constexpr int lastMatch = 12;
constexpr int farthest = 65535;
constexpr int hashBits = 12;

inline uint32_t read32(const uint8_t* at) {
  uint32_t value;
  std::memcpy(&value, at, 4);
  return value;
}

/* A length as 4 bits of the token, or 15 there and the rest in bytes. */
inline int nibble(int length) { return length < 15 ? length : 15; }
inline uint8_t* rest(uint8_t* to, int length) {
  if (length < 15) return to;
  for (length -= 15; length >= 255; length -= 255) *to++ = 255;
  *to++ = static_cast<uint8_t>(length);
  return to;
}

inline uint8_t* literals(uint8_t* to, const uint8_t* from, int count, int match) {
  *to++ = static_cast<uint8_t>(nibble(count) << 4 | nibble(match));
  to = rest(to, count);
  if (count > 0) std::memcpy(to, from, count);
  return to + count;
}

}  // namespace lz4_block

/* The room must be that of LZ4_compressBound. */
inline int LZ4_compress_default(const char* source, char* target, int size, int) {
  using namespace lz4_block;
  const uint8_t* const from = reinterpret_cast<const uint8_t*>(source);
  uint8_t* to = reinterpret_cast<uint8_t*>(target);
  std::vector<int> seen(1 << hashBits, -1);
  int anchor = 0;
  for (int at = 0; at + lastMatch <= size;) {
    int& entry = seen[read32(from + at) * 2654435761u >> (32 - hashBits)];
    const int before = entry;
    entry = at;
    if (before < 0 || at - before > farthest || read32(from + before) != read32(from + at)) {
      at++;
      continue;
    }
    int length = leastMatch;
    while (at + length < size - lastLiterals && from[before + length] == from[at + length]) length++;
    to = literals(to, from + anchor, at - anchor, length - leastMatch);
    *to++ = static_cast<uint8_t>(at - before);
    *to++ = static_cast<uint8_t>((at - before) >> 8);
    to = rest(to, length - leastMatch);
    at += length;
    anchor = at;
  }
  to = literals(to, from + anchor, size - anchor, 0);
  return static_cast<int>(to - reinterpret_cast<uint8_t*>(target));
}

#endif
